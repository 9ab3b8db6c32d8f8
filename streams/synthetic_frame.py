"""One drawn frame: people in a room, hidden by each other and by furniture pixel by pixel."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.frame import Image
from streams.synthetic_look import Look
from streams.synthetic_optics import Camera
from streams.synthetic_paint import fold_noise
from streams.synthetic_person import Stance, pose_person
from streams.synthetic_room import Room
from streams.synthetic_scene import build_scene
from streams.synthetic_shape import Patch, draw_figure
from streams.synthetic_view import Plane, View, Window, vector

_NEAREST_M = 1.5
"""People nearer to the camera than this are not drawn."""
_SHADOW = 0.5
_SHADOW_RADIUS_M = 0.3


@dataclass(frozen=True, slots=True)
class Seen:
    """A person in a frame: see `TruthBox`."""

    person_id: int
    box: tuple[float, float, float, float]
    visibility: float


class SceneDrawer:
    """Draws the frames of one camera, one after the other.

    Args:
        room: What the camera watches.
        people: Looks by person id.
        rng: For stains and noise; the noise depends on how many frames were drawn before.
    """

    def __init__(self, room: Room, people: Sequence[Look], rng: np.random.Generator) -> None:
        self._view = room.view
        self._scene = build_scene(room, rng)
        self._camera = Camera(room.optics, self._scene.picture, rng)
        self._people = people
        self._folds = [fold_noise(np.random.default_rng(number)) for number in range(len(people))]

    def draw(self, stances: Mapping[int, Stance]) -> tuple[Image, list[Seen]]:
        """The next frame, and who is seen in it by person id.

        Args:
            stances: Person id to place and movement; empty for an empty room.
        """
        picture = self._scene.picture.copy()
        depth = self._scene.depth.copy()
        owner = np.full(depth.shape, -1, np.int32)
        shown = {i: s for i, s in stances.items() if s.y_m > _NEAREST_M}
        windows = [
            _drop_shadow(picture, self._scene.floor, self._view, stance)
            for stance in shown.values()
        ]
        patches = {
            person_id: draw_figure(
                self._view,
                pose_person(self._people[person_id], stance, self._folds[person_id]),
                self._scene.light_at(stance.x_m, stance.y_m),
            )
            for person_id, stance in shown.items()
        }
        for person_id in sorted(shown, key=lambda i: -shown[i].y_m):
            found = _overlap(patches[person_id], depth.shape)
            if found is not None:
                _paste(patches[person_id], person_id, found, (picture, depth, owner))
                windows.append(found[0])
        seen = [_seen(i, patches[i], owner) for i in sorted(patches)]
        return self._camera.expose(picture, windows), [one for one in seen if one is not None]


def _paste(
    patch: Patch,
    person_id: int,
    overlap: tuple[Window, Window],
    planes: tuple[npt.NDArray[np.float32], Plane, npt.NDArray[np.int32]],
) -> None:
    """Put the figure into picture, depth and owner, where nothing stands before it."""
    picture, depth, owner = planes
    window, own = overlap
    cover, nearness = patch.cover[own], patch.depth[own]
    # Soft edge pixels have no depth of their own: they take the figure's nearest.
    near = np.where(np.isfinite(nearness), nearness, patch.depth.min())
    is_front = near < depth[window]
    part = picture[window]
    part *= 1 - np.where(is_front, cover, 0)[..., None]
    part += np.where(is_front[..., None], patch.colours[own], 0)
    filled = is_front & patch.silhouette[own]
    depth[window][filled] = near[filled]
    owner[window][filled] = person_id


def _overlap(patch: Patch, shape: tuple[int, ...]) -> tuple[Window, Window] | None:
    """Where the patch lies in the image, and which part of the patch that is; None: outside."""
    height, width = patch.cover.shape
    top, left = max(patch.top, 0), max(patch.left, 0)
    bottom, right = min(patch.top + height, shape[0]), min(patch.left + width, shape[1])
    if bottom <= top or right <= left:
        return None
    rows = slice(top - patch.top, bottom - patch.top)
    columns = slice(left - patch.left, right - patch.left)
    return (slice(top, bottom), slice(left, right)), (rows, columns)


def _seen(person_id: int, patch: Patch, owner: npt.NDArray[np.int32]) -> Seen | None:
    """The person's box and visibility; None if no pixel shows."""
    found = _overlap(patch, owner.shape)
    silhouette = patch.silhouette
    total = int(silhouette.sum())
    visible = int((owner == person_id).sum())
    if found is None or total == 0 or visible == 0:
        return None
    rows = np.flatnonzero(silhouette[found[1]].any(axis=1)) + found[0][0].start
    columns = np.flatnonzero(silhouette[found[1]].any(axis=0)) + found[0][1].start
    box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    return Seen(person_id, box, visible / total)


def _drop_shadow(
    picture: npt.NDArray[np.float32], floor: Plane, view: View, stance: Stance
) -> Window:
    """Darken the floor around the feet, and return where."""
    at, ahead = view.project(
        np.stack([vector(stance.x_m, stance.y_m + step, 0) for step in (0.0, 0.1)])
    ).tolist()
    across_px = view.focal_px / at[2] * _SHADOW_RADIUS_M
    along_px = max((at[1] - ahead[1]) / 0.1 * _SHADOW_RADIUS_M, 1.0)
    rows = _span(at[1], 2.5 * along_px, floor.shape[0])
    columns = _span(at[0], 2.5 * across_px, floor.shape[1])
    x = (np.arange(columns.start, columns.stop, dtype=np.float32) - at[0]) / across_px
    y = (np.arange(rows.start, rows.stop, dtype=np.float32) - at[1]) / along_px
    dark = _SHADOW * np.exp(-(x[None, :] ** 2 + y[:, None] ** 2)) * floor[rows, columns]
    picture[rows, columns] *= (1 - dark)[..., None]
    return rows, columns


def _span(centre: float, reach: float, size: int) -> slice:
    """Rows or columns around a place, inside the image."""
    low, high = math.floor(centre - reach), math.ceil(centre + reach)
    return slice(min(max(low, 0), size), min(max(high, 0), size))
