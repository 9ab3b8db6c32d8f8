from __future__ import annotations

import io

from rich.console import Console

from crosscam.train_progress import shown_training
from training.step import StepFigures
from training.trainer import Progress


def progress(iteration: int) -> Progress:
    figures = StepFigures(
        loss=3.5,
        cross_entropy=3.25,
        triplet=0.25,
        distillation=0.0,
        accuracy=0.5,
        feature_spread=12.5,
        gradient_norm=7.0,
    )
    return Progress(iteration, 100, 2, 3.5e-4, figures, 48.2, 3725.0, {})


def test_without_a_terminal_a_line_now_and_then_says_where_the_run_stands() -> None:
    told = io.StringIO()

    with shown_training(Console(file=told)) as show:
        show(progress(7))
        show(progress(8))  # too soon
        show(progress(100))

    assert told.getvalue().splitlines() == [
        "epoch 2, 7/100: cross-entropy 3.250, triplet 0.250, spread 12.50, gradient 7.0, "
        "rate 0.00035, 48 images/s, 1 h 02 min left",
        "epoch 2, 100/100: cross-entropy 3.250, triplet 0.250, spread 12.50, gradient 7.0, "
        "rate 0.00035, 48 images/s, 1 h 02 min left",
    ]


def test_on_a_terminal_it_is_a_bar() -> None:
    told = io.StringIO()

    with shown_training(Console(file=told, force_terminal=True, width=200)) as show:
        show(progress(7))

    assert "7/100" in told.getvalue()
