"""Raw files, where their decoder is installed: pictures by their largest preview, and copies of each other only."""

import json

from tests.support.commands import called
from tests.support.photos import photo
from tests.support.raws import needs_raw, raw_file
from tests.support.running import difwatch


def left(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@needs_raw
def test_a_raw_file_is_a_copy_of_a_raw_file_only_and_its_jpeg_waits_for_it(tmp_path):
    pictures = tmp_path / "pictures"
    (pictures / "backup").mkdir(parents=True)
    shot = photo(1, 300, 200)
    shot.save(pictures / "DSC_1.JPG", quality=90)
    (pictures / "DSC_1.NEF").write_bytes(raw_file([photo(2, 16, 12), shot]))
    shot.save(pictures / "backup/DSC_1.JPG", quality=80)
    (pictures / "backup/DSC_1.NEF").write_bytes(raw_file([photo(3, 16, 12), shot]))
    difwatch(tmp_path / "state", "watch", "--once", "--quiet-seconds", "0", pictures)
    groups = json.loads(called(tmp_path / "state", "report", "--format", "json").stdout)["groups"]
    members = {group["primary"]["path"]: [one["path"] for one in group["members"]] for group in groups}
    assert members == {
        str(pictures / f"DSC_1.{end}"): [str(pictures / f"backup/DSC_1.{end}")] for end in ("JPG", "NEF")
    }
    facts = {group["primary"]["facts"]["format"] for group in groups}
    assert facts == {"JPEG", "RAW"}
    said = called(tmp_path / "state", "explain", pictures / "DSC_1.JPG", pictures / "DSC_1.NEF").stdout
    assert "no match: only one of them is a raw file" in said
    called(tmp_path / "state", "apply", "--move-to", tmp_path / "out")
    assert left(tmp_path / "out") == ["DSC_1.JPG", "DSC_1.NEF"]
    assert left(pictures) == ["DSC_1.JPG", "DSC_1.NEF"]


@needs_raw
def test_a_copy_beside_the_only_raw_file_stays(tmp_path):
    pictures = tmp_path / "pictures"
    (pictures / "backup").mkdir(parents=True)
    shot = photo(1, 300, 200)
    shot.save(pictures / "DSC_1.JPG", quality=90)
    shot.save(pictures / "backup/DSC_1.JPG", quality=80)
    (pictures / "backup/DSC_1.NEF").write_bytes(raw_file([shot]))
    difwatch(tmp_path / "state", "watch", "--once", "--quiet-seconds", "0", pictures)
    done = called(tmp_path / "state", "apply", "--move-to", tmp_path / "out", check=False)
    assert "DSC_1.NEF belongs to it and is compared by itself" in done.stdout + done.stderr
    assert left(pictures) == ["DSC_1.JPG", "DSC_1.JPG", "DSC_1.NEF"]
