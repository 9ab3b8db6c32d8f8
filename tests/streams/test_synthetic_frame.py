"""Boxes and visibility of drawn frames, against the figures' own pixels."""

from __future__ import annotations

import numpy as np
import pytest

from streams.frame import Image
from streams.synthetic_frame import SceneDrawer, Seen
from streams.synthetic_look import looks
from streams.synthetic_person import Stance
from streams.synthetic_room import Room, build_room

SIZE = (320, 180)


def _room() -> Room:
    return build_room(0, SIZE, np.random.default_rng(0))


def _drawer(num_people: int = 3) -> SceneDrawer:
    people = looks(num_people, np.random.default_rng(1))
    return SceneDrawer(_room(), people, np.random.default_rng(2))


def _draw(stances: dict[int, Stance]) -> tuple[Image, list[Seen]]:
    """The first frame of a drawer: equal noise in every call."""
    return _drawer().draw(stances)


def _standing(x_m: float, y_m: float, heading_rad: float = 0.4) -> Stance:
    return Stance(x_m, y_m, heading_rad, 0.3, 1.0)


def _changed(stances: dict[int, Stance]) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Pixels that are clearly different from the empty room's."""
    with_people, _ = _draw(stances)
    empty, _ = _draw({})
    difference = np.abs(with_people.astype(int) - empty.astype(int)).max(axis=2)
    return np.asarray(difference > 8)


def test_box_is_tight_around_the_drawn_pixels() -> None:
    stance = _standing(0.6, 6.5)
    _, (seen,) = _draw({0: stance})
    x1, y1, x2, _ = seen.box
    # Above the knees, where no shadow falls.
    rows, columns = np.nonzero(_changed({0: stance})[: round(seen.box[3]) - 25])
    assert rows.min() == pytest.approx(y1, abs=2)
    assert columns.min() == pytest.approx(x1, abs=4)
    assert columns.max() + 1 == pytest.approx(x2, abs=4)


def test_person_in_the_open_is_all_visible() -> None:
    _, (seen,) = _draw({0: _standing(0.6, 6.5)})
    assert seen.visibility == 1.0


def test_hidden_part_is_what_the_nearer_person_covers() -> None:
    far, near = _standing(0.5, 8.0), _standing(0.45, 6.0)
    _, both = _draw({0: far, 1: near})
    by_id = {seen.person_id: seen for seen in both}
    assert by_id[1].visibility == 1.0
    assert 0.1 < by_id[0].visibility < 0.8
    # What is seen of the far one, counted on the picture: pixels that change when he is taken away.
    pair, _ = _draw({0: far, 1: near})
    only_near, _ = _draw({1: near})
    only_far = _changed({0: far})
    left_over = np.abs(pair.astype(int) - only_near.astype(int)).max(axis=2) > 8
    assert left_over.sum() / only_far.sum() == pytest.approx(by_id[0].visibility, abs=0.15)


def test_boxes_do_not_depend_on_who_stands_before() -> None:
    far, near = _standing(0.5, 8.0), _standing(0.45, 6.0)
    _, (alone,) = _draw({0: far})
    _, both = _draw({0: far, 1: near})
    assert both[0].box == alone.box


def test_furniture_hides_legs() -> None:
    # The shop's counter stands from x -2.6 to -1.0, y 4.3 to 4.8.
    _, (seen,) = _draw({0: _standing(-1.9, 5.4)})
    assert 0.3 < seen.visibility < 0.95


def test_walls_hide_people_beside_the_door() -> None:
    room = _room()
    _, behind_wall = _draw({0: _standing(room.door_m[0] - 1.2, room.depth_m + 1.2)})
    middle = sum(room.door_m) / 2
    _, in_doorway = _draw({0: _standing(middle * 1.08, room.depth_m + 1.2)})
    assert behind_wall == []
    assert in_doorway[0].visibility > 0.8


def test_part_outside_the_image_is_cut_from_the_box_and_counted_as_hidden() -> None:
    room = _room()
    edge = room.view.ground_x(0.0, 6.5)
    _, (seen,) = _draw({0: _standing(edge, 6.5)})
    assert seen.box[0] == 0.0
    assert 0.2 < seen.visibility < 0.8


@pytest.mark.parametrize("place", [(-30.0, 6.5), (0.0, 0.5), (0.0, -3.0)])
def test_people_out_of_sight_are_not_listed(place: tuple[float, float]) -> None:
    _, seen = _draw({0: _standing(*place)})
    assert seen == []


def test_empty_room_gives_nobody() -> None:
    image, seen = _draw({})
    assert seen == []
    assert image.shape == (180, 320, 3)


def test_people_are_listed_by_id() -> None:
    stances = {2: _standing(-0.5, 7.0), 0: _standing(0.5, 8.0), 1: _standing(1.5, 6.5)}
    _, seen = _draw(stances)
    assert [one.person_id for one in seen] == [0, 1, 2]
