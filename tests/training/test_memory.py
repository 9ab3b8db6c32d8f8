from __future__ import annotations

import platform

import pytest

from training.memory import keep_freed_memory


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs the C library of GNU")
def test_glibc_can_keep_freed_memory() -> None:
    assert keep_freed_memory()
