from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.embedder import Crop
from reid.errors import ReidError
from reid.histogram import HistogramEmbedder
from training.embedding import FeatureSource, embed_data, flipped, joined, source_of
from training.errors import DataError
from training.samples import ReidData, Samples, no_samples


class MeanColour:
    """An embedder whose feature is the mean colour of the left half of a crop."""

    name, space, dim = "mean colour", "mean:1", 3

    def embed(self, crops: Sequence[Crop]) -> np.ndarray:
        raw = self.embed_raw(crops)
        return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True))

    def embed_raw(self, crops: Sequence[Crop]) -> np.ndarray:
        return np.array([c[:, : c.shape[1] // 2].mean((0, 1)) for c in crops], np.float32)

    def close(self) -> None:
        pass


@pytest.fixture
def data(tmp_path: Path) -> ReidData:
    """Two queries and 70 gallery images, each of one colour on its left, another on its right."""
    paths = []
    for number in range(72):
        image = np.zeros((8, 4, 3), np.uint8)
        image[:, :2], image[:, 2:] = (number + 1, 2, 3), (4, number + 1, 6)
        paths.append(tmp_path / f"{number}.png")
        cv2.imwrite(str(paths[-1]), image)
    labels = np.arange(72)
    every = Samples(tuple(paths), labels, labels % 2)
    return ReidData("colours", no_samples(), every.take([0, 1]), every.take(range(2, 72)))


def test_features_come_in_order_and_as_the_network_gives_them(data: ReidData) -> None:
    found = embed_data(data, source_of(MeanColour()))["only"]

    assert found.query.tolist() == [[1, 2, 3], [2, 2, 3]]
    assert found.gallery[:, 0].tolist() == list(range(3, 73))
    assert found.labels.gallery_ids.tolist() == list(range(2, 72))
    assert found.labels.query_cameras.tolist() == [0, 1]
    assert (found.gallery_paths, found.space) == (data.gallery.paths, "mean:1")


def test_embedder_without_raw_features_gives_unit_ones(data: ReidData) -> None:
    found = embed_data(data, source_of(HistogramEmbedder()))["only"]

    assert np.linalg.norm(found.query, axis=1) == pytest.approx([1, 1], abs=1e-6)


def test_flip_test_is_the_mean_of_unit_features_of_crop_and_mirror_image(data: ReidData) -> None:
    found = embed_data(data, flipped(source_of(MeanColour())))["only"]

    left, right = np.array([1, 2, 3]), np.array([4, 1, 6])
    expected = (left / np.linalg.norm(left) + right / np.linalg.norm(right)) / 2
    assert found.query[0] == pytest.approx(expected, abs=1e-6)
    assert found.space == "mean:1+flip"


def test_joined_sources_give_a_feature_set_each(data: ReidData) -> None:
    source = joined(
        [source_of(MeanColour(), "before_bn"), source_of(HistogramEmbedder(), "after_bn")]
    )

    found = embed_data(data, source)

    assert {kind: features.dim for kind, features in found.items()} == {
        "before_bn": 3,
        "after_bn": HistogramEmbedder().dim,
    }


def test_progress_counts_query_and_gallery_together(data: ReidData) -> None:
    told: list[tuple[int, int]] = []

    embed_data(data, source_of(MeanColour()), lambda done, of: told.append((done, of)))

    assert told == [(2, 72), (34, 72), (66, 72), (72, 72)]


@pytest.mark.parametrize("side", ["query", "gallery"])
def test_empty_split_is_named(data: ReidData, side: str) -> None:
    empty = (
        replace(data, query=no_samples())
        if side == "query"
        else replace(data, gallery=no_samples())
    )

    with pytest.raises(DataError, match=f"colours: the {side} is empty"):
        embed_data(empty, source_of(MeanColour()))


def test_corrupt_image_is_named(data: ReidData) -> None:
    data.gallery.paths[5].write_bytes(b"no image")

    with pytest.raises(DataError, match=data.gallery.paths[5].name):
        embed_data(data, source_of(MeanColour()))


def test_feature_of_zeros_has_no_mirrored_mean(data: ReidData) -> None:
    zeros = FeatureSource(
        ("only",), ("zeros",), lambda crops: (np.zeros((len(crops), 2), np.float32),)
    )

    with pytest.raises(ReidError, match="zeros"):
        embed_data(data, flipped(zeros))
    with pytest.raises(DataError, match="all zeros"):
        embed_data(data, zeros)
