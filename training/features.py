"""Features of a query set and a gallery with their labels, in memory and in .npz files."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.distances import Features
from training.errors import DataError
from training.ranking import Labelling

ARRAYS = (
    "query_features",
    "gallery_features",
    "query_ids",
    "gallery_ids",
    "query_cameras",
    "gallery_cameras",
)
"""What a file must hold; `query_paths`, `gallery_paths` and `space` may be there too."""


Stored = npt.NDArray[Any]
"""An array as a file holds it, of any type."""


@dataclass(frozen=True, slots=True, eq=False)
class FeatureSet:
    """Embedded queries and gallery; Q = 0 or G = 0 is allowed.

    Attributes:
        query: (Q, D) float32 features, of any length above 0.
        gallery: (G, D) float32.
        labels: Persons and cameras of both.
        query_paths: Q image files, in order; empty where they are not known.
        gallery_paths: G image files, or none.
        space: The embedder's space; "" where it is not known.

    Raises:
        DataError: Shapes do not fit each other, or a feature is not finite or all zeros.
    """

    query: Features
    gallery: Features
    labels: Labelling
    query_paths: tuple[Path, ...] = ()
    gallery_paths: tuple[Path, ...] = ()
    space: str = ""

    def __post_init__(self) -> None:
        """Checks the features and makes them not writeable."""
        for side in ("query", "gallery"):
            persons = getattr(self.labels, f"{side}_ids")
            features = _features(f"{side}_features", getattr(self, side), len(persons))
            object.__setattr__(self, side, features)
            paths = getattr(self, f"{side}_paths")
            if paths and len(paths) != len(persons):
                raise DataError(f"{side}_paths: {len(paths)} for {len(persons)} images")
        if self.query.shape[1] != self.gallery.shape[1]:
            raise DataError(
                f"query features have {self.query.shape[1]} dimensions, gallery features "
                f"{self.gallery.shape[1]}: embed both with one model"
            )

    @property
    def dim(self) -> int:
        """D."""
        return int(self.query.shape[1])


def load_features(file: Path) -> FeatureSet:
    """The features of an .npz file (see `ARRAYS`).

    Raises:
        DataError: The file cannot be read, lacks an array, or holds what is no feature set.
    """
    arrays = _read(file)
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        raise DataError(
            f"{file}: has no array {', '.join(missing)}; expected {', '.join(ARRAYS)}, "
            "as `crosscam evaluate --features-out` writes them"
        )
    try:
        labels = Labelling(*(arrays[field.name] for field in fields(Labelling)))
        return FeatureSet(
            arrays["query_features"],
            arrays["gallery_features"],
            labels,
            _paths(arrays, "query_paths"),
            _paths(arrays, "gallery_paths"),
            str(arrays.get("space", "")),
        )
    except DataError as error:
        raise DataError(f"{file}: {error}") from error


def save_features(features: FeatureSet, file: Path) -> None:
    """Write the arrays; the file appears whole or not at all.

    Raises:
        DataError: The file cannot be written.
    """
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **_arrays(features))
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
    except OSError as error:
        raise DataError(f"{file}: cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _read(file: Path) -> dict[str, Stored]:
    try:
        with file.open("rb") as stream:
            stored = np.load(stream, allow_pickle=False)
            if not isinstance(stored, np.lib.npyio.NpzFile):
                raise DataError(f"{file}: holds one array; expected an .npz file with several")
            return {name: stored[name] for name in stored.files}
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{file}: no .npz file of features, or a damaged one; write it anew"
        ) from error


def _arrays(features: FeatureSet) -> dict[str, Stored]:
    labels = features.labels
    arrays: dict[str, Stored] = {
        "query_features": features.query,
        "gallery_features": features.gallery,
        **{field.name: getattr(labels, field.name) for field in fields(labels)},
        "space": np.array(features.space, dtype=np.str_),
    }
    for name in ("query_paths", "gallery_paths"):
        if paths := getattr(features, name):
            arrays[name] = np.array([str(path) for path in paths], dtype=np.str_)
    return arrays


def _paths(arrays: Mapping[str, Stored], name: str) -> tuple[Path, ...]:
    if name not in arrays:
        return ()
    if arrays[name].ndim != 1 or arrays[name].dtype.kind != "U":
        raise DataError(f"{name}: expected (N,) texts, got {arrays[name].dtype}")
    return tuple(Path(str(path)) for path in arrays[name])


def _features(name: str, values: npt.ArrayLike, num: int) -> Features:
    given = np.asarray(values)
    if given.ndim != 2 or given.shape[1] == 0 or given.dtype.kind not in "fiu":
        raise DataError(
            f"{name}: expected (N, D) numbers with D >= 1, got {given.dtype} {given.shape}"
        )
    if len(given) != num:
        raise DataError(f"{name}: {len(given)} features, but {num} labels")
    with np.errstate(over="ignore"):
        features = given.astype(np.float32)
    _refuse(name, ~np.isfinite(features).all(axis=1), "is not finite (NaN or infinity)")
    _refuse(name, ~features.any(axis=1), "is all zeros, which has no direction")
    features.setflags(write=False)
    return features


def _refuse(name: str, is_bad: npt.ArrayLike, trouble: str) -> None:
    """Refuse features where one value a row says that it is bad."""
    bad = np.flatnonzero(is_bad)
    if len(bad):
        raise DataError(
            f"{name}: row {bad[0]} {trouble}, {len(bad)} such rows of {np.size(is_bad)}: "
            "the model is broken, or overflows in its precision"
        )
