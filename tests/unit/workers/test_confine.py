"""What a worker can do once it is confined: decode every format, and nothing else."""

import os
import platform
import re
import socket
import subprocess
import sys
from multiprocessing.connection import wait
from pathlib import Path

import pytest
from PIL import Image, features

from difwatch.model.files import FileKey
from difwatch.model.jobs import Limits, Tensorized, TensorJob, WorkerLimits
from difwatch.workers import landlock, seccomp
from difwatch.workers.pool import WorkerPool
from difwatch.workers.reading import tensorize
from tests.support.photos import photo
from tests.support.raws import raw_file

# Each attempt prints a line if it was refused; the last word is whether the parent's memory is as it was.
ATTACK = """
import ctypes, fcntl, mmap, os, signal, socket, subprocess, sys
from difwatch.workers import confine
from difwatch.workers.confine import limit
from difwatch.workers.seccomp import forbid_calls
place, port, parent = sys.argv[1], int(sys.argv[2]), os.getppid()
other = socket.socketpair()[0]
limit(4 << 30, parent)
{confine}

def open_for(path, flags):
    return lambda: os.open(path, flags)

def overwrite():
    descriptor = os.open(place + "/third.jpg", os.O_RDWR)
    mmap.mmap(descriptor, 5)[:5] = b"taken"

attempts = dict(
    read_a_secret=open_for(place + "/secret", os.O_RDONLY),
    list_a_folder=lambda: os.listdir(place),
    make_a_file=open_for(place + "/new", os.O_CREAT | os.O_WRONLY),
    truncate=lambda: os.truncate(place + "/photo.jpg", 0),
    unlink=lambda: os.unlink(place + "/photo.jpg"),
    rename=lambda: os.rename(place + "/photo.jpg", place + "/moved.jpg"),
    chmod=lambda: os.chmod(place + "/photo.jpg", 0),
    symlink=lambda: os.symlink("/etc/passwd", place + "/link"),
    mmap_overwrite=overwrite,
    tcp=lambda: socket.create_connection(("127.0.0.1", port), 2),
    unix_socket=lambda: socket.socket(socket.AF_UNIX),
    execute=lambda: os.execv("/bin/true", ["true"]),
    spawn=lambda: os.posix_spawn("/bin/true", ["true"], {{}}),
    fork=os.fork,
    signal_to_parent=lambda: os.kill(parent, 0),
    memory_of_parent=open_for(f"/proc/{{parent}}/mem", os.O_RDWR),
    signal_by_descriptor=lambda: fcntl.fcntl(other, fcntl.F_SETOWN, parent),
    limits_of_parent=lambda: __import__("resource").prlimit(parent, 7),
)
for name, attempt in attempts.items():
    try:
        attempt()
    except OSError as error:
        os.write(1, f"{{name}} refused\\n".encode())
    else:
        os.write(1, f"{{name}} POSSIBLE\\n".encode())
"""
WAYS = {
    "all": "confine.give_up_rights()\nassert forbid_calls()",
    "seccomp alone": "confine.forbid_files = lambda: 0\nconfine.give_up_rights()\nassert forbid_calls()",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_confined_worker_can_do_nothing_to_files_processes_and_the_network(way, tmp_path):
    for name in ("photo.jpg", "third.jpg", "secret"):
        (tmp_path / name).write_bytes(b"as it was")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import sys; sys.path[:] = {sys.path!r}\n" + ATTACK.format(confine=WAYS[way])
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path), str(port)], capture_output=True, text=True, check=False
        )
    said = done.stdout.splitlines()
    assert len(said) == 18, done.stderr
    assert [line for line in said if "POSSIBLE" in line] == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == dict.fromkeys(
        ("photo.jpg", "third.jpg", "secret"), b"as it was"
    )


@pytest.fixture
def pid():
    """The process of a worker that has started."""
    pool = WorkerPool(1)
    while not pool.workers[0].started:
        wait(pool.waitables())
        pool.collect(0)
    yield pool.workers[0].process.pid
    pool.close()


def test_a_worker_has_no_capabilities_gains_none_and_dumps_no_core(pid):
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
    )
    limits = Path(f"/proc/{pid}/limits").read_text()
    sets = ("CapInh", "CapPrm", "CapEff", "CapAmb")
    assert [int(status[name], 16) for name in sets] == [0] * 4
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert re.search(r"Max core file size +0 ", limits)
    assert re.search(r"Max file size +0 ", limits)


def test_a_worker_has_no_files_but_those_of_its_work(pid):
    opened = {name.name: os.readlink(name) for name in Path(f"/proc/{pid}/fd").iterdir()}
    assert {opened.pop(name) for name in "012"} == {"/dev/null"}
    assert {target.partition(":")[0] for target in opened.values()} == {"/memfd", "pipe", "socket"}, opened


@pytest.mark.parametrize("end", ["ctypes.string_at(0)", "os._exit(3)", "os.abort()"])
def test_a_picture_that_ends_its_own_process_is_a_crash_of_the_worker(end, tmp_path, monkeypatch):
    photo(1).save(tmp_path / "a.png")
    hostile = tmp_path / "sitecustomize.py"
    hostile.write_text(
        "import ctypes, os\n"
        "import difwatch.imaging.loading, difwatch.imaging.recipe as recipe\n"
        f"recipe.make = lambda *_: {end}\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    pool = WorkerPool(1, WorkerLimits(apart=True))
    pool.submit(TensorJob(os.fsencode(tmp_path / "a.png"), FileKey(1, 2, 3, 4, 5), 50, Limits()))
    while not (answers := pool.collect(0)):
        wait(pool.waitables(), timeout=5)
    pool.close()
    assert "ended the worker that decoded it" in answers[0].reason


def with_jxl(image, path):
    pytest.importorskip("pillow_jxl", reason="needs difwatch[jxl]")
    image.save(path, "JXL")


def with_raw(image, path):
    pytest.importorskip("rawpy", reason="needs difwatch[raw]")
    path.write_bytes(raw_file([image]))


def by_pillow(kind, **options):
    return lambda image, path: image.save(path, kind, **options)


def with_profile(image, path):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    image.save(path, "JPEG", icc_profile=profile)


FORMATS = {
    "JPEG": by_pillow("JPEG"),
    "progressive JPEG": by_pillow("JPEG", progressive=True),
    "CMYK JPEG": lambda image, path: image.convert("CMYK").save(path, "JPEG"),
    "JPEG with EXIF": lambda image, path: image.save(path, "JPEG", exif=exif()),
    "a profile": with_profile,
    "PNG": by_pillow("PNG"),
    "palette PNG": lambda image, path: image.quantize(16).save(path, "PNG"),
    "grey PNG of 16 bits": lambda image, path: image.convert("I;16").save(path, "PNG"),
    "GIF": by_pillow("GIF"),
    "WebP": by_pillow("WEBP"),
    "lossless WebP": by_pillow("WEBP", lossless=True),
    "AVIF": by_pillow("AVIF"),
    "TIFF, LZW": by_pillow("TIFF", compression="tiff_lzw"),
    "TIFF, JPEG": by_pillow("TIFF", compression="jpeg"),
    "TIFF, deflate": by_pillow("TIFF", compression="tiff_deflate"),
    "float TIFF": lambda image, path: image.convert("F").save(path, "TIFF"),
    "BMP": by_pillow("BMP"),
    "ICO": by_pillow("ICO"),
    "ICNS": by_pillow("ICNS"),
    "JPEG 2000": by_pillow("JPEG2000"),
    "PCX": by_pillow("PCX"),
    "PPM": by_pillow("PPM"),
    "TGA": by_pillow("TGA"),
    "SGI": by_pillow("SGI"),
    "DDS": by_pillow("DDS"),
    "MPO": lambda image, path: image.save(path, "MPO", save_all=True, append_images=[image]),
    "PSD-like nonsense": lambda image, path: path.write_bytes(b"8BPS" + bytes(100)),
    "JPEG XL": with_jxl,
    "raw": with_raw,
}


def exif():
    block = Image.Exif()
    block[0x010F], block[0x0112] = "Maker", 6
    block.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    return block.tobytes()


@pytest.fixture(scope="module", params=[False, True], ids=["one process", "each apart"])
def pool(request):
    made = WorkerPool(1, WorkerLimits(apart=request.param))
    yield made
    made.close()


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("recipe", ["exact", "fast"])
def test_every_format_is_decoded_inside_as_outside(kind, recipe, pool, tmp_path):
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    path = tmp_path / ("a.dng" if kind == "raw" else "a")
    FORMATS[kind](photo(3, 160, 128), path)
    job = TensorJob(os.fsencode(path), FileKey(1, 2, 3, 4, 5), 50, Limits(), recipe=recipe)
    pool.submit(job)
    while not (answers := pool.collect(0)):
        wait(pool.waitables())
    assert answers == [tensorize(job)]
    assert isinstance(answers[0], Tensorized) or kind == "PSD-like nonsense"


def test_heic_of_cameras_is_decoded_inside_as_outside(pool, corpus):
    files = sorted(corpus.rglob("*.heic"), key=lambda path: path.stat().st_size)
    decoded = 0
    for path in files:
        job = TensorJob(os.fsencode(path), FileKey(1, 2, 3, 4, 5), 50, Limits())
        pool.submit(job)
        while not (answers := pool.collect(0)):
            wait(pool.waitables())
        assert answers == [tensorize(job)]
        decoded += isinstance(answers[0], Tensorized)
    assert decoded >= 5, "the others are broken"


HEADERS = {
    "x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
    "aarch64": "/usr/include/asm-generic/unistd.h",
}


def test_the_numbers_of_the_calls_are_those_of_the_kernel():
    header = Path(HEADERS.get(platform.machine(), "/nowhere"))
    if not header.exists():
        pytest.skip("needs the headers of the kernel (linux-libc-dev)")
    text = header.read_text()
    numbers = {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)}
    allowed = seccomp.allowed(0 if platform.machine() == "x86_64" else 1)
    known = {name: number for name, number in allowed.items() if name in numbers}
    assert known == {name: numbers[name] for name in known}
    assert len(known) > 25


def test_landlock_keeps_from_changing_all_but_one_folder_also_where_a_disk_is_mounted_later(tmp_path):
    if not landlock.version():
        pytest.skip("this kernel has no Landlock")
    (tmp_path / "state").mkdir()
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.jpg").write_bytes(b"as it was")
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\nimport os\nfrom difwatch.workers.landlock import forbid_changes\n"
        f"top = {str(tmp_path)!r}\nforbid_changes([os.fsencode(top + '/state')])\n"
        "open(top + '/state/new', 'w').write('x'); os.rename(top + '/state/new', top + '/state/newer')\n"
        "print(open(top + '/pictures/a.jpg').read())\n"
        "for act in (lambda: open(top + '/pictures/a.jpg', 'r+'), lambda: open(top + '/pictures/b', 'w'),\n"
        "            lambda: os.unlink(top + '/pictures/a.jpg'),\n"
        "            lambda: os.rename(top + '/pictures/a.jpg', top + '/state/a.jpg')):\n"
        "    try: act()\n"
        "    except OSError: print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["as it was", *["refused"] * 4], done.stderr
