"""The drawn site as its users get it: frames, truth, files."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import av
import numpy as np
import pytest

from config.load import load_site
from streams.errors import StreamError
from streams.frame import Image
from streams.synthetic import (
    SyntheticSite,
    TruthBox,
    WrittenSite,
    read_truth,
    render_frames,
    write_site,
)

REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = SyntheticSite(size_px=(192, 108), fps=2.0)
TINY = SyntheticSite(num_cameras=2, num_people=2, duration_s=2.0, fps=4.0, size_px=(128, 72))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> WrittenSite:
    """The default site in a small size."""
    return write_site(SMALL, tmp_path_factory.mktemp("site") / "drawn")


def _frames(path: Path) -> list[Image]:
    with av.open(str(path)) as container:
        return [
            np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            for frame in container.decode(video=0)
        ]


def test_same_seed_gives_the_same_frames_bit_for_bit() -> None:
    first = list(render_frames(TINY, 1))
    second = list(render_frames(TINY, 1))
    assert len(first) == 8
    for (image, boxes), (image_again, boxes_again) in zip(first, second, strict=True):
        assert np.array_equal(image, image_again)
        assert boxes == boxes_again


def test_another_seed_gives_other_frames() -> None:
    other = SyntheticSite(
        num_cameras=2, num_people=2, duration_s=2.0, fps=4.0, size_px=(128, 72), seed=8
    )
    image, _ = next(render_frames(TINY, 0))
    other_image, _ = next(render_frames(other, 0))
    assert not np.array_equal(image, other_image)


def test_frames_are_bgr_images_of_the_asked_size() -> None:
    image, _ = next(render_frames(TINY, 0))
    assert image.shape == (72, 128, 3)
    assert image.dtype == np.uint8


def test_cameras_show_different_rooms() -> None:
    pictures = [next(render_frames(SMALL, index))[0].astype(float) for index in range(4)]
    for first in range(4):
        for second in range(first):
            assert np.abs(pictures[first] - pictures[second]).mean() > 10


def test_everybody_is_seen_in_two_cameras_and_some_return(written: WrittenSite) -> None:
    seen: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for item in read_truth(written.truth_file):
        if item.visibility > 0.5:
            seen[item.person_id][item.camera_id].append(item.frame_index)
    assert sorted(seen) == list(range(8))
    assert all(
        sum(len(frames) >= 2 * SMALL.fps for frames in cameras.values()) >= 2
        for cameras in seen.values()
    )
    pauses = [
        max(np.diff(frames), default=0) for cameras in seen.values() for frames in cameras.values()
    ]
    assert sum(pause > 5 * SMALL.fps for pause in pauses) >= 2


def test_people_hide_each_other_and_enter_past_the_border(written: WrittenSite) -> None:
    truth = read_truth(written.truth_file)
    assert any(item.visibility < 0.4 for item in truth)
    width, height = SMALL.size_px
    for item in truth:
        x1, y1, x2, y2 = item.box
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        assert 0 < item.visibility <= 1


def test_perspective_changes_the_size_of_people(written: WrittenSite) -> None:
    heights = [
        item.box[3] - item.box[1]
        for item in read_truth(written.truth_file)
        if item.visibility > 0.95 and item.camera_id == "cam1"
    ]
    assert max(heights) > 1.5 * min(heights)


def test_nobody_is_in_two_cameras_at_once(written: WrittenSite) -> None:
    places: dict[tuple[int, int], set[str]] = defaultdict(set)
    for item in read_truth(written.truth_file):
        places[item.person_id, item.frame_index].add(item.camera_id)
    assert all(len(cameras) == 1 for cameras in places.values())


def test_truth_file_gives_the_boxes_of_the_rendered_frames(tmp_path: Path) -> None:
    site = SyntheticSite(num_cameras=1, num_people=2, duration_s=6.0, fps=2.0, size_px=(128, 72))
    written = write_site(site, tmp_path)
    drawn = [box for _, boxes in render_frames(site, 0) for box in boxes]
    assert drawn
    for read, item in zip(read_truth(written.truth_file), drawn, strict=True):
        assert (read.camera_id, read.frame_index, read.person_id) == (
            "cam1", item.frame_index, item.person_id
        )  # fmt: skip
        assert read.box == item.box
        assert read.timestamp == pytest.approx(site.started_at + item.frame_index / 2, abs=1e-6)
        assert read.visibility == pytest.approx(item.visibility, abs=1e-4)


def test_videos_hold_the_rendered_frames(written: WrittenSite) -> None:
    assert [path.name for path in written.videos] == [
        "cam1.mp4",
        "cam2.mp4",
        "cam3.mp4",
        "cam4.mp4",
    ]
    frames = _frames(written.videos[0])
    assert len(frames) == SMALL.num_frames == 60
    for index, (image, _) in enumerate(render_frames(SMALL, 0)):
        if index % 20 == 0:
            error = np.abs(frames[index].astype(float) - image.astype(float)).mean()
            assert error < 6


def test_site_file_is_a_valid_site(written: WrittenSite) -> None:
    settings = load_site(written.site_file)
    assert [camera.id for camera in settings.cameras] == ["cam1", "cam2", "cam3", "cam4"]
    for camera, video in zip(settings.cameras, written.videos, strict=True):
        assert Path(camera.url.get_secret_value()) == video
        assert camera.start_at is not None
        assert camera.start_at.timestamp() == SMALL.started_at
        assert camera.position is not None
    assert settings.detector.kind == "auto"
    assert settings.embedder.kind == "auto"


def test_site_file_names_its_videos_relative_to_itself(written: WrittenSite) -> None:
    assert "url: cam1.mp4" in written.site_file.read_text()


def test_site_without_people_is_empty_rooms(tmp_path: Path) -> None:
    site = SyntheticSite(num_cameras=1, num_people=0, duration_s=1.0, fps=3.0, size_px=(128, 72))
    assert all(boxes == [] for _, boxes in render_frames(site, 0))
    written = write_site(site, tmp_path / "empty")
    assert read_truth(written.truth_file) == []
    assert len(_frames(written.videos[0])) == 3


def test_rooms_are_never_quite_still_for_the_sensor_has_noise() -> None:
    site = SyntheticSite(num_cameras=1, num_people=0, duration_s=1.0, fps=2.0, size_px=(128, 72))
    (first, _), (second, _) = render_frames(site, 0)
    difference = np.abs(first.astype(int) - second.astype(int))
    assert 0.5 < difference.mean() < 6


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"num_cameras": 0}, "num_cameras"),
        ({"num_people": -1}, "num_people"),
        ({"duration_s": 0.0}, "duration_s"),
        ({"duration_s": math.inf}, "duration_s"),
        ({"fps": 0.0}, "fps"),
        ({"fps": math.nan}, "fps"),
        ({"size_px": (32, 360)}, "width"),
        ({"size_px": (640, 9000)}, "height"),
        ({"size_px": (641, 360)}, "even"),
        ({"seed": -1}, "seed"),
        ({"started_at": -5.0}, "started_at"),
    ],
    ids=str,
)
def test_values_out_of_range_are_refused(settings: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        SyntheticSite(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("camera_index", [-1, 4])
def test_a_camera_that_is_not_there_is_refused_at_once(camera_index: int) -> None:
    with pytest.raises(ValueError, match="no camera"):
        render_frames(SyntheticSite(), camera_index)


def test_a_fifth_camera_has_a_room_of_its_own() -> None:
    site = SyntheticSite(num_cameras=5, num_people=1, duration_s=1.0, fps=1.0, size_px=(128, 72))
    first, _ = next(render_frames(site, 0))
    fifth, _ = next(render_frames(site, 4))
    assert np.abs(first.astype(float) - fifth.astype(float)).mean() > 4


def test_many_people_beyond_the_composed_ones_are_drawn() -> None:
    site = SyntheticSite(num_people=14, duration_s=8.0, fps=1.0, size_px=(128, 72))
    people = {
        box.person_id
        for index in range(4)
        for _, boxes in render_frames(site, index)
        for box in boxes
    }
    assert max(people) >= 12


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StreamError, match="cannot write the synthetic site"):
        write_site(TINY, tmp_path / "file" / "site")


def test_a_full_disk_leaves_the_old_site_as_it_was(tmp_path: Path) -> None:
    write_site(TINY, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    program = (
        "import resource, sys, pathlib\n"
        "from streams.errors import StreamError\n"
        "from streams.synthetic import SyntheticSite, write_site\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n"
        "site = SyntheticSite(num_cameras=1, duration_s=3.0, size_px=(128, 72))\n"
        "try:\n"
        "    write_site(site, pathlib.Path(sys.argv[1]))\n"
        "except StreamError as error:\n"
        "    sys.exit(f'refused: {error}')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True, text=True, cwd=REPOSITORY, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 1, result.stderr
    assert "refused: cannot write the video" in result.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_truth_boxes_are_values() -> None:
    box = TruthBox("cam1", 3, 1.5, 2, (1.0, 2.0, 3.0, 4.0), 0.5)
    assert box == TruthBox("cam1", 3, 1.5, 2, (1.0, 2.0, 3.0, 4.0), 0.5)
