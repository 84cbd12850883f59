"""A real IMAP server: Debian's dovecot, run as an unprivileged user with its own configuration in a folder."""

import asyncio
import getpass
import grp
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.peers.programs import required

USER, PASSWORD = "post", "a secret of żółw"
_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:{folder}/mail
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 0
first_valid_gid = 0
mail_privileged_group = {group}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service auth-worker {{
  user = {user}
}}
"""


@dataclass(slots=True)
class Dovecot:
    """The server. Mails are put into its folder as a delivery agent does (Maildir)."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    def deliver(self, raw: bytes, name: str) -> None:
        new = self.folder / "mail" / "new"
        fresh = self.folder / "mail" / "tmp" / name
        fresh.write_bytes(raw)
        self._ours(fresh)
        fresh.rename(new / name)

    def flags(self) -> dict[str, str]:
        """Return the flags of every mail by the name it was delivered under."""
        found = [each.name for place in ("new", "cur") for each in (self.folder / "mail" / place).iterdir()]
        return {name.partition(":2,")[0]: name.partition(":2,")[2] for name in found}

    def number_anew(self) -> None:
        """Let the folder have another UIDVALIDITY: as after a restored backup."""
        for each in (self.folder / "mail").glob("dovecot*"):
            each.unlink()

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    def _ours(self, path: Path) -> None:
        if os.getuid() == 0:
            shutil.chown(path, *_owner())


def _owner() -> tuple[str, str]:
    """Return the user and group to run as: ourselves, or nobody for root, whom dovecot refuses to be."""
    if os.getuid() == 0:
        return "nobody", grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name
    return getpass.getuser(), grp.getgrgid(os.getgid()).gr_name


@asynccontextmanager
async def running(port: int = 0) -> AsyncIterator[Dovecot]:
    """Run dovecot until the end; its folder is gone afterwards."""
    program = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or required("dovecot", "dovecot-imapd")
    user, group = _owner()
    with tempfile.TemporaryDirectory(prefix="dovecot-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        port = port or _free_port()
        for each in ("run", "state", "mail", "mail/new", "mail/cur", "mail/tmp"):
            (folder / each).mkdir(parents=True, exist_ok=True)
        (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        ids = {"uid": pwd.getpwnam(user).pw_uid, "gid": grp.getgrnam(group).gr_gid}
        config = folder / "dovecot.conf"
        config.write_text(_CONFIG.format(folder=folder, user=user, group=group, port=port, **ids))
        if os.getuid() == 0:
            for path in folder.rglob("*"):
                shutil.chown(path, user, group)
            shutil.chown(folder, user, group)
        with subprocess.Popen([program, "-F", "-c", str(config)], **_as(user)) as process:
            found = Dovecot(folder, port, process)
            try:
                await _up(found)
                yield found
            finally:
                found.stop()


def _as(user: str) -> dict[str, Any]:
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def _up(dovecot: Dovecot) -> None:
    while True:
        assert dovecot.process.poll() is None, dovecot.log() if (dovecot.folder / "log").exists() else "dovecot did not start"
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", dovecot.port)
            greeting = await reader.readline()
        except OSError:
            greeting = b""
        else:
            writer.close()
        if greeting.startswith(b"* OK"):
            return
        await asyncio.sleep(0.05)
