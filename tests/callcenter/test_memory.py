"""Memory that is free goes back to the system, though something above it in the heap lives."""

import subprocess
import sys

STORY = """
import os
from callcenter.main.memory import giver

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

give_back = giver()
blocks = [bytes(4000) for _ in range(20_000)]
above = bytes(4000)
full = resident()
del blocks
free = resident()
give_back()
print(full - resident(), full - free)
"""


def test_free_memory_below_what_lives_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", STORY], capture_output=True, text=True, check=True, timeout=120)
    given, before = map(int, done.stdout.split())
    assert given > 60_000_000
    assert before < 20_000_000, "glibc gave it back by itself: nothing was proved"
