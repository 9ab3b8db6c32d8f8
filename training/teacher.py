"""A teacher's features of the training images: computed once, kept in the run's folder."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from config.schema import EmbedderSettings
from reid.embed_files import read_image
from reid.embedder import Embedder, build_network_embedder
from training.errors import TrainingError
from training.processes import Processes
from training.recipe import DistillationRecipe, Recipe
from training.run_folder import RunFolder

logger = logging.getLogger(__name__)

Features = npt.NDArray[np.float32]
"""(N, E) float32, unit rows."""

_BATCH = 32


def teacher_features(
    paths: Sequence[Path], recipe: Recipe, folder: RunFolder, processes: Processes
) -> Features | None:
    """Features of the unchanged images, in order; None where the recipe has no teacher.

    The first process computes and stores them, the others wait and read.

    Raises:
        ReidError: The teacher's weights are missing, damaged, or its library is not installed.
        TrainingError: The features cannot be stored.
    """
    teaching = recipe.losses.distillation
    if teaching is None:
        return None
    key = _key(paths, teaching)
    if processes.is_first and _stored(folder.teacher, key) is None:
        embedder = build_network_embedder(
            EmbedderSettings(kind=teaching.embedder, weights=str(teaching.weights))
        )
        try:
            features = embed_all(embedder, paths)
        finally:
            embedder.close()
        _store(folder.teacher, key, features)
    processes.wait()
    return _stored(folder.teacher, key)


def embed_all(embedder: Embedder, paths: Sequence[Path]) -> Features:
    """(N, E) features of image files, in order; some images at a time are in memory."""
    features = np.empty((len(paths), embedder.dim), np.float32)
    for start in range(0, len(paths), _BATCH):
        block = slice(start, start + _BATCH)
        features[block] = embedder.embed([read_image(path) for path in paths[block]])
    return features


def _key(paths: Sequence[Path], teaching: DistillationRecipe) -> str:
    digest = hashlib.sha256(teaching.embedder.encode())
    digest.update(teaching.weights.read_bytes() if teaching.weights.is_file() else b"")
    for path in paths:
        digest.update(f"{path}\n".encode())
    return digest.hexdigest()


def _stored(file: Path, key: str) -> Features | None:
    """What was stored for the same images and teacher, if anything."""
    try:
        with np.load(file, allow_pickle=False) as content:
            return np.asarray(content["features"], np.float32) if content["key"] == key else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError) as error:
        logger.warning("%s: damaged (%s), computed anew", file, error)
        return None


def _store(file: Path, key: str, features: Features) -> None:
    partial = file.with_name(f".{file.name}.partial")
    try:
        with partial.open("wb") as stream:
            np.savez(stream, key=np.array(key), features=features)
        partial.replace(file)
    except OSError as error:
        raise TrainingError(f"{file}: cannot be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
