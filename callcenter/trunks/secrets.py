"""Trunk passwords at rest: sealed with a key in a file only this account can read.

The switch needs them in clear, so a hash will not do. Whoever copies the database without the key file gets nothing.
"""

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from callcenter.errors import Unavailable
from callcenter.keys import KEY_FILE, installation_key


def seal(data_dir: Path, secret: str) -> str:
    """Return `secret` encrypted as text; an empty one stays empty."""
    return Fernet(installation_key(data_dir)).encrypt(secret.encode()).decode() if secret else ""


def unseal(data_dir: Path, sealed: str) -> str:
    """Return the secret again; raises Unavailable when the key is not the one it was sealed with."""
    if not sealed:
        return ""
    try:
        return Fernet(installation_key(data_dir)).decrypt(sealed.encode()).decode()
    except (InvalidToken, ValueError) as error:
        raise Unavailable(
            "The key file {file} does not open the stored trunk passwords. Put the old key back or type the passwords again.",
            file=str(data_dir / KEY_FILE),
        ) from error
