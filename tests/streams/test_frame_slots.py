from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.frame import Image
from streams.frame_slots import SlotImage, SlotReader, SlotWriter, create_memory


def picture(height: int, width: int, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def slots() -> Iterator[tuple[SlotWriter, SlotReader]]:
    memory = create_memory()
    reader = SlotReader(memory)
    yield SlotWriter(memory, 2), reader
    reader.close()


def written(writer: SlotWriter, image: Image) -> SlotImage:
    place = writer.write(image)
    assert place is not None
    return place


def test_an_image_comes_over_unchanged_and_as_a_copy(slots: tuple[SlotWriter, SlotReader]) -> None:
    writer, reader = slots
    image = picture(5, 7)
    place = written(writer, image)
    copy = reader.copy(place)
    writer.release(place.slot)
    written(writer, picture(5, 7, seed=1))
    np.testing.assert_array_equal(copy, image)


def test_without_a_free_slot_nothing_is_written(slots: tuple[SlotWriter, SlotReader]) -> None:
    writer, _ = slots
    places = [written(writer, picture(2, 2)) for _ in range(2)]
    assert writer.write(picture(2, 2)) is None
    writer.release(places[0].slot)
    assert written(writer, picture(2, 2)).slot == places[0].slot


def test_a_writer_waits_for_a_slot_that_another_thread_releases(
    slots: tuple[SlotWriter, SlotReader],
) -> None:
    writer, _ = slots
    places = [written(writer, picture(2, 2)) for _ in range(2)]
    timer = threading.Timer(0.05, writer.release, [places[1].slot])
    timer.start()
    assert writer.write(picture(2, 2), timeout_s=5.0) is not None
    timer.join()


def test_slots_grow_with_the_image(slots: tuple[SlotWriter, SlotReader]) -> None:
    writer, reader = slots
    small, large = picture(2, 2), picture(300, 400)
    first, second = written(writer, small), written(writer, large)
    np.testing.assert_array_equal(reader.copy(first), small)
    np.testing.assert_array_equal(reader.copy(second), large)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 90), st.integers(1, 90)), max_size=20))
def test_images_of_changing_sizes_all_come_over(sizes: list[tuple[int, int]]) -> None:
    memory = create_memory()
    writer, reader = SlotWriter(memory, 2), SlotReader(memory)
    try:
        for seed, (height, width) in enumerate(sizes):
            image = picture(height, width, seed)
            place = written(writer, image)
            np.testing.assert_array_equal(reader.copy(place), image)
            writer.release(place.slot)
    finally:
        reader.close()


def test_slow_growth_wastes_little_memory() -> None:
    memory = create_memory()
    writer, reader = SlotWriter(memory, 1), SlotReader(memory)
    for side in range(100, 400):
        writer.release(written(writer, picture(side, side)).slot)
    assert os.fstat(memory).st_size < 8 * 400 * 400 * 3
    reader.close()


@pytest.mark.parametrize(
    "place", [SlotImage(0, -1, 1, 1), SlotImage(0, 0, 0, 5), SlotImage(0, 0, 5000, 5000)]
)
def test_an_image_outside_of_the_memory_is_seen(
    slots: tuple[SlotWriter, SlotReader], place: SlotImage
) -> None:
    writer, reader = slots
    assert reader.holds(written(writer, picture(5, 7)))
    assert not reader.holds(place)


def test_closing_twice_is_fine(slots: tuple[SlotWriter, SlotReader]) -> None:
    _, reader = slots
    reader.close()
    reader.close()
