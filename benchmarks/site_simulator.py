"""A simulated site with known truth: real people's looks, a walk, and the messages of its cameras.

People are those of a data set (`crop_features`), never of both splits. Who walks where is
`site_walk`, what the cameras make of it `site_tracklets`; here both are put together and given to a
matcher as the service does. Equal arguments give equal tracklets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import numpy.typing as npt

from benchmarks.crop_features import CropFeatures, Split
from benchmarks.site_tracklets import Flaws, TrackletDrawer, TrueTracklet, rows_by_view
from benchmarks.site_walk import Habits, look_alike_table, plan_walk, way_s
from crosscam.tracking_history import Placement, placements
from matcher.camera_progress import CameraProgress
from matcher.correction import Correction
from matcher.event_log import StoreEvent
from matcher.matcher import Matcher, Step
from matcher.tracklet import Tracklet
from training.calibration_fit import LabelledCrops

PROGRESS_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class SiteSize:
    """How large a site is.

    Attributes:
        num_cameras: From 2 to 64.
        num_passages: People passing a camera, all together.
        habits: How people move.
        flaws: What goes wrong in the cameras.
    """

    num_cameras: int = 16
    num_passages: int = 2000
    habits: Habits = field(default_factory=Habits)
    flaws: Flaws = field(default_factory=Flaws)


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedSite:
    """What the cameras of a site publish, with the truth.

    Attributes:
        camera_ids: All cameras.
        tracklets: In the order in which their final versions are emitted.
    """

    camera_ids: tuple[str, ...]
    tracklets: tuple[TrueTracklet, ...]

    @property
    def features(self) -> npt.NDArray[np.float32]:
        """(T, D) of the final versions."""
        return np.stack([each.final.feature for each in self.tracklets])

    @property
    def persons(self) -> npt.NDArray[np.int64]:
        """(T,) true labels."""
        return np.array([each.person for each in self.tracklets], dtype=np.int64)

    @property
    def num_people(self) -> int:
        """People who were seen at least once."""
        return len({each.person for each in self.tracklets})


def simulate(crops: CropFeatures, split: Split, size: SiteSize, seed: int) -> SimulatedSite:
    """A site's tracklets.

    Args:
        crops: Of people's looks.
        split: Which of the people walk: those for tuning, or those for measuring.
        size: Of the site.
        seed: Of everything that is by chance.
    """
    looks = crops.of(split)
    table = look_alike_table(_mean_looks(looks))
    walk_rng, draw_rng = (np.random.default_rng((seed, part)) for part in (0, 1))
    passages = plan_walk(table, size.num_cameras, size.num_passages, size.habits, walk_rng)
    drawer = TrackletDrawer(looks, crops.space, size.num_cameras, size.flaws, draw_rng)
    tracklets = [
        tracklet
        for number, passage in enumerate(passages)
        for tracklet in drawer.draw(number, passage)
    ]
    return SimulatedSite(
        camera_ids=tuple(f"cam{number + 1}" for number in range(size.num_cameras)),
        tracklets=tuple(sorted(tracklets, key=lambda t: (t.final.emitted_at, t.final.tracklet_id))),
    )


def told_topology(num_cameras: int) -> list[tuple[tuple[str, str], float]]:
    """What an owner could write down of the site: least seconds of travel between two cameras.

    Half the straight way's at ordinary speed: less than all but a few need.
    """
    return [
        ((f"cam{one + 1}", f"cam{other + 1}"), round(0.5 * way_s(one, other, num_cameras), 1))
        for one in range(num_cameras)
        for other in range(one + 1, num_cameras)
    ]


def decide_site(matcher: Matcher, site: SimulatedSite) -> list[Placement]:
    """Lets a matcher decide a site as the service does; what it decided and corrected, in order."""
    steps: list[Step] = []
    for messages in _batches(site):
        for message in messages:
            matcher.offer(message)
        steps += matcher.steps()
    return placements_of([*steps, *matcher.last_steps()])


def placements_of(steps: Iterable[Step]) -> list[Placement]:
    """Who was taken for whom, by what a matcher did, in order."""
    return list(
        placements(
            StoreEvent(number, 0.0, correction=step)
            if isinstance(step, Correction)
            else StoreEvent(number, 0.0, tuple(step))
            for number, step in enumerate(steps, start=1)
        )
    )


def _batches(site: SimulatedSite) -> Iterator[Sequence[Tracklet | CameraProgress]]:
    """Tracklets as they are emitted; after each span of time the progress of all cameras."""
    versions = [version for tracklet in site.tracklets for version in tracklet.versions]
    versions.sort(key=lambda version: (version.emitted_at, version.tracklet_id))
    for number, group in groupby(versions, key=lambda v: v.emitted_at // PROGRESS_EVERY_S):
        watermark_at = (number + 1) * PROGRESS_EVERY_S
        yield [
            *group,
            *(_progress(camera_id, watermark_at) for camera_id in site.camera_ids),
        ]


def _progress(camera_id: str, watermark_at: float) -> CameraProgress:
    return CameraProgress(
        camera_id=camera_id,
        watermark_at=watermark_at,
        next_index=round(watermark_at * 10),
        epoch=1,
        state="running",
        is_live=False,
        source="simulated",
    )


def _mean_looks(crops: LabelledCrops) -> dict[int, npt.NDArray[np.float32]]:
    """The mean feature of each person over both views."""
    rows: dict[int, list[int]] = {}
    for (person, _), some in rows_by_view(crops).items():
        rows.setdefault(person, []).extend(some)
    return {person: crops.features[some].mean(axis=0) for person, some in rows.items()}
