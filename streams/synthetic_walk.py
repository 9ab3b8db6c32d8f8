"""The timed paths of a drawn site: who is in which camera's room, when, and where in it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from streams.synthetic_person import Stance
from streams.synthetic_room import Room

Portal = Literal["left", "right", "door"]
"""Where people come in and go out: past the image's sides, or by the doorway in the back wall."""

Path = npt.NDArray[np.float64]
"""(K, 2) floor points in metres, K >= 2."""

CAMERA_SPACING_M = 4.0
"""Distance of neighbouring cameras on the site's plan, along x and y."""

_PERSON_MARGIN_M = 0.75
_SETTING_OFF_S = 0.35
_FIRST_ENTRY_S = (0.3, 2.8)


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """One way of one person through one room.

    Attributes:
        person_id: Number of the person, from 0.
        camera_index: Number of the camera, from 0.
        path: Floor points, the first and the last out of sight.
        started_at_s: Seconds from the start of the recording to the first point.
        speed_m_s: Walking speed.
        stop_at_m: Way after which the person stops.
        stop_s: For how long; 0: no stop.
    """

    person_id: int
    camera_index: int
    path: Path
    started_at_s: float
    speed_m_s: float
    stop_at_m: float = 0.0
    stop_s: float = 0.0

    @property
    def ended_at_s(self) -> float:
        """When the last point is reached."""
        return self.started_at_s + _length_m(self.path) / self.speed_m_s + self.stop_s

    def stance(self, at_s: float) -> Stance | None:
        """Where and how the person stands or walks at a moment; None before and after the visit."""
        if not self.started_at_s <= at_s < self.ended_at_s:
            return None
        elapsed = at_s - self.started_at_s
        stop_from = self.stop_at_m / self.speed_m_s
        held = min(max(elapsed - stop_from, 0.0), self.stop_s)
        walked = (elapsed - held) * self.speed_m_s
        x, y, heading = _point_on(self.path, walked)
        effort = self._effort(elapsed, stop_from)
        return Stance(x, y, heading, walked + 0.37 * self.person_id, effort)

    def _effort(self, elapsed_s: float, stop_from_s: float) -> float:
        if self.stop_s <= 0:
            return 1.0
        away = max(stop_from_s - elapsed_s, elapsed_s - stop_from_s - self.stop_s)
        return min(max(away / _SETTING_OFF_S, 0.0), 1.0)


def plan_visits(
    rooms: Sequence[Room], num_people: int, duration_s: float, rng: np.random.Generator
) -> list[Visit]:
    """Ways of all people until the recording ends, in order of person and time.

    People start in pairs that meet in one room (so that they hide each other), go from room to room
    in the time that the way on the plan takes, and some return to the room they came from.
    """
    planner = _Planner(rooms, duration_s, rng)
    visits: list[Visit] = []
    for person_id in range(num_people):
        visits += planner.visits_of(person_id)
    return visits


def camera_position_m(camera_index: int, num_cameras: int) -> tuple[float, float]:
    """X and y of a camera on the site's plan: rows of a square grid."""
    columns = max(1, math.ceil(math.sqrt(num_cameras)))
    row, column = divmod(camera_index, columns)
    # Every other row runs backwards, so that neighbours in number are neighbours on the plan.
    column = columns - 1 - column if row % 2 else column
    return (column + 0.5) * CAMERA_SPACING_M, (row + 0.5) * CAMERA_SPACING_M


def travel_distance_m(first: int, second: int, num_cameras: int) -> float:
    """Way on the plan between two cameras' views, or round to the same one again."""
    (x1, y1), (x2, y2) = (camera_position_m(index, num_cameras) for index in (first, second))
    return max(math.hypot(x2 - x1, y2 - y1), CAMERA_SPACING_M)


class _Planner:
    """Plans one person after the other."""

    def __init__(self, rooms: Sequence[Room], duration_s: float, rng: np.random.Generator) -> None:
        self._rooms = rooms
        self._duration_s = duration_s
        self._rng = rng
        self._entry_s = 0.0

    def visits_of(self, person_id: int) -> list[Visit]:
        rng = self._rng
        if person_id % 2 == 0:
            self._entry_s = float(rng.uniform(*_FIRST_ENTRY_S))
        speed = float(rng.uniform(1.25, 1.6))
        at_s = self._entry_s
        visits: list[Visit] = []
        for number in itertools.count():
            if at_s >= self._duration_s:
                break
            camera_index = self._camera(person_id, number)
            ways = self._ways(person_id, number)
            visit = self._visit((person_id, camera_index), ways, at_s, speed)
            visits.append(visit)
            following = self._camera(person_id, number + 1)
            way = travel_distance_m(camera_index, following, len(self._rooms))
            at_s = visit.ended_at_s + way / speed + float(rng.uniform(0.0, 0.8))
        return visits

    def _camera(self, person_id: int, number: int) -> int:
        """The room of a visit: pairs begin together, then go round in opposite senses.

        Two of three people come back: from the second room to the first one, then on.
        """
        steps = (0, 1, 0, 1, 2, 3) if person_id % 3 != 1 else (0, 1, 2, 3)
        turn, place = divmod(number, len(steps))
        sense = 1 if person_id % 2 == 0 else -1
        return (person_id // 2 + sense * (steps[place] + 4 * turn)) % len(self._rooms)

    def _ways(self, person_id: int, number: int) -> tuple[Portal, Portal]:
        """In and out: opposite senses for the two of a pair, by the door every third time."""
        sides: tuple[Portal, Portal] = ("left", "right")
        way = sides if (person_id + number) % 2 == 0 else (sides[1], sides[0])
        if (person_id // 2 + number) % 3 == 1:
            return way[0], "door"
        if (person_id // 2 + number) % 3 == 2:
            return "door", way[1]
        return way

    def _visit(
        self, who_where: tuple[int, int], ways: tuple[Portal, Portal], at_s: float, speed: float
    ) -> Visit:
        person_id, camera_index = who_where
        path = self._path(self._rooms[camera_index], ways, person_id)
        stops = self._rng.random() < 0.3
        return Visit(
            person_id=person_id,
            camera_index=camera_index,
            path=path,
            started_at_s=at_s,
            speed_m_s=speed,
            stop_at_m=_length_m(path) * float(self._rng.uniform(0.4, 0.6)),
            stop_s=float(self._rng.uniform(1.0, 2.2)) if stops else 0.0,
        )

    def _path(self, room: Room, ways: tuple[Portal, Portal], person_id: int) -> Path:
        rng = self._rng
        near, far = room.lanes_m
        # A lane of one's own, so that people pass each other and not through each other.
        lane = near + (far - near) * ((person_id * 0.382 + 0.15) % 1.0)
        first = self._portal(room, ways[0], lane)
        last = self._portal(
            room, ways[1], min(max(lane + float(rng.uniform(-1.2, 1.2)), near), far)
        )
        middle_y = lane if "door" not in ways else (near + lane) / 2
        middle = (room.view.ground_x(float(rng.uniform(0.38, 0.62)), middle_y), middle_y)
        return _smooth(np.array([*first, middle, *reversed(last)]))

    def _portal(self, room: Room, portal: Portal, lane_m: float) -> list[tuple[float, float]]:
        """Points from out of sight into the room."""
        if portal == "door":
            x = sum(room.door_m) / 2
            aside = 1.6 if x < 0 else -1.6
            back = room.depth_m
            return [(x + aside, back + 1.6), (x, back + 1.2), (x, back - 0.7)]
        edge = 0.0 if portal == "left" else 1.0
        outward = -1.0 if portal == "left" else 1.0
        x = room.view.ground_x(edge, lane_m)
        return [(x + outward * _PERSON_MARGIN_M, lane_m), (x - outward * 0.8, lane_m)]


def _smooth(points: Path) -> Path:
    """Corners cut three times (G. Chaikin, 1974); the ends stay."""
    for _ in range(3):
        heads = 0.75 * points[:-1] + 0.25 * points[1:]
        tails = 0.25 * points[:-1] + 0.75 * points[1:]
        between = np.stack((heads, tails), axis=1).reshape(-1, 2)
        points = np.vstack((points[:1], between, points[-1:]))
    return points


def _steps_m(path: Path) -> npt.NDArray[np.float64]:
    steps: npt.NDArray[np.float64] = np.hypot(*np.diff(path, axis=0).T)
    return steps


def _length_m(path: Path) -> float:
    return float(_steps_m(path).sum())


def _point_on(path: Path, walked_m: float) -> tuple[float, float, float]:
    """X, y and heading after a way; the heading spans a step, so that it turns softly."""
    marks = np.concatenate(([0.0], np.cumsum(_steps_m(path))))
    around = np.clip((walked_m, walked_m - 0.3, walked_m + 0.3), 0, marks[-1])
    x = np.interp(around, marks, path[:, 0])
    y = np.interp(around, marks, path[:, 1])
    return float(x[0]), float(y[0]), math.atan2(y[2] - y[1], x[2] - x[1])
