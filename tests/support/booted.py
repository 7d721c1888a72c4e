"""A real systemd in a container, in which the program of this checkout is installed.

The tree of a small Debian is built once and kept in the directory that ``BOOTED_CACHE`` names, or else in one below
the temporary directory; a changed `RECIPE` or changed dependencies make a new one. A guest boots an overlay of it in
memory, so the tree stays as it was built. All processes of a guest are in a control group of its own: whatever
happens, nothing of it is left.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.running import until

SUITE = "bookworm"
VERSION = "3.11"
"""That of the Python of the suite."""

USER = "anna"
"""A user of the guest, whose service manager runs without a login."""

PROGRAM = "/opt/difwatch/bin/difwatch"
PYTHON = "/opt/difwatch/bin/python"

RECIPE = r"""
debootstrap --variant=minbase --include="$packages" "$suite" "$tree" $mirror
chroot "$tree" sh -c 'mkdir /root/later && cd /root/later && apt-get -q update && apt-get -q download libnss-systemd'
rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/*
"$python" -m pip -q download --only-binary=:all: --python-version "$version" -d "$tree/root/wheels" $dependencies
chroot "$tree" python3 -m venv /opt/difwatch
chroot "$tree" /opt/difwatch/bin/pip -q install --no-index --find-links /root/wheels $dependencies
rm -rf "$tree/root/wheels"
chroot "$tree" useradd --create-home --uid 1000 "$user"
mkdir -p "$tree/var/lib/systemd/linger"
touch "$tree/var/lib/systemd/linger/$user"
"""

PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "dbus-user-session",
    "libpam-systemd",
    "python3",
    "python3-venv",
    "procps",
)

LANDLOCK = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"
BUILD_SECONDS = 900
BOOT_SECONDS = 60
_TOOLS = ("debootstrap", "systemd-nspawn", "nsenter", "unshare")


class GuestError(Exception):
    """What was to be done with a guest failed; the text has what was printed."""


class Guest:
    """A machine that runs; commands in it are those of root or of `USER`."""

    def __init__(self, leader: int) -> None:
        self.leader = leader
        """Its process 1, as it is called here."""

    def path(self, name: str) -> Path:
        """Give a path of the guest, as it is called here."""
        return Path(f"/proc/{self.leader}/root") / name.lstrip("/")

    def run(
        self, *words: str, user: str | None = None, check: bool = True, seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the guest to its end.

        Raises
        ------
        GuestError
            It failed, and `check` is set.
        """
        home = "/root" if user is None else f"/home/{user}"
        command = ["nsenter", f"--target={self.leader}", "--all", "--root", "--wd", "env", "--ignore-environment"]
        command += ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", f"HOME={home}"]
        if user is not None:
            command += ["XDG_RUNTIME_DIR=/run/user/1000", "runuser", "-u", user, "--"]
        return _ran([*command, *words], check=check, timeout=seconds)

    def write(self, name: str, text: str | bytes) -> None:
        """Write a file of the guest, and the directories above it."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)


def why_not() -> str | None:
    """Say why no guest can boot here; None if it can, or will as soon as its tree is built."""
    if os.getuid() != 0:
        return "only root can boot a guest"
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        return f"{' and '.join(missing)}: not installed (apt-get install debootstrap systemd-container)"
    if (found := _cgroup2()) is None or not os.access(found, os.W_OK):
        return "there is no cgroup2 here that can be written"
    trial = ["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    if _ran(trial, check=False).returncode:
        return "file systems cannot be mounted here"
    return _why_no_network()


@contextlib.contextmanager
def booted(*, with_nss: bool) -> Iterator[Guest]:
    """Boot a guest, and power it off.

    Parameters
    ----------
    with_nss
        Whether libnss-systemd is installed, which gives a dynamic user a name and a home; many machines lack it.
    """
    with contextlib.ExitStack() as stack:
        tree = stack.enter_context(_tree())
        base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="difwatch-guest-")))
        root = stack.enter_context(_overlay(tree, base))
        _install(root, base)
        if with_nss:
            _ran(["chroot", str(root), "sh", "-c", "dpkg --install /root/later/*.deb"])
        group = stack.enter_context(_group(base.name))
        yield stack.enter_context(_running(root, base, group))


@contextlib.contextmanager
def _running(root: Path, base: Path, group: Path) -> Iterator[Guest]:
    script = 'echo $$ >"$0/cgroup.procs" && exec "$@"'
    flags = ["--register=no", "--keep-unit", "--private-network", "--console=pipe", "--tmpfs=/srv"]
    flags += [f"--system-call-filter={LANDLOCK}"]  # old containers refuse it, real machines do not
    name = f"--machine=difwatch-guest-{os.getpid()}"
    command = ["sh", "-c", script, str(group), "systemd-nspawn", "--boot", f"--directory={root}", name, *flags]
    environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    log = base / "log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True, env=environment
        )
    try:
        until(lambda: _is_up(process, log), BOOT_SECONDS, lambda: log.read_text(errors="replace"))
        yield Guest(_leader(process.pid))
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            if leader := _leader(process.pid):
                Guest(leader).run("systemctl", "poweroff", check=False)
                process.wait(BOOT_SECONDS)
        _end_all(group)
        process.wait(BOOT_SECONDS)


def _is_up(process: subprocess.Popen[bytes], log: Path) -> bool:
    if process.poll() is not None:
        raise GuestError(f"the guest ended while it booted: {log.read_text(errors='replace')}")
    leader = _leader(process.pid)
    if not leader:
        return False
    return Guest(leader).run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")


def _leader(nspawn: int) -> int:
    """Find process 1 of a guest; 0 as long as it is not in its own tree, where a command would hit this machine."""
    with contextlib.suppress(OSError):
        for pid in Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split():
            is_systemd = Path(f"/proc/{pid}/comm").read_text() == "systemd\n"
            if is_systemd and Path(f"/proc/{pid}/root/run/systemd/private").exists() and not _is_ours(pid):
                return int(pid)
    return 0


def _is_ours(pid: str) -> bool:
    return os.path.samestat(os.stat(f"/proc/{pid}/root/"), os.stat("/"))


@contextlib.contextmanager
def _group(name: str) -> Iterator[Path]:
    """A control group that is emptied and removed."""
    top = _cgroup2()
    assert top is not None
    group = top / name
    group.mkdir()
    try:
        yield group
    finally:
        _end_all(group)
        for folder, _, _ in os.walk(group, topdown=False):
            os.rmdir(folder)


def _end_all(group: Path) -> None:
    """Kill what is in a control group, and wait until it is gone."""
    (group / "cgroup.kill").write_text("1")
    until(lambda: "populated 0" in (group / "cgroup.events").read_text(), 30)


@contextlib.contextmanager
def _overlay(tree: Path, base: Path) -> Iterator[Path]:
    """The tree, with all changes in memory."""
    with _mounted(base, "-t", "tmpfs", "tmpfs"):
        upper, work, root = (base / name for name in ("upper", "work", "root"))
        for folder in (upper, work, root):
            folder.mkdir()
        with _mounted(root, "-t", "overlay", "overlay", "-o", f"lowerdir={tree},upperdir={upper},workdir={work}"):
            yield root


@contextlib.contextmanager
def _mounted(place: Path, *words: str) -> Iterator[None]:
    _ran(["mount", *words, str(place)])
    try:
        yield
    finally:
        _ran(["umount", "--recursive", str(place)])


def _install(root: Path, base: Path) -> None:
    """Install the wheel of the checkout."""
    _ran([sys.executable, "-m", "pip", "-q", "wheel", "--no-deps", "-w", str(base / "wheel"), str(ROOT)], timeout=300)
    (wheel,) = (base / "wheel").iterdir()
    shutil.copy(wheel, root / "root" / wheel.name)
    pip = ["/opt/difwatch/bin/pip", "-q", "install", "--no-index", "--no-deps", f"/root/{wheel.name}"]
    _ran(["chroot", str(root), *pip])


@contextlib.contextmanager
def _tree() -> Iterator[Path]:
    """The tree of the recipe, which nobody removes meanwhile."""
    cache = _cache()
    tree = cache / _key()
    with (cache / f"{tree.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        if not tree.exists():
            fcntl.flock(lock, fcntl.LOCK_EX)
            _remove_others(cache, tree)
            _build(tree)
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield tree


def _build(tree: Path) -> None:
    """Build a tree, unless another process did while this one waited."""
    if tree.exists():
        return
    part = tree.with_name(f"{tree.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    variables = {
        "tree": str(part),
        "suite": SUITE,
        "packages": ",".join(PACKAGES),
        "mirror": _mirror() or "",
        "python": sys.executable,
        "version": VERSION,
        "dependencies": " ".join(_dependencies()),
        "user": USER,
    }
    try:
        _ran(["sh", "-euc", RECIPE], env={**os.environ, "LC_ALL": "C.UTF-8", **variables}, timeout=BUILD_SECONDS)
        part.rename(tree)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _remove_others(cache: Path, tree: Path) -> None:
    """Remove the trees of other recipes that no guest uses."""
    for path in cache.glob("*.lock"):
        if path.stem == tree.name:
            continue
        with path.open("w") as lock, contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)


def _cache() -> Path:
    """Give the directory of the trees: it must be root's alone, since root runs what is in it."""
    cache = Path(os.environ.get("BOOTED_CACHE") or Path(tempfile.gettempdir()) / "difwatch-booted")
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = cache.lstat()
    if found.st_uid != 0 or found.st_mode & 0o022 or cache.is_symlink():
        raise GuestError(f"{cache}: belongs to somebody else; name another directory in BOOTED_CACHE")
    return cache


def _key() -> str:
    recipe = repr((RECIPE, SUITE, PACKAGES, VERSION, USER, _dependencies()))
    return hashlib.sha256(recipe.encode()).hexdigest()[:16]


def _dependencies() -> list[str]:
    found: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return found


def _mirror() -> str | None:
    """Find the mirror of this machine that has the suite; None: the usual one of debootstrap will do."""
    listed = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    text = "\n\n".join(path.read_text() for path in listed if path.is_file())
    if found := re.search(rf"^deb\s+(?:\[[^]]*\]\s+)?(https?://\S+)\s+{SUITE}\s", text, re.MULTILINE):
        return found[1]
    for stanza in re.split(r"\n\s*\n", text):
        address = re.search(r"^URIs:\s*(https?://\S+)", stanza, re.MULTILINE)
        if address and re.search(rf"^Suites:(?:.*\s)?{SUITE}(?:\s|$)", stanza, re.MULTILINE):
            return address[1]
    return None


def _why_no_network() -> str | None:
    """Say which of the registries of packages does not answer; None where all do."""
    if not (_cache() / _key()).exists() and (mirror := _mirror()) is not None:
        try:
            urllib.request.urlopen(f"{mirror.rstrip('/')}/dists/{SUITE}/Release", timeout=20).close()
        except (OSError, urllib.error.URLError) as error:
            return f"no Debian packages can be had: {error}"
    (backend,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    with tempfile.TemporaryDirectory() as place:
        done = _ran([sys.executable, "-m", "pip", "-q", "download", "--no-deps", "-d", place, backend], check=False)
    return f"no Python packages can be had: {done.stderr.strip()}" if done.returncode else None


def _cgroup2() -> Path | None:
    """Find where the second kind of control groups is mounted."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    return None


def _ran(
    words: list[str], *, check: bool = True, timeout: float = 60, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=timeout, env=env
    )
    if check and done.returncode:
        raise GuestError(f"{' '.join(words[:12])}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done
