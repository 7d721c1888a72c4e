"""Writes the pictures of ``difwatch demo``. Run once; the files are what counts, not this script.

    python -m tests.support.make_demo CORPUS

Three photographs that their owners gave away (CC0): dandelions by Clements Engelhardt, and two pieces of clothing of
the data set of Alexey Grigorev. The others are made of them, as messengers, backups and editors would.
"""

import sys
from pathlib import Path

from PIL import Image, ImageEnhance

_CLOTHING = "photos/clothing"


def main(corpus: Path, out: Path) -> None:
    """Write the pictures below a folder."""
    dandelions = Image.open(corpus / "photos/large/seeding_by_Clements_Engelhardt.jpg").convert("RGB")
    dandelions = dandelions.resize((1200, 675), Image.Resampling.LANCZOS)
    names = sorted((corpus / _CLOTHING).glob("*.jpg"))
    dress, jacket = (Image.open(names[number]).convert("RGB") for number in (77, 120))
    for folder in ("2025", "Backup", "Phone", "Edited"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for picture, name in ((dandelions, "dandelions"), (dress, "dress"), (jacket, "jacket")):
        picture.save(out / f"2025/{name}.jpg", quality=85)
    (out / "Backup/dandelions.jpg").write_bytes((out / "2025/dandelions.jpg").read_bytes())
    turned = dandelions.rotate(90, expand=True).resize((450, 800), Image.Resampling.LANCZOS)
    turned.save(out / "Phone/IMG-20251121-WA0001.jpg", quality=70)
    smaller = dress.resize((dress.width * 6 // 10, dress.height * 6 // 10), Image.Resampling.LANCZOS)
    smaller.save(out / "Phone/IMG-20251121-WA0002.jpg", quality=70)
    jacket.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(out / "Phone/selfie.jpg", quality=80)
    ImageEnhance.Brightness(dandelions).enhance(1.25).save(out / "Edited/dandelions bright.jpg", quality=80)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent.parent.parent / "difwatch/demo")
