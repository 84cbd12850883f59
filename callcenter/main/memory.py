"""Memory that is free in this process, given back to the system."""

import ctypes
import ctypes.util
from collections.abc import Callable


def giver() -> Callable[[], None]:
    """Return what gives free memory back: glibc keeps a page as long as anything above it in the heap lives.

    malloc_trim(3) gives back every free page; a few milliseconds, so it is for moments in which nobody waits. Where there
    is none (musl, macOS), what is returned does nothing.
    """
    name = ctypes.util.find_library("c")
    trim = getattr(ctypes.CDLL(name), "malloc_trim", None) if name else None
    if trim is None:
        return lambda: None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int

    def give_back() -> None:
        trim(0)

    return give_back
