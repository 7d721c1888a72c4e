"""The service of the machine under a real systemd, in a container: it starts, works, is disturbed and goes on.

Each test finds a machine on which the service was just installed, with an empty store and one empty folder.
"""

import io
import json
import re
import time

import pytest

from tests.support import booted
from tests.support.booted import PROGRAM, PYTHON, USER
from tests.support.photos import photo
from tests.support.running import until

pytestmark = [pytest.mark.slow, pytest.mark.root, pytest.mark.timeout(900)]

PHOTOS = "/srv/photos"
NAS = "/mnt/nas/photos"
STATE = "/var/lib/difwatch"
PRIVATE_STATE = "/var/lib/private/difwatch"
CONFIG = "/etc/difwatch/config.toml"
USERS_CONFIG = f"/home/{USER}/.config/difwatch/config.toml"
USERS_EXPOSURE = 6.5
"""At most, from 0 to 10: without rights, namespaces of its own are not to be had."""

UNITS = ("difwatch.service", "difwatch-rescan.service", "difwatch-rescan.timer")


@pytest.fixture(scope="module", params=[False, True], ids=["without libnss-systemd", "with libnss-systemd"])
def guest(request):
    if (reason := booted.why_not()) is not None:
        pytest.skip(reason)
    with booted.booted(with_nss=request.param) as guest:
        yield guest


@pytest.fixture
def bare(guest):
    """A machine with a configuration and without the service."""
    service = Service(guest)
    service.wipe()
    guest.run("mkdir", "-p", PHOTOS)
    service.configure(PHOTOS)
    yield service
    print(service.journal())
    service.wipe()


@pytest.fixture
def service(bare):
    bare.guest.run(PROGRAM, "service", "install", "--system")
    return bare


class Service:
    """The service of a guest, as one looks at it and disturbs it."""

    def __init__(self, guest):
        self.guest = guest
        shown = guest.run("journalctl", "--lines=0", "--show-cursor").stdout
        self._since = shown.partition("cursor: ")[2].strip()

    def wipe(self):
        """Take it away with all that it left."""
        self.guest.run("systemctl", "stop", *UNITS, check=False)
        self.guest.run("systemctl", "--user", "stop", "difwatch.service", user=USER, check=False)
        self.guest.run("sh", "-c", f"umount {PRIVATE_STATE} 2>/dev/null || true")
        made = f"{STATE} {PRIVATE_STATE} /etc/difwatch /srv/* /mnt/* /home/{USER}/.[cl]* /home/{USER}/Pictures"
        self.guest.run("sh", "-c", f"rm -rf /etc/systemd/system/difwatch* /run/systemd/system/difwatch* {made}")
        self.guest.run("systemctl", "daemon-reload")
        self.guest.run("systemctl", "reset-failed")

    def configure(self, *folders, more=""):
        """Write the file of the machine."""
        self.guest.write(CONFIG, more + "".join(f"\n[[folder]]\npath = '{folder}'\n" for folder in folders))

    def drop_in(self, unit, section, *lines):
        """Change settings of a unit until the next boot; they hold from its next start on."""
        self.guest.write(f"/run/systemd/system/{unit}.d/test.conf", "\n".join([f"[{section}]", *lines, ""]))
        self.guest.run("systemctl", "daemon-reload")

    def restart(self):
        self.guest.run("systemctl", "restart", "difwatch.service")

    def shown(self, name, unit="difwatch.service"):
        return self.guest.run("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    def is_active(self):
        return self.shown("ActiveState") == "active"

    def main_pid(self):
        return int(self.shown("MainPID"))

    def journal(self, *flags):
        """Give what was logged since the test began."""
        return self.guest.run("journalctl", "--no-pager", f"--after-cursor={self._since}", *flags).stdout

    def difwatch(self, *words, check=True):
        """Run a command on its store as root."""
        return self.guest.run(PROGRAM, "--state-dir", STATE, *words, check=check)

    def status(self):
        """Give the exit code of ``status``, and what it prints."""
        done = self.difwatch("status", check=False)
        return done.returncode, done.stdout + done.stderr

    def folder(self, name):
        """Give what ``status`` knows of a folder; nothing if it does not know it."""
        text = self.difwatch("status", "--json", check=False).stdout
        return next((one for one in json.loads(text)["folders"] if one["path"] == name), {})

    def wait_until_well(self, seconds=60):
        until(lambda: self.status()[0] == 0, seconds, self.told)

    def wait_until_known(self, folder, images, seconds=30):
        until(lambda: self.folder(folder).get("images") == images, seconds, self.told)

    def told(self):
        """Give what it says of itself: why something is waited for in vain."""
        return f"{self.shown('ActiveState')}\n{self.status()[1]}\n{self.journal('--lines=30')}"


def picture(seed):
    file = io.BytesIO()
    photo(seed).save(file, "PNG")
    return file.getvalue()


def exposure(guest, unit, *scope, user=None):
    """Give how exposed systemd finds a unit, from 0 to 10."""
    text = guest.run("systemd-analyze", *scope, "security", "--no-pager", unit, user=user).stdout
    (level,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", text)
    return float(level)


def test_it_is_installed_and_becomes_active(bare):
    done = bare.guest.run(PROGRAM, "service", "install", "--system", check=False)
    assert done.returncode == 0, done.stdout + done.stderr + bare.journal()
    assert bare.is_active()
    bare.wait_until_well()
    assert bare.shown("NRestarts") == "0"
    assert bare.shown("UnitFileState") == "enabled"
    assert bare.shown("ActiveState", "difwatch-rescan.timer") == "active"


def test_a_new_picture_is_matched(service):
    service.guest.write(f"{PHOTOS}/first.png", picture(1))
    service.wait_until_known(PHOTOS, 1)
    service.guest.write(f"{PHOTOS}/copy.png", picture(1))
    until(lambda: f"match {PHOTOS}/copy.png {PHOTOS}/first.png" in service.journal(), 30, service.told)
    report = service.difwatch("report").stdout
    assert "1 group" in report and "first.png" in report and "copy.png" in report


def test_root_asks_for_its_status_without_saying_where_it_works(service):
    service.wait_until_well()
    done = service.guest.run(PROGRAM, "status", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"pid {service.main_pid()}" in done.stdout and PHOTOS in done.stdout


def test_a_folder_that_is_away_at_the_start_is_named_by_status_and_the_others_are_watched(service):
    service.guest.write(f"{PHOTOS}/first.png", picture(1))
    service.configure(PHOTOS, NAS)
    service.restart()
    service.wait_until_known(PHOTOS, 1)
    assert service.is_active()
    code, text = service.status()
    assert (code, NAS in text, "offline" in text) == (3, True, True), text


def test_a_folder_that_was_away_at_the_start_comes_and_is_watched(service):
    service.configure(PHOTOS, NAS)
    service.restart()
    service.guest.write(f"{NAS}/first.png", picture(1))
    service.wait_until_known(NAS, 1, 120)
    service.guest.write(f"{NAS}/later.png", picture(2))
    service.wait_until_known(NAS, 2, 90)
    service.wait_until_well(90)
    assert service.folder(NAS)["state"] in ("watching", "polling")
    assert service.shown("NRestarts") == "0"


def test_stopped_by_a_signal_it_is_started_again_by_the_watchdog(service):
    service.drop_in("difwatch.service", "Service", "WatchdogSec=12s", "RestartSec=1s")
    service.restart()
    service.wait_until_well()
    first = service.main_pid()
    service.guest.run("kill", "-STOP", str(first))
    until(lambda: service.main_pid() not in (0, first) and service.is_active(), 60, service.told)
    assert "Watchdog timeout" in service.journal()
    service.wait_until_well()


def test_while_the_disk_of_its_store_is_full_it_is_tried_again_and_with_room_it_comes_back(service):
    service.guest.run("systemctl", "stop", "difwatch.service")
    service.guest.run("mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", PRIVATE_STATE)
    service.guest.run("sh", "-c", f"cat /dev/zero >{PRIVATE_STATE}/filler", check=False)
    service.drop_in("difwatch.service", "Service", "RestartSec=2s")
    service.guest.run("systemctl", "start", "--no-block", "difwatch.service")
    until(lambda: _is_past_ten_tries(service), 120, service.told)
    assert "full" in service.journal()
    service.guest.run("rm", f"{PRIVATE_STATE}/filler")
    until(service.is_active, 30, service.told)
    service.guest.write(f"{PHOTOS}/first.png", picture(1))
    service.wait_until_known(PHOTOS, 1)
    service.wait_until_well()


def _is_past_ten_tries(service):
    """Tell whether it was started more often than is usual, or is not started again: it runs or is given up."""
    return int(service.shown("NRestarts")) > 10 or service.shown("ActiveState") in ("active", "failed")


def test_a_wrong_file_is_told_by_status_until_a_right_one_is_in_force(service):
    service.wait_until_well()
    service.configure(PHOTOS, more="similarty = 20\n")
    service.guest.run("systemctl", "reload", "difwatch.service", check=False)  # which may tell it too
    until(lambda: service.status()[0] == 3, 15, service.told)
    text = service.status()[1]
    assert "similarty" in text or CONFIG in text, text
    assert service.is_active()
    service.guest.run("mkdir", "/srv/more")
    service.configure(PHOTOS, "/srv/more")
    service.guest.run("systemctl", "reload", "difwatch.service")
    until(lambda: service.folder("/srv/more"), 15, service.told)
    service.wait_until_well(15)


def test_what_is_wrong_in_the_file_is_an_error_in_the_journal(service):
    service.configure(PHOTOS, more="similarty = 20\n")
    service.guest.run("systemctl", "restart", "difwatch.service", check=False)

    def is_told():
        # Not by --priority: after a cursor that does not match, journalctl leaves out the first entry that does.
        lines = map(json.loads, service.journal("--output=json", "--identifier=difwatch").splitlines())
        return any("similarty" in line["MESSAGE"] and line["PRIORITY"] == "3" for line in lines)

    until(is_told, 10, service.told)


def test_the_timer_has_everything_searched_anew(service):
    service.guest.write(f"{PHOTOS}/first.png", picture(1))
    service.wait_until_known(PHOTOS, 1)
    every = ("OnCalendar=", "OnCalendar=*:*:0/10", "RandomizedDelaySec=0", "AccuracySec=1s")
    service.drop_in("difwatch-rescan.timer", "Timer", *every)
    service.guest.run("systemctl", "restart", "difwatch-rescan.timer")
    searched = "difwatch-rescan.service"
    until(lambda: service.shown("ExecMainExitTimestamp", searched), 60, service.told)
    assert (service.shown("Result", searched), service.shown("ExecMainStatus", searched)) == ("success", "0")
    assert json.loads(service.difwatch("status", "--json").stdout)["last_rescan"]


def allow_moving(service):
    """Copy the drop-in as its text says, and tell the daemon to move."""
    folder = "/etc/systemd/system/difwatch.service.d"
    service.guest.run("cp", f"{folder}/moving.conf.example", f"{folder}/moving.conf")
    service.guest.run("systemctl", "daemon-reload")
    service.configure(PHOTOS, more=f"action = 'move'\nmove_to = '{PHOTOS}/lesser'\n")


def move_one(service):
    """Have one of two pictures of a user moved; gives where they were and where it is."""
    places = [f"{PHOTOS}/a.png", f"{PHOTOS}/b.png"]
    for place in places:
        service.guest.write(place, picture(1))
    service.guest.run("chown", "-R", USER, PHOTOS)
    allow_moving(service)
    service.restart()
    until(lambda: list(service.guest.path(PHOTOS).glob("lesser/*.png")), 60, service.told)
    until(lambda: "move done" in service.difwatch("moves").stdout, 10, service.told)
    (moved,) = service.guest.path(PHOTOS).glob("lesser/*.png")
    return places, f"{PHOTOS}/lesser/{moved.name}"


def test_with_the_drop_in_it_moves_a_duplicate_and_undo_puts_it_back(service):
    places, moved = move_one(service)
    assert [service.guest.path(place).exists() for place in places].count(True) == 1
    service.difwatch("undo", "--all")
    assert [service.guest.path(place).read_bytes() == picture(1) for place in places] == [True, True]
    assert not service.guest.path(moved).exists()
    service.wait_until_well()


def test_the_owner_can_open_a_picture_that_it_moved(service):
    _, moved = move_one(service)
    done = service.guest.run("cmp", moved, f"{PHOTOS}/a.png", user=USER, check=False)
    assert done.returncode == 0, done.stderr + service.guest.run("ls", "-la", PHOTOS, f"{PHOTOS}/lesser").stdout


def test_with_the_drop_in_it_starts_without_the_folder_that_it_may_write_to(service):
    allow_moving(service)
    service.guest.run("rm", "-r", PHOTOS)
    service.guest.run("systemctl", "restart", "difwatch.service", check=False)
    assert service.is_active(), service.told()
    until(lambda: service.status()[0] == 3 and PHOTOS in service.status()[1], 30, service.told)


def test_systemd_finds_the_units_of_the_machine_closed_well(service):
    found = {unit: exposure(service.guest, unit) for unit in UNITS if unit.endswith(".service")}
    assert max(found.values()) <= 1.0, found


def install_for_user(service):
    """Have a user install it for one picture."""
    pictures = f"/home/{USER}/Pictures"
    service.guest.write(f"{pictures}/first.png", picture(1))
    service.guest.write(USERS_CONFIG, f"[[folder]]\npath = '{pictures}'\n")
    service.guest.run("chown", "-R", f"{USER}:", f"/home/{USER}")
    service.guest.run(PROGRAM, "service", "install", "--user", user=USER)


def test_a_user_installs_it_and_it_becomes_active(bare):
    install_for_user(bare)
    assert bare.guest.run("systemctl", "--user", "is-active", "difwatch.service", user=USER).stdout == "active\n"
    until(lambda: "1 picture" in bare.guest.run(PROGRAM, "status", user=USER, check=False).stdout, 30, bare.journal)
    assert bare.guest.run(PROGRAM, "status", user=USER, check=False).returncode == 0


def test_systemd_finds_the_unit_of_a_user_closed_as_far_as_a_user_can(bare):
    install_for_user(bare)
    assert exposure(bare.guest, "difwatch.service", "--user", user=USER) <= USERS_EXPOSURE


def test_the_workers_have_no_capability_and_fewer_calls(service):
    service.guest.write(f"{PHOTOS}/first.png", picture(1))
    service.wait_until_known(PHOTOS, 1)
    main = service.main_pid()
    workers = service.guest.path(f"/proc/{main}/task/{main}/children").read_text().split()
    assert workers
    for pid in workers:
        held = [int(limits(service, pid)[name], 16) for name in ("CapPrm", "CapEff", "CapAmb")]
        assert held == [0, 0, 0], limits(service, pid)
        assert int(limits(service, pid)["Seccomp_filters"]) > int(limits(service, main)["Seccomp_filters"])


def test_the_unit_lets_the_workers_give_up_files(service):
    look = "from difwatch.workers.landlock import version; print('landlock', version())"
    here = service.guest.run(PYTHON, "-c", look).stdout.strip()
    if here == "landlock 0":
        pytest.skip("the kernel has no Landlock")
    service.drop_in("difwatch.service", "Service", f'ExecStartPre={PYTHON} -c "{look}"')
    service.restart()
    assert here in service.journal("--unit=difwatch.service")


def limits(service, pid):
    """Give what the kernel says of a process of the guest."""
    lines = service.guest.path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def test_it_stops_at_once(service):
    service.guest.write(f"{PHOTOS}/first.png", picture(1))
    service.wait_until_known(PHOTOS, 1)
    began = time.monotonic()
    service.guest.run("systemctl", "stop", "difwatch.service")
    assert time.monotonic() - began < 5
    assert service.shown("Result") == "success"


# What systemd/Containerfile makes of a machine: a user without a name or a home, an empty environment, pictures that
# cannot be written to.
IN_CONTAINER = """
set -e
mount --bind /srv/photos /srv/photos
mount -o remount,bind,ro /srv/photos
exec setpriv --reuid 10001 --regid 10001 --clear-groups env -i PATH=/opt/difwatch/bin:/usr/bin:/bin \
  DIFWATCH_STATE_DIR=/state difwatch "$@"
"""


def test_it_runs_as_in_the_container_image(bare):
    guest = bare.guest
    guest.write(f"{PHOTOS}/first.png", picture(1))
    guest.write(f"{PHOTOS}/second.png", picture(1))
    guest.run("sh", "-c", "rm -rf /state && mkdir -m 700 /state && chown 10001:10001 /state")
    guest.write("/root/in-container", IN_CONTAINER)

    def in_container(*words):
        return guest.run("unshare", "--mount", "sh", "/root/in-container", *words, check=False)

    done = in_container("watch", "--once", PHOTOS)
    assert done.returncode == 0, done.stderr
    assert "1 group: 1 duplicate" in in_container("report").stdout
    guest.run("systemd-run", "--unit=contained", "unshare", "--mount", "sh", "/root/in-container", "watch", PHOTOS)
    until(lambda: in_container("status").returncode == 0, 20, lambda: in_container("status").stdout)
    assert in_container("apply", "--delete").returncode == 6, "there is no waste basket, and nothing may be written"
    guest.run("systemctl", "stop", "contained")
    assert in_container("status").returncode == 1
