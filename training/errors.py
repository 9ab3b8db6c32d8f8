"""What can go wrong in training and evaluation.

TrainingError
├── DataError            images, labels or splits that cannot be used
├── RecipeError          a training configuration that cannot be used
├── NotFiniteError       a loss or gradient that is not finite: training stops
└── ResumeError          a checkpoint of a run that cannot be continued
"""

from __future__ import annotations


class TrainingError(Exception):
    """Base of all errors of this package; the text names the thing and the cure."""


class DataError(TrainingError):
    """Images, labels or splits are missing, damaged or contradict each other."""


class RecipeError(TrainingError):
    """A training configuration that cannot be used; the text lists every problem."""


class NotFiniteError(TrainingError):
    """A loss or gradient is not finite; the last checkpoint is from before."""


class ResumeError(TrainingError):
    """A checkpoint of a run that is damaged, or of another configuration."""
