"""What lies in the folder of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Names of the files of a run.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def recipe(self) -> Path:
        """The recipe with all its defaults, JSON (which is YAML too)."""
        return self.path / "recipe.yaml"

    @property
    def log(self) -> Path:
        """A JSON line for each iteration and each evaluation."""
        return self.path / "log.jsonl"

    @property
    def last(self) -> Path:
        """All that is needed to go on."""
        return self.path / "last.pt"

    @property
    def best(self) -> Path:
        """Weights of the best evaluation, with classifier."""
        return self.path / "best.safetensors"

    @property
    def final(self) -> Path:
        """Weights at the end of the run, with classifier."""
        return self.path / "final.safetensors"

    @property
    def images(self) -> Path:
        """Training images at the model's size, where several processes share them."""
        return self.path / "images.npy"

    @property
    def teacher(self) -> Path:
        """Features of the training images by the teacher."""
        return self.path / "teacher.npz"

    @property
    def tensorboard(self) -> Path:
        """Event files."""
        return self.path / "tensorboard"
