"""From a walk to tracklets: which crops each track caught, in which versions it is published.

A camera has one of the data set's views. A passage shows a random part of the person's crops in
that view, so two passages in cameras of one view may share images, which no two real passages do.
From the second passage of a person in a view on, its crops are therefore moved by one real
deviation: how some crop of the data set differs from the mean of its person and view, drawn by
chance. That is as much as people's looks were measured to vary within a view, and no more; the
crops of a passage are moved together, as light and pose stay. Look-alikes, wrong crops and what
differs between the views are real images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.site_walk import Passage
from matcher.tracklet import TrackBoxes, Tracklet
from training.calibration_fit import LabelledCrops

_LOST_S = 1.5
"""A tracker ends a track when it has not seen the person for so long."""
_FIRST_AFTER_S = (0.7, 1.4)
_SECOND_AFTER_S = 4.0
_SHORTEST_PIECE_S = 0.8
_EPOCH = 1

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Flaws:
    """What goes wrong in a camera.

    Attributes:
        broken_share: Passages whose track breaks into two or three tracklets.
        wrong_crop_share: Tracklets with a crop of somebody else.
        noise: Factor on the deviation of repeated passages; 1 as measured.
    """

    broken_share: float = 0.15
    wrong_crop_share: float = 0.05
    noise: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class TrueTracklet:
    """A tracklet with its truth.

    Attributes:
        versions: As the worker publishes them, the last one final.
        person: Label of the data set.
        visit: 0, 1, … of that person.
        passage: Number of the passage.
        view: View of the data set that the camera has.
        is_part: Its track broke: the passage has more tracklets.
        has_wrong_crop: One of its crops shows somebody else.
        companion: Who came with the person; None: nobody.
    """

    versions: tuple[Tracklet, ...]
    person: int
    visit: int
    passage: int
    view: int
    is_part: bool
    has_wrong_crop: bool
    companion: int | None

    @property
    def final(self) -> Tracklet:
        """The last version."""
        return self.versions[-1]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a passage during which the track held."""

    started_at: float
    ended_at: float
    rows: tuple[int, ...]
    has_wrong_crop: bool


class TrackletDrawer:
    """Draws the tracklets of passages, one passage after the other.

    Args:
        crops: Of the people who walk.
        space: The embedder's space.
        num_cameras: Each has one of the data set's views.
        flaws: What goes wrong.
        rng: Decides all that is by chance.
    """

    def __init__(
        self,
        crops: LabelledCrops,
        space: str,
        num_cameras: int,
        flaws: Flaws,
        rng: np.random.Generator,
    ) -> None:
        self._features = crops.features
        self._space = space
        self._flaws = flaws
        self._rng = rng
        self._rows = rows_by_view(crops)
        self._deviations = deviations(crops)
        views = sorted({view for _, view in self._rows})
        # As many cameras of each view as can be, in an order by lot.
        self._view_of = rng.permutation([views[c % len(views)] for c in range(num_cameras)])
        self._seen: set[tuple[int, int]] = set()
        self._num_of_camera = [0] * num_cameras

    def draw(self, number: int, passage: Passage) -> list[TrueTracklet]:
        """The tracklets of a passage: mostly one."""
        view = int(self._view_of[passage.camera])
        own = self._rows.get((passage.person, view))
        if own is None:  # a few people of the data set were not seen in both views
            return []
        pieces = self._pieces(passage, view, own)
        moved = self._moved(passage.person, view)
        return [
            TrueTracklet(
                versions=self._versions(passage, piece, moved),
                person=passage.person,
                visit=passage.visit,
                passage=number,
                view=view,
                is_part=len(pieces) > 1,
                has_wrong_crop=piece.has_wrong_crop,
                companion=passage.companion,
            )
            for piece in pieces
        ]

    def _pieces(self, passage: Passage, view: int, own: Sequence[int]) -> list[_Piece]:
        rng = self._rng
        is_broken = rng.random() < self._flaws.broken_share
        spans = _broken(passage, rng) if is_broken else [(passage.started_at, passage.ended_at)]
        pieces = []
        for started_at, ended_at in spans:
            least, most = (1, 3) if len(spans) > 1 else (2, len(own))
            num = int(rng.integers(min(least, len(own)), min(most, len(own)) + 1))
            rows = [int(row) for row in rng.choice(own, num, replace=False)]
            is_wrong = num > 1 and bool(rng.random() < self._flaws.wrong_crop_share)
            if is_wrong:
                rows[int(rng.integers(num))] = self._other_row(passage, view)
            pieces.append(_Piece(started_at, ended_at, tuple(rows), is_wrong))
        return pieces

    def _other_row(self, passage: Passage, view: int) -> int:
        """A crop of the companion, who is near, else of anybody."""
        near = self._rows.get((passage.companion, view)) if passage.companion is not None else None
        if near is None:
            others = [key for key in self._rows if key[0] != passage.person and key[1] == view]
            near = self._rows[others[int(self._rng.integers(len(others)))]]
        return int(self._rng.choice(near))

    def _moved(self, person: int, view: int) -> Floats:
        """What the crops of this passage are moved by: nothing the first time."""
        is_repeated = (person, view) in self._seen
        self._seen.add((person, view))
        drawn = self._deviations[int(self._rng.integers(len(self._deviations)))]
        factor = np.float32(self._flaws.noise if is_repeated else 0)
        return np.asarray(drawn * factor, dtype=np.float32)

    def _versions(self, passage: Passage, piece: _Piece, moved: Floats) -> tuple[Tracklet, ...]:
        """The first version after a second, one on the way, the final one when the track ended."""
        rng = self._rng
        self._num_of_camera[passage.camera] += 1
        name = f"cam{passage.camera + 1}-{_EPOCH}-{self._num_of_camera[passage.camera]}"
        first_at = piece.started_at + float(rng.uniform(*_FIRST_AFTER_S))
        moments = [(first_at, 2), (piece.started_at + _SECOND_AFTER_S, 3)]
        early = [
            (at, num) for at, num in moments if at < piece.ended_at and num < len(piece.rows)
        ] or ([(first_at, len(piece.rows))] if first_at < piece.ended_at else [])
        told = [*early, (piece.ended_at + _LOST_S, len(piece.rows))]
        quality = float(rng.uniform(0.3, 0.6))
        return tuple(
            Tracklet(
                tracklet_id=name,
                version=version,
                camera_id=f"cam{passage.camera + 1}",
                started_at=piece.started_at,
                ended_at=min(at, piece.ended_at),
                emitted_at=at,
                boxes=_two_boxes(piece.started_at, min(at, piece.ended_at)),
                feature=_mean(self._features[list(piece.rows[:num])] + moved),
                quality=quality + 0.05 * num,
                space=self._space,
                is_final=version == len(told),
            )
            for version, (at, num) in enumerate(told, start=1)
        )


def rows_by_view(crops: LabelledCrops) -> dict[tuple[int, int], list[int]]:
    """The crops of each person in each view."""
    rows: dict[tuple[int, int], list[int]] = {}
    labels = zip(crops.persons.tolist(), crops.views.tolist(), strict=True)
    for row, (person, view) in enumerate(labels):
        rows.setdefault((person, view), []).append(row)
    return rows


def deviations(crops: LabelledCrops) -> Floats:
    """How the crops differ from the mean of their person and view, (M, D).

    The mean of n crops is nearer to each of them than the true one: times sqrt(n / (n - 1)).
    """
    parts = [
        (features - features.mean(axis=0)) * np.float32(np.sqrt(len(rows) / (len(rows) - 1)))
        for rows in rows_by_view(crops).values()
        if len(rows) > 1
        for features in [crops.features[rows]]
    ]
    return np.concatenate(parts or [np.zeros((1, crops.features.shape[1]), np.float32)])


def _broken(passage: Passage, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Two or three spans with gaps of up to two seconds, if the passage is long enough."""
    num = int(rng.integers(2, 4))
    cuts = np.sort(rng.uniform(passage.started_at, passage.ended_at, num - 1))
    starts = [passage.started_at, *(cuts + rng.uniform(0.1, 2.0, num - 1))]
    spans = list(zip(starts, [*cuts, passage.ended_at], strict=True))
    held = [(float(a), float(b)) for a, b in spans if b - a >= _SHORTEST_PIECE_S]
    return held or [(passage.started_at, passage.ended_at)]


def _mean(features: Floats) -> Floats:
    mean = features.mean(axis=0)
    return np.ascontiguousarray(mean / np.linalg.norm(mean), dtype=np.float32)


def _two_boxes(started_at: float, ended_at: float) -> TrackBoxes:
    """The first and the last box: the matcher looks at times only."""
    return TrackBoxes(
        frame_indexes=np.array([0, 1], dtype=np.int64),
        timestamps=np.array([started_at, ended_at], dtype=np.float64),
        xyxy=np.array([[0, 0, 40, 100]] * 2, dtype=np.float32),
        scores=np.ones(2, dtype=np.float32),
    )
