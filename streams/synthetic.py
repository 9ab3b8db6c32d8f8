"""A drawn site with ground truth: people who walk from camera to camera, and who is where when.

For the demo, for tests and for measuring: everything is computed from a seed, no data is needed.
The cameras look into different rooms (viewpoint, light, colour cast, noise); the people differ in
build, clothes and gait, hide each other, pass behind furniture and doorways, stop, and come back.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import yaml

from streams.errors import StreamError
from streams.frame import Image
from streams.synthetic_frame import SceneDrawer
from streams.synthetic_look import looks
from streams.synthetic_room import build_room
from streams.synthetic_truth import TruthBox, read_truth, write_truth
from streams.synthetic_video import write_mp4
from streams.synthetic_walk import (
    CAMERA_SPACING_M,
    Visit,
    camera_position_m,
    plan_visits,
)

__all__ = ["SyntheticSite", "TruthBox", "WrittenSite", "read_truth", "render_frames", "write_site"]

_STARTED_AT = datetime(2026, 1, 1, 10, 0, tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True)
class SyntheticSite:
    """What is drawn; equal settings give equal frames, bit for bit.

    Attributes:
        num_cameras: 1 to 64.
        num_people: 0 to 200. With two cameras or more and 20 s or more, everybody is seen in at
            least two.
        duration_s: Length of every camera's recording.
        fps: Frames a second.
        size_px: Width and height, even.
        seed: Of everything that is drawn by lot.
        started_at: Unix seconds of the first frame; by default 2026-01-01 10:00 UTC.

    Raises:
        ValueError: A value is outside its range.
    """

    num_cameras: int = 4
    num_people: int = 8
    duration_s: float = 30.0
    fps: float = 10.0
    size_px: tuple[int, int] = (640, 360)
    seed: int = 7
    started_at: float = _STARTED_AT

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        width, height = self.size_px
        _require("num_cameras", self.num_cameras, 1, 64)
        _require("num_people", self.num_people, 0, 200)
        _require("fps", self.fps, 1, 120)
        _require("duration_s", self.duration_s, 1 / self.fps, 86400)
        _require("width of size_px", width, 64, 4096)
        _require("height of size_px", height, 64, 4096)
        _require("seed", self.seed, 0, 2**63 - 1)
        _require("started_at", self.started_at, 0, 1e11)
        if width % 2 or height % 2:
            raise ValueError(
                f"synthetic site: size_px must be even (4:2:0 video), got {width}x{height}"
            )

    @property
    def num_frames(self) -> int:
        """Frames of every camera."""
        return max(1, round(self.duration_s * self.fps))

    @property
    def camera_ids(self) -> tuple[str, ...]:
        """Cam1, cam2 and so on, in lower case."""
        return tuple(f"cam{number}" for number in range(1, self.num_cameras + 1))


@dataclass(frozen=True, slots=True)
class WrittenSite:
    """The files of a drawn site.

    Attributes:
        site_file: The site's YAML, as `crosscam run` takes it.
        truth_file: The truth, as `read_truth` takes it.
        videos: One MP4 a camera, in order of the cameras.
    """

    site_file: Path
    truth_file: Path
    videos: tuple[Path, ...]


def render_frames(site: SyntheticSite, camera_index: int) -> Iterator[tuple[Image, list[TruthBox]]]:
    """Frames of one camera in order, each with the people seen in it, by person id.

    Images are (H, W, 3) uint8 BGR. Somebody of whom no pixel shows has no box.

    Raises:
        ValueError: There is no such camera.
    """
    if not 0 <= camera_index < site.num_cameras:
        raise ValueError(
            f"synthetic site: no camera {camera_index}; it has 0 to {site.num_cameras - 1}"
        )
    return _render(site, camera_index)


def write_site(site: SyntheticSite, folder: Path) -> WrittenSite:
    """Draw the site into a folder: cam1.mp4 …, truth.csv and site.yaml.

    The folder is made if needed; files of these names are replaced. Everything is written under
    temporary names first and put in place at the end, site.yaml last, so that one never stands
    beside unfinished videos.

    Raises:
        StreamError: Something cannot be written: no permission, a full disk.
    """
    names = [f"{camera_id}.mp4" for camera_id in site.camera_ids]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".synthetic-", dir=folder) as unfinished:
            stage = Path(unfinished)
            truth: list[TruthBox] = []
            for index, name in enumerate(names):
                _write_camera(site, index, stage / name, truth)
            write_truth(stage / "truth.csv", truth)
            (stage / "site.yaml").write_text(_site_yaml(site), encoding="utf-8")
            (folder / "site.yaml").unlink(missing_ok=True)
            for name in (*names, "truth.csv", "site.yaml"):
                (stage / name).replace(folder / name)
    except OSError as error:
        raise StreamError(
            f"cannot write the synthetic site to {folder}: {error.strerror or error}; "
            "choose a folder that is writable and has room"
        ) from error
    return WrittenSite(
        site_file=folder / "site.yaml",
        truth_file=folder / "truth.csv",
        videos=tuple(folder / name for name in names),
    )


def _require(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"synthetic site: {name} must be from {low:g} to {high:g}, got {value}")


def _render(site: SyntheticSite, camera_index: int) -> Iterator[tuple[Image, list[TruthBox]]]:
    visits = _visits(site)
    people = looks(site.num_people, _rng(site, "people"))
    room = build_room(camera_index, site.size_px, _rng(site, "room", camera_index))
    drawer = SceneDrawer(room, people, _rng(site, "camera", camera_index))
    here = [visit for visit in visits if visit.camera_index == camera_index]
    camera_id = site.camera_ids[camera_index]
    for frame_index in range(site.num_frames):
        at_s = frame_index / site.fps
        stances = {v.person_id: s for v in here if (s := v.stance(at_s)) is not None}
        image, seen = drawer.draw(stances)
        yield image, [
            TruthBox(
                camera_id, frame_index, site.started_at + at_s, person.person_id, person.box,
                person.visibility,
            )
            for person in seen
        ]  # fmt: skip


def _visits(site: SyntheticSite) -> list[Visit]:
    rooms = [
        build_room(index, site.size_px, _rng(site, "room", index))
        for index in range(site.num_cameras)
    ]
    return plan_visits(rooms, site.num_people, site.duration_s, _rng(site, "walk"))


def _rng(site: SyntheticSite, purpose: str, number: int = 0) -> np.random.Generator:
    """A generator of its own for each purpose, so that cameras can be drawn in any order."""
    return np.random.default_rng((site.seed, number, *purpose.encode()))


def _write_camera(
    site: SyntheticSite, camera_index: int, path: Path, truth: list[TruthBox]
) -> None:
    def images() -> Iterator[Image]:
        for image, boxes in render_frames(site, camera_index):
            truth.extend(boxes)
            yield image

    write_mp4(path, images(), site.fps, site.size_px)


def _site_yaml(site: SyntheticSite) -> str:
    start = datetime.fromtimestamp(site.started_at, UTC)
    positions = [camera_position_m(index, site.num_cameras) for index in range(site.num_cameras)]
    cameras = [
        {
            "id": camera_id,
            "name": build_room(index, site.size_px, _rng(site, "room", index)).name,
            "url": f"{camera_id}.mp4",
            "start_at": start.isoformat(),
            "position": {"x_m": positions[index][0], "y_m": positions[index][1]},
        }
        for index, camera_id in enumerate(site.camera_ids)
    ]
    plan = {
        "width_m": max(x for x, _ in positions) + CAMERA_SPACING_M / 2,
        "height_m": max(y for _, y in positions) + CAMERA_SPACING_M / 2,
    }
    # Eight people in half a minute: a wrong link costs no more than a missed one, so the weak
    # colour features that need no weights may link from better than two to one.
    matcher = {"min_probability": 0.7}
    data = {"site": "synthetic", "cameras": cameras, "plan": plan, "matcher": matcher}
    head = (
        f"# A drawn site ({site.num_people} people, seed {site.seed}); the truth is in truth.csv.\n"
    )
    return head + yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
