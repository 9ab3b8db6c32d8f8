from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.letterbox import (
    PADDING_GREY,
    Letterbox,
    by_input_size,
    input_size_for,
    letterboxed,
)
from streams.frame import Frame

sides = st.integers(1, 3000)


def test_a_wide_frame_is_centred_between_grey_bars() -> None:
    image = np.full((50, 100, 3), 7, dtype=np.uint8)
    canvas = np.zeros((200, 200, 3), dtype=np.uint8)

    Letterbox((100, 50), (200, 200)).paint(image, canvas)

    assert (canvas[50:150] == 7).all()
    assert (canvas[:50] == PADDING_GREY).all()
    assert (canvas[150:] == PADDING_GREY).all()


def test_a_canvas_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="canvas is 9x8"):
        Letterbox((4, 4), (8, 8)).paint(
            np.zeros((4, 4, 3), dtype=np.uint8), np.zeros((8, 9, 3), dtype=np.uint8)
        )


@given(sides, sides, st.sampled_from([128, 320, 640]))
def test_the_frame_itself_comes_back_from_its_place_in_the_input(
    width: int, height: int, side: int
) -> None:
    letterbox = Letterbox((width, height), input_size_for((width, height), side))
    left, top, picture_width, picture_height = letterbox.picture

    picture = np.array([[left, top, left + picture_width, top + picture_height]], dtype=np.float32)
    whole = letterbox.to_frame(picture)

    np.testing.assert_allclose(whole, [[0, 0, width, height]], rtol=1e-5, atol=1e-3)


@given(sides, sides, st.sampled_from([128, 320, 640]))
def test_an_input_has_whole_cells_and_the_wanted_longer_side(
    width: int, height: int, side: int
) -> None:
    size = input_size_for((width, height), side)

    assert max(size) == side
    assert size[0] % 32 == size[1] % 32 == 0


def test_a_batch_is_rgb_between_zero_and_one() -> None:
    blue = np.zeros((32, 32, 3), dtype=np.uint8)
    blue[:, :, 0] = 255

    batch = letterboxed([blue, np.zeros((1, 1, 3), dtype=np.uint8)], (32, 32))

    assert batch.shape == (2, 3, 32, 32)
    assert batch.dtype == np.float32
    assert batch[0, 2].min() == pytest.approx(1.0)
    assert batch[0, :2].max() == 0


def test_no_images_are_an_empty_batch() -> None:
    assert letterboxed([], (64, 32)).shape == (0, 3, 32, 64)


def test_frames_are_grouped_by_the_input_that_they_need() -> None:
    sizes = [(640, 360), (480, 360), (1280, 720)]
    frames = [
        Frame("cam1", i, 0.0, np.zeros((height, width, 3), dtype=np.uint8))
        for i, (width, height) in enumerate(sizes)
    ]

    groups = by_input_size(frames, lambda size: input_size_for(size, 640))

    assert groups == {(640, 384): [0, 2], (640, 480): [1]}
