"""What a run learns from, in memory: images at the model's size, labels, a teacher's features."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.errors import DataError, TrainingError
from training.image_cache import ImageArray, load_images, map_images
from training.processes import Processes
from training.recipe import Recipe
from training.run_folder import RunFolder
from training.samples import Labels, Samples
from training.teacher import teacher_features

Features = npt.NDArray[np.float32]
"""(N, E) float32."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """N images of C persons.

    Attributes:
        images: (N, H, W, 3) uint8 BGR; may be mapped from a file.
        labels: (N,) int64 in [0, C).
        teacher: (N, E) float32; None: there is no teacher.
        fingerprint: Names the samples: a run goes on with the same ones only.
    """

    images: ImageArray
    labels: Labels
    teacher: Features | None
    fingerprint: str

    @property
    def num_classes(self) -> int:
        """C."""
        return int(self.labels.max()) + 1


def load_training_set(
    samples: Samples, recipe: Recipe, folder: RunFolder, processes: Processes
) -> TrainingSet:
    """The samples in memory; processes of one run share one copy in a file.

    Raises:
        DataError: There are none, or images are missing or damaged.
        TrainingError: The run's folder cannot be written.
        ReidError: The teacher cannot be loaded.
    """
    if not len(samples):
        raise DataError("there are no training images: the split `train` of the data is empty")
    _, labels = np.unique(samples.persons, return_inverse=True)
    size = recipe.model.size
    try:
        if processes.is_alone:
            images = load_images(samples.paths, size)
        else:
            if processes.is_first:
                load_images(samples.paths, size, file=folder.images)
            processes.wait()
            images = map_images(folder.images)
    except OSError as error:
        raise TrainingError(f"{folder.images}: cannot be written: {error}") from error
    return TrainingSet(
        images=images,
        labels=labels.astype(np.int64).ravel(),
        teacher=teacher_features(samples.paths, recipe, folder, processes),
        fingerprint=fingerprint(samples),
    )


def fingerprint(samples: Samples) -> str:
    """Of persons and file names in order, not of folders: data may be moved.

    >>> from training.samples import no_samples
    >>> fingerprint(no_samples())
    '0 images, e3b0c44298fc'
    """
    digest = hashlib.sha256()
    for path, person in zip(samples.paths, samples.persons, strict=True):
        digest.update(f"{person} {path.name}\n".encode())
    return f"{len(samples)} images, {digest.hexdigest()[:12]}"
