"""How much memory this process has now."""

from __future__ import annotations

import os
from pathlib import Path


def rss_mib() -> float:
    """Resident memory of the process, now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
