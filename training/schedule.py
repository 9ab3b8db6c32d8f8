"""The learning rate of each iteration, a pure function."""

from __future__ import annotations

import bisect
import math

from training.recipe import Recipe


def rate_at(recipe: Recipe, iteration: int, iterations_per_epoch: int) -> float:
    """The rate of an iteration (from 0): a linear warm-up, then steps or half a cosine wave.

    The warm-up begins at `schedule.start_rate` and reaches `optimiser.rate` after
    `schedule.warmup_iterations`. Steps are counted in epochs from the start, as the authors do;
    the cosine (Loshchilov and Hutter, ICLR 2017, equation 5, one cycle) runs from the end of the
    warm-up to the end of the run.
    """
    schedule, peak = recipe.schedule, recipe.optimiser.rate
    if iteration < schedule.warmup_iterations:
        share = iteration / schedule.warmup_iterations
        return schedule.start_rate + (peak - schedule.start_rate) * share
    if schedule.kind == "steps":
        epoch = iteration // iterations_per_epoch
        return peak * schedule.step_factor ** bisect.bisect_right(schedule.step_epochs, epoch)
    length = recipe.epochs * iterations_per_epoch - schedule.warmup_iterations
    share = min(1.0, (iteration - schedule.warmup_iterations) / max(1, length))
    return schedule.end_rate + (peak - schedule.end_rate) * (1 + math.cos(math.pi * share)) / 2
