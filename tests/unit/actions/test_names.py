"""Which files belong to a picture, by their names."""

import pytest

from difwatch.actions.names import candidates, same_stem, sidecars

LONG = b"Screenshot_20240501-123007_A program of that na"[:46]
BELONG = {
    b"IMG_1.JPG": [
        b"IMG_1.MOV", b"IMG_1.AAE", b"IMG_1.xmp", b"IMG_1.JPG.xmp", b"IMG_1.NEF", b"IMG_1.WAV", b"IMG_1.json",
        b"IMG_1.JPG.json", b"IMG_1.JPG.supplemental-metadata.json", b"IMG_1.JPG.suppl.json", b"IMG_1.JPG.s.json",
        b"IMG_1.JPG_original", b"IMG_1.JPG.out.pp3", b"IMG_1_01.JPG.xmp", b"IMG_1.on1", b"IMG_1.cos", b"IMG_1.mp4",
    ],
    LONG + b"_1.jpg": [LONG + b".json"],
    b"\xc3\xa4" * 44 + b".jpeg": [b"\xc3\xa4" * 44 + b".j.json"],
    b"PXL_6.MP.jpg": [b"PXL_6.MP", b"PXL_6.MP.jpg.supplemental-me.json"],
    b"IMG_2.HEIC": [b"IMG_2.MOV", b"IMG_2.mov", b"IMG_2.aae"],
    b"scan.png": [b"scan.xmp", b"scan.png.json"],
}  # fmt: skip
OTHERS = {
    b"IMG_1.JPG": [
        b"IMG_1 (1).JPG", b"IMG_10.MOV", b"IMG_1_01.JPG", b"IMG_1.txt", b"IMG_1", b"IMG_1.JPG.txt",
        b"IMG_1.JPG.meta.json",
        b"IMG_E1.AAE", b"IMG_1_001.JPG.xmp", b"XIMG_1.JPG.xmp",
    ],
    b"scan.png": [b"scan.mov", b"scan"],
    b"PXL_6.MP.jpg": [b"PXL_6", b"PXL_6.mov"],
}  # fmt: skip


@pytest.mark.parametrize("name", BELONG)
def test_notes_raw_files_and_the_video_of_a_still_belong_to_it(name):
    expected = sorted(BELONG[name])
    assert sidecars(name, [name, *BELONG[name], *OTHERS.get(name, [])]) == expected
    assert same_stem(name, [name, *BELONG[name]]) == []
    usual = set(candidates(name))
    assert [other for other in expected if other not in usual] == []


def test_a_note_that_may_be_of_either_of_two_long_names_belongs_to_none():
    note = LONG + b".json"
    assert sidecars(LONG + b"_1.jpg", [note, LONG + b"_1.jpg", LONG + b"_2.jpg"]) == []


def test_another_picture_of_the_same_stem_is_told():
    assert same_stem(b"a.jpg", [b"a.jpg", b"a.png", b"a.mov", b"a.xmp"]) == [b"a.png"]
