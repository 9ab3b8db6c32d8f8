"""Empty rooms: depth, light and what the camera makes of them."""

from __future__ import annotations

import numpy as np
import pytest

from streams.synthetic_optics import Camera, Optics
from streams.synthetic_room import build_room
from streams.synthetic_scene import Scene, build_scene
from streams.synthetic_view import vector


@pytest.fixture(scope="module", params=range(4))
def scene(request: pytest.FixtureRequest) -> Scene:
    """Each of the composed rooms, small."""
    rng = np.random.default_rng(5)
    return build_scene(build_room(request.param, (160, 90), rng), rng)


def test_depth_is_that_of_the_floor_where_there_is_floor(scene: Scene) -> None:
    view = scene.room.view
    y = (scene.room.lanes_m[0] + scene.room.lanes_m[1]) / 2
    (column, row, depth), = view.project(vector(0.3, y, 0)[None]).tolist()  # fmt: skip
    assert scene.floor[round(row), round(column)] == 1
    assert scene.depth[round(row), round(column)] == pytest.approx(depth, rel=0.03)


def test_depth_above_the_door_is_that_of_the_back_wall(scene: Scene) -> None:
    room = scene.room
    point = vector(sum(room.door_m) / 2, room.depth_m, 2.4)
    (column, row, depth), = room.view.project(point[None]).tolist()  # fmt: skip
    assert scene.depth[round(row), round(column)] == pytest.approx(depth, rel=0.02)


def test_the_doorway_opens_into_a_hall(scene: Scene) -> None:
    room = scene.room
    point = vector(sum(room.door_m) / 2, room.depth_m, 1.4)
    (column, row, depth), = room.view.project(point[None]).tolist()  # fmt: skip
    assert scene.depth[round(row), round(column)] > depth + 1.5


def test_rooms_have_structure_and_no_burnt_out_walls(scene: Scene) -> None:
    assert scene.picture.min() >= 0
    assert scene.picture.std() > 15
    assert (scene.picture > 250).mean() < 0.15


def test_people_stand_in_the_light_of_the_place(scene: Scene) -> None:
    room = scene.room
    lamp = room.lamps[0]
    below = scene.light_at(lamp.x_m, lamp.y_m)
    far = scene.light_at(lamp.x_m + 12.0, lamp.y_m)
    assert below.direct > far.direct
    assert np.linalg.norm(below.direction) == pytest.approx(1)
    in_hall = scene.light_at(lamp.x_m, room.depth_m + 1.0)
    assert in_hall.ambient < below.ambient


def test_camera_renders_changed_windows_like_the_rest() -> None:
    grey = np.full((40, 60, 3), 100, np.float32)
    brighter = grey.copy()
    brighter[10:20, 30:50] = 150
    optics = Optics((0.8, 1.0, 1.2), 1.0, 0.0, noise=0.0, vignette=0.0)
    camera = Camera(optics, grey, np.random.default_rng(1))
    image = camera.expose(brighter, [(slice(10, 20), slice(30, 50))])
    assert image[0, 0].tolist() == [80, 100, 120]
    assert image[15, 40].tolist() == [120, 150, 180]


def test_camera_noise_has_the_asked_strength() -> None:
    grey = np.full((200, 200, 3), 100, np.float32)
    camera = Camera(Optics((1, 1, 1), 1.0, 0.0, 4.0, 0.0), grey, np.random.default_rng(1))
    image = camera.expose(grey, [])
    assert image.std() == pytest.approx(4.0, rel=0.1)
    assert not np.array_equal(image, camera.expose(grey, []))
