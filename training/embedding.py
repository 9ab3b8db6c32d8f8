"""Embeds the query and the gallery of a data set with any embedder of the system."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reid.embedder import Crop, Embedder
from reid.unit_rows import unit_rows
from training.distances import Features
from training.errors import DataError
from training.features import FeatureSet
from training.images import read_image
from training.ranking import Labelling
from training.samples import ReidData, Samples

FeatureKind = Literal["before_bn", "after_bn", "only"]
"""Which feature of an RGA model; "only" where the embedder has one."""

OnProgress = Callable[[int, int], None]
"""Called after each batch with the images done and the images in all."""

_BATCH = 32


@dataclass(frozen=True, slots=True)
class FeatureSource:
    """Gives K features of each crop, from one or more models.

    Attributes:
        kinds: What the K features are.
        spaces: The space of each.
        embed: K arrays (N, D), a row a crop, in order.
    """

    kinds: tuple[FeatureKind, ...]
    spaces: tuple[str, ...]
    embed: Callable[[Sequence[Crop]], tuple[Features, ...]]


def source_of(embedder: Embedder, kind: FeatureKind = "only") -> FeatureSource:
    """The feature of an embedder: as the network gives it if it tells, else of unit length."""
    embed: Callable[[Sequence[Crop]], Features] = getattr(embedder, "embed_raw", embedder.embed)
    return FeatureSource((kind,), (embedder.space,), lambda crops: (embed(crops),))


def joined(sources: Sequence[FeatureSource]) -> FeatureSource:
    """The features of several sources, each computed by itself."""
    return FeatureSource(
        tuple(kind for source in sources for kind in source.kinds),
        tuple(space for source in sources for space in source.spaces),
        lambda crops: tuple(part for source in sources for part in source.embed(crops)),
    )


def flipped(source: FeatureSource) -> FeatureSource:
    """The flip test: the mean of the unit features of a crop and of its mirror image.

    The spaces are marked, as such features are not compared with others.
    """

    def embed(crops: Sequence[Crop]) -> tuple[Features, ...]:
        mirrored = [np.ascontiguousarray(crop[:, ::-1]) for crop in crops]
        pairs = zip(source.embed(crops), source.embed(mirrored), source.spaces, strict=True)
        return tuple(
            (unit_rows(one, space) + unit_rows(other, space)) / np.float32(2)
            for one, other, space in pairs
        )

    return FeatureSource(source.kinds, tuple(f"{s}+flip" for s in source.spaces), embed)


def embed_data(
    data: ReidData, source: FeatureSource, on_progress: OnProgress | None = None
) -> dict[FeatureKind, FeatureSet]:
    """The features of query and gallery by kind; a batch of images at a time is in memory.

    Args:
        data: Its training images are not touched.
        source: What embeds.
        on_progress: Told how far it is.

    Raises:
        DataError: The query or the gallery is empty, an image cannot be read, or a feature is not
            finite or all zeros.
        ReidError: The embedder failed.
    """
    for side, samples in (("query", data.query), ("gallery", data.gallery)):
        if not len(samples):
            raise DataError(f"{data.name}: the {side} is empty, so nothing can be evaluated")
    num = len(data.query) + len(data.gallery)
    query = embed_samples(data.query, source, _part(on_progress, 0, num))
    gallery = embed_samples(data.gallery, source, _part(on_progress, len(data.query), num))
    return {
        kind: _feature_set(data, query[part], gallery[part], source.spaces[part])
        for part, kind in enumerate(source.kinds)
    }


def embed_samples(
    samples: Samples, source: FeatureSource, on_progress: Callable[[int], None]
) -> tuple[Features, ...]:
    """K arrays of the features of samples, in order; N = 0 is not allowed.

    Raises:
        DataError: An image cannot be read.
        ReidError: The embedder failed.
    """
    blocks = []
    num_done = 0
    for crops in read_batches(samples):
        blocks.append(source.embed(crops))
        num_done += len(crops)
        on_progress(num_done)
    return tuple(np.concatenate(parts) for parts in zip(*blocks, strict=True))


def read_batches(samples: Samples) -> Iterator[list[Crop]]:
    """The images of samples, some at a time.

    Raises:
        DataError: An image cannot be read.
    """
    for start in range(0, len(samples), _BATCH):
        yield [read_image(path) for path in samples.paths[start : start + _BATCH]]


def _part(on_progress: OnProgress | None, num_before: int, num: int) -> Callable[[int], None]:
    """Tells how far a part is as how far the whole is."""

    def report(num_done: int) -> None:
        if on_progress is not None:
            on_progress(num_before + num_done, num)

    return report


def _feature_set(data: ReidData, query: Features, gallery: Features, space: str) -> FeatureSet:
    labels = Labelling(
        data.query.persons, data.gallery.persons, data.query.cameras, data.gallery.cameras
    )
    return FeatureSet(query, gallery, labels, data.query.paths, data.gallery.paths, space)
