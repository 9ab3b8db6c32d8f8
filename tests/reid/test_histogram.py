from __future__ import annotations

import logging

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.drawn_crops import drawn_crops
from reid.embedder import Crop
from reid.histogram import HistogramEmbedder, open_histogram_embedder
from streams.synthetic import SyntheticSite, render_frames


def under_other_light(crop: Crop, gains: tuple[float, float, float], gamma: float) -> Crop:
    pixels = (crop / 255) ** gamma * gains * 255
    return np.clip(pixels, 0, 255).astype(np.uint8)


def test_rows_have_unit_length_and_the_stated_size() -> None:
    embedder = HistogramEmbedder()

    rows = embedder.embed(drawn_crops(3))

    assert rows.shape == (3, embedder.dim)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 1], abs=1e-6)


def test_drawn_people_are_found_again_under_other_light() -> None:
    people = drawn_crops(30, seed=3)
    relit = [
        under_other_light(person, (0.8, 1.0, 1.15) if n % 2 else (1.1, 0.95, 0.85), 0.9)
        for n, person in enumerate(people)
    ]
    embedder = HistogramEmbedder()

    similarity = embedder.embed(people) @ embedder.embed(relit).T

    assert (similarity.argmax(1) == np.arange(30)).mean() >= 0.95


def test_people_of_a_drawn_site_are_found_again_in_other_cameras() -> None:
    """Cameras of the site differ in viewpoint, light, colour cast and noise."""
    site = SyntheticSite(num_cameras=3, num_people=6, duration_s=30, fps=1, seed=5)
    crops: dict[tuple[int, int], list[Crop]] = {}
    for camera in range(site.num_cameras):
        for image, seen in render_frames(site, camera):
            for truth in seen:
                x1, y1, x2, y2 = (max(0, round(float(side))) for side in truth.box)
                if truth.visibility > 0.8 and y2 - y1 >= 60:
                    key = (truth.person_id, camera)
                    crops.setdefault(key, []).append(image[y1:y2, x1:x2])
    embedder = HistogramEmbedder()
    features = {key: embedder.embed(found[:6]).mean(0) for key, found in crops.items()}

    hits = []
    for (person, camera), feature in features.items():
        others = {
            key: float(feature @ other) for key, other in features.items() if key[1] != camera
        }
        if any(key[0] == person for key in others):
            hits.append(max(others, key=others.__getitem__)[0] == person)

    assert len(hits) >= 8
    assert np.mean(hits) >= 0.7


def test_brightness_alone_changes_next_to_nothing() -> None:
    crop = drawn_crops(1)[0]
    embedder = HistogramEmbedder()

    bright, dark = embedder.embed([crop, under_other_light(crop, (0.6, 0.6, 0.6), 1)])

    assert bright @ dark > 0.98


def test_shirt_and_trousers_are_not_exchangeable() -> None:
    crop = np.full((128, 64, 3), 128, np.uint8)
    crop[:64] = (200, 60, 60)
    crop[64:] = (60, 60, 200)
    embedder = HistogramEmbedder()

    upright, inverted = embedder.embed([crop, crop[::-1]])

    assert upright @ inverted < 0.6


@pytest.mark.parametrize("value", [0, 255], ids=["black", "white"])
def test_plain_crops_have_embeddings_too(value: int) -> None:
    rows = HistogramEmbedder().embed([np.full((9, 4, 3), value, np.uint8)])

    assert np.linalg.norm(rows[0]) == pytest.approx(1, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 80), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_any_crop_gives_a_unit_row(height: int, width: int, seed: int) -> None:
    crop = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)

    rows = HistogramEmbedder().embed([crop])

    assert np.linalg.norm(rows[0]) == pytest.approx(1, abs=1e-5)


def test_size_of_the_crop_matters_little() -> None:
    crop = drawn_crops(1, (256, 128))[0]
    small = cv2.resize(crop, (48, 96), interpolation=cv2.INTER_AREA)
    embedder = HistogramEmbedder()

    rows = embedder.embed([crop, np.asarray(small, np.uint8)])

    assert rows[0] @ rows[1] > 0.95


def test_opening_it_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        embedder = open_histogram_embedder()
        embedder.embed(drawn_crops(2))

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "embedder.weights" in caplog.text
