"""The installation's key file: what is sealed in the database, and tokens made of personal data, depend on it."""

import os
from pathlib import Path

from cryptography.fernet import Fernet

from callcenter import clock

KEY_FILE = "secret.key"


def installation_key(data_dir: Path) -> bytes:
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
