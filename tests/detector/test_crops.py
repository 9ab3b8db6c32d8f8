from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.crops import BestCrops, Crop
from streams.frame import Frame, Image

Array = npt.NDArray[np.float32]

NOBODY: Array = np.zeros((0, 4), dtype=np.float32)
STANDING = (200, 100, 284, 300)  # aspect 0.42, taller than 160 px, clear of the edges


def boxes(*corners: tuple[float, float, float, float]) -> Array:
    return np.array(corners, dtype=np.float32).reshape(-1, 4)


def texture(seed: int = 0, size: tuple[int, int] = (640, 360), contrast: float = 1.0) -> Image:
    """A picture with detail everywhere, another one for each seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (size[1] // 4, size[0] // 4, 3), dtype=np.uint8)
    image = cv2.resize(coarse, size, interpolation=cv2.INTER_NEAREST).astype(np.float32)
    return (128 + (image - 128) * contrast).astype(np.uint8)


def frame(index: int = 0, image: Image | None = None, timestamp: float | None = None) -> Frame:
    at = index / 10 if timestamp is None else timestamp
    return Frame("cam1", index, at, texture() if image is None else image)


def only_crop(
    box: tuple[float, float, float, float] = STANDING,
    score: float = 0.9,
    others: Array = NOBODY,
    image: Image | None = None,
) -> Crop:
    best = BestCrops(1)
    best.offer(frame(image=image), boxes(box)[0], score, others)
    (crop,) = best.crops()
    return crop


def test_without_an_offer_there_are_no_crops() -> None:
    best = BestCrops(3)
    assert (best.crops(), best.num_offered, best.num_changes) == ((), 0, 0)


def test_a_crop_is_the_picture_inside_the_box() -> None:
    image = texture()
    crop = only_crop((200.4, 100.6, 283.5, 299.2), image=image)
    assert crop.box.tolist() == [200, 100, 284, 300]
    np.testing.assert_array_equal(crop.image, image[100:300, 200:284])


def test_a_crop_does_not_hold_the_frame_in_memory() -> None:
    image = texture()
    crop = only_crop(image=image)
    assert not np.shares_memory(crop.image, image)
    assert crop.image.base is None or crop.image.base.nbytes == crop.image.nbytes


def test_a_large_crop_is_kept_small_in_its_proportions() -> None:
    crop = only_crop((10, 10, 410, 1010), image=texture(size=(500, 1080)))
    assert crop.image.shape == (384, 154, 3)


def test_a_sharp_clear_person_in_full_has_the_score_as_quality() -> None:
    assert only_crop(score=0.8).quality == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(
    ("box", "factor"),
    [
        ((200, 100, 242, 180), 0.5),
        ((0, 100, 84, 300), 0.6),
        ((200, 0, 284, 200), 0.6),
        ((556, 100, 640, 300), 0.6),
        ((200, 160, 284, 360), 0.8),
        ((200, 100, 368, 300), np.exp(-((np.log(2) / 0.6) ** 2) / 2)),
    ],
    ids=["80 px high", "cut left", "cut above", "cut right", "cut below", "twice as wide"],
)
def test_what_the_box_shows_lowers_the_quality(
    box: tuple[float, float, float, float], factor: float
) -> None:
    width, height = box[2] - box[0], box[3] - box[1]
    aspect = np.exp(-((np.log(width / height / 0.42) / 0.6) ** 2) / 2)
    expected = 0.8 * factor * (aspect if factor in (0.5, 0.6, 0.8) else 1)
    assert only_crop(box, score=0.8).quality == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    ("others", "clear"),
    [
        (boxes((200, 200, 284, 310)), 0.5),
        (boxes((200, 90, 284, 200)), 0.75),
        (boxes((300, 100, 380, 300)), 1.0),
        (boxes((190, 90, 300, 320)), 0.0),
        (boxes((np.nan, 0, 1, 1), (200, 200, 284, 310)), 0.5),
    ],
    ids=["half by somebody nearer", "half by somebody behind", "beside", "wholly", "not a number"],
)
def test_what_others_cover_lowers_the_quality(others: Array, clear: float) -> None:
    assert only_crop(score=0.8, others=others).quality == pytest.approx(0.8 * clear, abs=0.01)


def test_blur_lowers_the_quality_and_contrast_does_not() -> None:
    sharp = only_crop().quality
    soft: Image = cv2.GaussianBlur(texture(), (0, 0), 4).astype(np.uint8)
    assert only_crop(image=soft).quality < 0.6 * sharp
    assert only_crop(image=texture(contrast=0.3)).quality == pytest.approx(sharp, rel=0.05)


def test_a_picture_of_nothing_is_not_sharp() -> None:
    flat = np.full((360, 640, 3), 90, dtype=np.uint8)
    assert only_crop(image=flat).quality == 0


def test_the_best_come_first_and_no_more_than_wanted() -> None:
    best = BestCrops(3)
    for index, score in enumerate([0.5, 0.9, 0.3, 0.7, 0.8]):
        best.offer(frame(index, texture(index), 10.0 * index), boxes(STANDING)[0], score, NOBODY)
    assert [crop.frame_index for crop in best.crops()] == [1, 4, 3]
    qualities = [crop.quality for crop in best.crops()]
    assert qualities == sorted(qualities, reverse=True)


def test_an_unlike_crop_is_worth_more_than_a_better_one_of_the_same_look() -> None:
    best = BestCrops(2)
    same, other = texture(0), texture(1)
    best.offer(frame(0, same), boxes(STANDING)[0], 0.9, NOBODY)
    best.offer(frame(1, same), boxes(STANDING)[0], 0.9, NOBODY)
    best.offer(frame(40, other), boxes(STANDING)[0], 0.7, NOBODY)
    assert [crop.frame_index for crop in best.crops()] == [0, 40]


def test_the_same_look_again_changes_next_to_nothing() -> None:
    best = BestCrops(4)
    for index in range(50):
        best.offer(frame(index, timestamp=0.01 * index), boxes(STANDING)[0], 0.9, NOBODY)
    assert best.num_changes <= 8  # the first four, then a few for their distance in time


def test_a_little_better_is_not_worth_a_change() -> None:
    best = BestCrops(1)
    best.offer(frame(0), boxes(STANDING)[0], 0.80, NOBODY)
    best.offer(frame(1), boxes(STANDING)[0], 0.83, NOBODY)
    assert best.num_changes == 1
    best.offer(frame(2), boxes(STANDING)[0], 0.85, NOBODY)
    assert [crop.frame_index for crop in best.crops()] == [2]


@pytest.mark.parametrize(
    "box",
    [
        (100, 100, 100, 200),
        (100, 100, 101, 101),
        (100, 100, 50, 50),
        (-90, 10, -10, 200),
        (700, 10, 800, 200),
        (np.nan, 10, 100, 200),
        (0, 0, np.inf, 100),
    ],
    ids=["zero", "one pixel", "reversed", "left of it", "right of it", "nan", "inf"],
)
def test_a_box_that_shows_nothing_is_ignored_and_counted(
    box: tuple[float, float, float, float],
) -> None:
    best = BestCrops(3)
    best.offer(frame(), boxes(box)[0], 0.9, NOBODY)
    assert (best.crops(), best.num_offered, best.num_ignored) == ((), 1, 1)


@pytest.mark.parametrize("score", [0.0, -1.0, float("nan")])
def test_a_box_without_a_score_is_ignored(score: float) -> None:
    best = BestCrops(3)
    best.offer(frame(), boxes(STANDING)[0], score, NOBODY)
    assert best.num_ignored == 1


def test_no_crops_at_all_cannot_be_wanted() -> None:
    with pytest.raises(ValueError, match="at least 1, got 0"):
        BestCrops(0)


value = st.floats(-200, 900, width=32) | st.just(float("nan"))
any_box = st.tuples(value, value, value, value)


@settings(deadline=None, max_examples=60)
@given(
    offers=st.lists(
        st.tuples(any_box, st.floats(0, 1), st.lists(any_box, max_size=3)), max_size=12
    ),
    max_crops=st.integers(1, 4),
)
def test_whatever_is_offered_the_crops_are_few_sound_and_in_order(
    offers: list[tuple[tuple[float, ...], float, list[tuple[float, ...]]]], max_crops: int
) -> None:
    best = BestCrops(max_crops)
    image = texture()
    for index, (box, score, others) in enumerate(offers):
        found = np.array(others, dtype=np.float32).reshape(-1, 4)
        best.offer(frame(index, image), np.array(box, dtype=np.float32), score, found)
    crops = best.crops()
    assert len(crops) == min(max_crops, best.num_offered - best.num_ignored)
    assert [c.quality for c in crops] == sorted((c.quality for c in crops), reverse=True)
    assert len({c.frame_index for c in crops}) == len(crops)
    for crop in crops:
        assert 0 <= crop.quality <= 1
        assert crop.image.shape[0] <= 384
        assert crop.image.shape[1] <= 192
        assert (crop.box >= 0).all()
        assert (crop.box <= (640, 360, 640, 360)).all()
