"""`keep_freed_memory`: what is freed is there for what is allocated next, without a page taken from the system."""

import platform
import subprocess
import sys

SCRIPT = """
import resource
import numpy as np
from vosref.train.allocation import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(1 << 25)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(keep_freed_memory(), faults(), faults())
"""


def test_memory_is_taken_from_the_system_once():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    kept, first, second = run.stdout.split()
    glibc = platform.libc_ver()[0] == "glibc"
    assert kept == str(glibc)
    assert not glibc or int(second) < int(first) / 10
