from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detector.background import Background, BackgroundPolicy
from streams.frame import Image

POLICY = BackgroundPolicy(hold_s=5.0)


class Room:
    """A textured, noisy wall of 80 x 60 with a dark block in front of it, at 10 frames/s."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._wall = self._rng.integers(120, 200, (60, 80, 3))
        self.num_taken = 0

    def picture(self, left: int | None, light: float = 1.0, shade: float = 1.0) -> Image:
        """The block covers 10 columns from left; its shadow, if any, the 10 columns beside it."""
        image = self._wall.astype(np.float64)
        if left is not None:
            image[20:55, left + 10 : left + 20] *= shade
            image[20:55, left : left + 10] = (40, 30, 90)
        noise = self._rng.normal(0, 2, image.shape)
        self.num_taken += 1
        return (image * light + noise).clip(0, 255).astype(np.uint8)

    def show(
        self, background: Background, left: int | None, light: float = 1.0, shade: float = 1.0
    ) -> npt.NDArray[np.bool_]:
        image = self.picture(left, light, shade)
        return background.foreground(image, 1000 + self.num_taken / 10)


def covered(left: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros((60, 80), dtype=bool)
    mask[20:55, left : left + 10] = True
    return mask


def test_an_empty_room_has_no_foreground() -> None:
    room = Room()
    background = Background(room.picture(None), 1000.0, POLICY)

    shares = [room.show(background, None).mean() for _ in range(30)]

    assert max(shares) < 0.005


def test_what_comes_in_is_foreground_where_it_is() -> None:
    room = Room()
    background = Background(room.picture(None), 1000.0, POLICY)
    for _ in range(10):
        room.show(background, None)

    found = room.show(background, 30)

    assert (found == covered(30)).mean() > 0.99


def test_who_was_there_in_the_first_frame_and_leaves_is_forgotten_within_a_second() -> None:
    room = Room()
    background = Background(room.picture(10), 1000.0, POLICY)
    for step in range(12):
        found = room.show(background, 12 + 4 * step)

    assert found[:, :25].mean() < 0.02
    assert found[covered(56)].mean() > 0.9


def test_who_stops_is_seen_for_the_hold_and_then_becomes_background() -> None:
    room = Room()
    background = Background(room.picture(None), 1000.0, POLICY)
    for _ in range(100):
        room.show(background, None)

    shares = [room.show(background, 30)[covered(30)].mean() for _ in range(60)]

    assert min(shares[:48]) > 0.95
    assert shares[-1] < 0.05


def test_a_shadow_is_no_foreground() -> None:
    room = Room()
    background = Background(room.picture(None), 1000.0, POLICY)
    for _ in range(10):
        room.show(background, None)

    found = room.show(background, 30, shade=0.7)

    assert found[covered(40)].mean() < 0.1
    assert found[covered(30)].mean() > 0.95


def test_a_change_of_exposure_is_no_foreground() -> None:
    room = Room()
    background = Background(room.picture(None), 1000.0, POLICY)
    for _ in range(10):
        room.show(background, None)

    found = room.show(background, 30, light=1.15)

    assert found[~covered(30)].mean() < 0.02
    assert found[covered(30)].mean() > 0.9


def test_a_new_scene_starts_over() -> None:
    room = Room()
    background = Background(room.picture(None), 1000.0, POLICY)
    other = np.full((60, 80, 3), 10, dtype=np.uint8)

    first = background.foreground(other, 1001.0)
    second = background.foreground(other, 1001.1)

    assert not first.any()
    assert not second.any()


def test_a_clock_that_steps_back_is_no_trouble() -> None:
    room = Room()
    background = Background(room.picture(None), 1000.0, POLICY)

    found = background.foreground(room.picture(30), 500.0)

    assert found[covered(30)].mean() > 0.9


def test_one_pixel_is_a_picture_too() -> None:
    pixel = np.zeros((1, 1, 3), dtype=np.uint8)
    background = Background(pixel, 0.0, POLICY)

    assert background.foreground(pixel, 0.1).tolist() == [[False]]
