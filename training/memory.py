"""Keeping the memory that a step frees for the next one."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
"""Names of glibc's `mallopt` (malloc.h)."""


def keep_freed_memory() -> bool:
    """Let the C library keep freed memory for this whole process; whether it can.

    A step frees and asks again for gigabytes of maps. By default each of them is given back to the
    system and comes again as pages of zeros, one fault a page: up to a fifth of a step on a CPU,
    more on virtual machines. The process holds what it needed at its peak, to its end.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    settings = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: 2**31 - 1, _M_TOP_PAD: 2**26}
    return all(mallopt(name, value) for name, value in settings.items())
