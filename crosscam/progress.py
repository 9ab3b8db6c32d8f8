"""What `crosscam run` shows while it works: a line per camera, and the identities so far."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosscam.supervisor import RunStatus

_LINE_EVERY_S = 5.0
_RATE_SPAN = 50


class _Rates:
    """Frames a second of every camera over the last few seconds."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[tuple[float, int]]] = {}

    def fps(self, camera: dict[str, Any]) -> float:
        """The rate, updated by this status."""
        seen = self._seen.setdefault(camera["camera_id"], deque(maxlen=_RATE_SPAN))
        if not seen or seen[-1][1] != camera["num_frames"]:
            seen.append((time.monotonic(), camera["num_frames"]))
        elapsed = seen[-1][0] - seen[0][0]
        return (seen[-1][1] - seen[0][1]) / elapsed if elapsed > 0 else 0.0


@contextmanager
def shown_progress(console: Console) -> Iterator[Callable[[RunStatus], None]]:
    """A function that shows a status: a live table on a terminal, else a line now and then."""
    rates = _Rates()
    if console.is_terminal:
        with Live(console=console, refresh_per_second=4) as live:
            yield lambda status: live.update(_table(status, rates))
        return
    told_at = [time.monotonic()]

    def tell(status: RunStatus) -> None:
        if time.monotonic() - told_at[0] >= _LINE_EVERY_S:
            told_at[0] = time.monotonic()
            console.print(_line(status, rates), highlight=False, soft_wrap=True)

    yield tell


def _table(status: RunStatus, rates: _Rates) -> Table:
    table = Table(box=None, pad_edge=False, caption=_summary(status), caption_justify="left")
    for heading in ("camera", "state", "fps", "behind", "dropped", "tracks", "tracklets", ""):
        is_number = heading in ("fps", "behind", "dropped", "tracks", "tracklets")
        table.add_column(heading, justify="right" if is_number else "left", overflow="ellipsis")
    for camera in status.cameras:
        table.add_row(
            camera["camera_id"],
            camera["state"],
            f"{rates.fps(camera):.1f}",
            _behind(camera),
            str(camera["num_dropped"]),
            str(camera["num_tracks"]),
            str(camera["num_tracklets"]),
            camera["message"],
        )
    return table


def _line(status: RunStatus, rates: _Rates) -> str:
    cameras = "; ".join(
        f"{c['camera_id']} {c['state']} {rates.fps(c):.1f} fps, behind {_behind(c)}, "
        f"{c['num_dropped']} dropped, {c['num_tracks']} tracks"
        for c in status.cameras
    )
    return f"{cameras or 'starting'} | {_summary(status)}"


def _summary(status: RunStatus) -> str:
    matcher = status.matcher
    restarts = sum(status.restarts.values())
    return (
        f"{matcher.get('num_identities', 0)} identities from "
        f"{matcher.get('num_tracklets', 0)} tracklets"
        + (f", {matcher['num_pending']} waiting" if matcher.get("num_pending") else "")
        + (f", {restarts} restarts" if restarts else "")
    )


def _behind(camera: dict[str, Any]) -> str:
    """Seconds a live camera's work lags behind the clock; files are not late."""
    if not camera["is_live"] or camera["stream_at"] is None:
        return "-"
    return f"{max(0.0, time.time() - camera['stream_at']):.1f} s"
