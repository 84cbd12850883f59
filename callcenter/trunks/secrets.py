"""Trunk passwords at rest: sealed with a key in a file only this account can read.

The switch needs them in clear, so a hash will not do. Whoever copies the database without the key file gets nothing.
"""

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from callcenter import clock
from callcenter.errors import Unavailable

KEY_FILE = "secret.key"


def seal(data_dir: Path, secret: str) -> str:
    """Return `secret` encrypted as text; an empty one stays empty."""
    return Fernet(_key(data_dir)).encrypt(secret.encode()).decode() if secret else ""


def unseal(data_dir: Path, sealed: str) -> str:
    """Return the secret again; raises Unavailable when the key is not the one it was sealed with."""
    if not sealed:
        return ""
    try:
        return Fernet(_key(data_dir)).decrypt(sealed.encode()).decode()
    except (InvalidToken, ValueError) as error:
        raise Unavailable(
            "The key file {file} does not open the stored trunk passwords. Put the old key back or type the passwords again.",
            file=str(data_dir / KEY_FILE),
        ) from error


def _key(data_dir: Path) -> bytes:
    """Read the key, making it on first use; two processes making it at once end with the same one."""
    path = data_dir / KEY_FILE
    try:
        return path.read_bytes().strip()
    except FileNotFoundError:
        data_dir.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{KEY_FILE}.{clock.new_id()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)  # fails if another process was first; a rename would replace its key
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_bytes().strip()
