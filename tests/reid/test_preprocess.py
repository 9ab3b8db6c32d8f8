"""From crops to network inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.preprocess import Preprocessing, normalise, preprocess, resize, stack_crops

SIZE = (32, 16)


def crop_of(height: int, width: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_values_are_rgb_in_0_1_minus_mean_over_std() -> None:
    crop = np.zeros((1, 1, 3), np.uint8)
    crop[0, 0] = (0, 51, 255)  # blue, green, red

    pixel = preprocess([crop], (1, 1))[0, :, 0, 0]

    red, green, blue = (1 - 0.485) / 0.229, (0.2 - 0.456) / 0.224, (0 - 0.406) / 0.225
    np.testing.assert_allclose(pixel, [red, green, blue], rtol=1e-6)


def test_means_and_deviations_may_be_others() -> None:
    halves = Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))

    images = normalise(np.array([[[[0, 255, 51]]]], np.uint8), halves)

    np.testing.assert_allclose(images[0, :, 0, 0], [-0.6, 1, -1], rtol=1e-6)


def test_crop_of_the_right_size_is_not_resampled() -> None:
    crop = crop_of(*SIZE)

    np.testing.assert_array_equal(stack_crops([crop], SIZE)[0], crop)


def test_shrinking_averages() -> None:
    crop = np.zeros((64, 32, 3), np.uint8)
    crop[::2] = 200  # a picture of stripes that linear sampling would turn into one of them

    assert np.unique(resize(crop, SIZE)).tolist() == [100]


def test_growing_interpolates_without_blocks() -> None:
    ramp = np.repeat(np.array([[[0], [100]]], np.uint8), 3, axis=2)

    row = resize(ramp, (1, 8))[0, :, 0].tolist()

    assert row == sorted(row)
    assert len(set(row)) > 4


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 255))
@settings(max_examples=50, deadline=None)
def test_one_colour_stays_that_colour_at_any_size(height: int, width: int, level: int) -> None:
    crop = np.full((height, width, 3), level, np.uint8)

    resized = resize(crop, SIZE)

    assert resized.shape == (*SIZE, 3)
    assert np.unique(resized).tolist() == [level]


def test_no_crops_give_an_empty_batch() -> None:
    images = preprocess([], SIZE)

    assert images.shape == (0, 3, *SIZE)
    assert images.dtype == np.float32


def test_order_is_kept_and_crops_are_left_alone() -> None:
    crops = [crop_of(10, 7, seed) for seed in range(3)]
    before = [crop.copy() for crop in crops]
    for crop in crops:
        crop.setflags(write=False)

    images = preprocess(crops, SIZE)

    for crop, image, copy in zip(crops, images, before, strict=True):
        np.testing.assert_array_equal(image, preprocess([crop], SIZE)[0])
        np.testing.assert_array_equal(crop, copy)


def test_part_of_a_frame_needs_no_copy() -> None:
    frame = crop_of(50, 60)

    part = preprocess([frame[10:40, 5:25]], SIZE)

    np.testing.assert_array_equal(part, preprocess([frame[10:40, 5:25].copy()], SIZE))


@pytest.mark.parametrize(
    "crop",
    [
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 0, 3), np.uint8),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
    ids=["no rows", "no columns", "grey", "four channels", "float"],
)
def test_what_is_no_crop_is_refused_with_its_place(crop: Any) -> None:
    with pytest.raises(ValueError, match=r"crop 1 of 2: expected \(h, w, 3\) uint8"):
        preprocess([crop_of(4, 4), crop], SIZE)


@pytest.mark.parametrize("std", [(0.0, 1.0, 1.0), (-1.0, 1.0, 1.0), (float("nan"), 1.0, 1.0)])
def test_deviations_must_be_positive(std: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="positive stds"):
        Preprocessing(std=std)
