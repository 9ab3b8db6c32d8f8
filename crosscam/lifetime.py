"""How a process of ours is told to end: a signal, or the death of the process that started it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType


def stop_event(*, with_parent: bool) -> threading.Event:
    """An event that is set by SIGINT or SIGTERM; a second signal ends the process at once.

    Args:
        with_parent: Also set it when standard input ends; the parent holds it open while it lives.
    """
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    if with_parent:
        threading.Thread(target=_wait_for_end_of_input, args=(stop,), daemon=True).start()
    return stop


def _wait_for_end_of_input(stop: threading.Event) -> None:
    descriptor = sys.stdin.fileno()
    while os.read(descriptor, 4096):
        pass
    stop.set()
