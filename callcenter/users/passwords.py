"""Passwords: the rules for a new one, and argon2 hashing that never stands in the event loop's way."""

import asyncio
import functools
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from callcenter.errors import Invalid

MINIMUM_LENGTH = 10
MAXIMUM_LENGTH = 1000  # more than anybody types; keeps a hostile form from feeding megabytes to the hash

_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)  # RFC 9106, section 4, second recommended option
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")  # bounds memory: each hash holds 64 MiB


def check_rules(password: str, login: str) -> None:
    """Raise Invalid unless the password is one a person may choose."""
    if len(password) < MINIMUM_LENGTH:
        raise Invalid("A password needs at least {minimum} characters.", field="password", minimum=MINIMUM_LENGTH)
    if len(password) > MAXIMUM_LENGTH:
        raise Invalid("A password has at most {maximum} characters.", field="password", maximum=MAXIMUM_LENGTH)
    if password.strip().casefold() == login.casefold():
        raise Invalid("The password must not be the login.", field="password")
    if len(set(password)) == 1:
        raise Invalid("The password must not be one character repeated.", field="password")


async def make_hash(password: str) -> str:
    """Return the argon2id hash of a password, made in a thread (about 100 ms)."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def verify(password: str, stored: str | None) -> bool:
    """Tell whether `password` belongs to the stored hash; takes as long for None or a broken hash as for a real one."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _verify, password[: MAXIMUM_LENGTH + 1], stored)


def is_outdated(stored: str) -> bool:
    """Tell whether the hash was made with other parameters than today's."""
    try:
        return _hasher.check_needs_rehash(stored)
    except InvalidHashError:
        return True


@functools.cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_hex())


def _verify(password: str, stored: str | None) -> bool:
    try:
        matches = _hasher.verify(stored or _nobody(), password)
    except InvalidHashError:
        _check_against_nobody(password)
        return False
    except VerificationError:
        return False
    return matches and bool(stored)


def _check_against_nobody(password: str) -> None:
    """Spend the time a real hash would have taken."""
    try:
        _hasher.verify(_nobody(), password)
    except VerificationError:
        return
