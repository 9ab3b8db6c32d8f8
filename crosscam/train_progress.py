"""What `crosscam train` shows while it works, on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

if TYPE_CHECKING:
    from training.trainer import Progress

_LINE_EVERY_S = 30.0


@contextmanager
def shown_training(console: Console) -> Iterator[Callable[[Progress], None]]:
    """A function that shows progress: a bar on a terminal, else a line now and then."""
    if console.is_terminal:
        columns = (BarColumn(), TextColumn("{task.description}"))
        with Bar(*columns, console=console, refresh_per_second=4) as bar:
            task = bar.add_task("starting", total=None)

            def show(progress: Progress) -> None:
                total, done = progress.num_iterations, progress.iteration
                bar.update(task, description=described(progress), total=total, completed=done)

            yield show
        return
    told_at = [time.monotonic() - _LINE_EVERY_S]

    def tell(progress: Progress) -> None:
        is_last = progress.iteration == progress.num_iterations
        if is_last or time.monotonic() - told_at[0] >= _LINE_EVERY_S:
            told_at[0] = time.monotonic()
            console.print(described(progress), highlight=False, soft_wrap=True)

    yield tell


def described(progress: Progress) -> str:
    """One line: where the run stands, what it sees, how long it will take."""
    figures = progress.figures
    return (
        f"epoch {progress.epoch}, {progress.iteration}/{progress.num_iterations}: "
        f"cross-entropy {figures.cross_entropy:.3f}, triplet {figures.triplet:.3f}, "
        f"spread {figures.feature_spread:.2f}, gradient {figures.gradient_norm:.1f}, "
        f"rate {progress.rate:.2g}, {progress.images_per_s:.0f} images/s, "
        f"{duration(progress.remaining_s)} left"
    )


def duration(seconds: float) -> str:
    """Hours and minutes, or minutes and seconds under an hour.

    >>> duration(59.6), duration(3725)
    ('1 min 00 s', '1 h 02 min')
    """
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
