"""Resident memory of this process."""

import re
from pathlib import Path


def peak_mib() -> float:
    """The peak of this process alone; getrusage would begin with that of the one that began it."""
    told = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert told is not None
    return int(told[1]) / 1024
