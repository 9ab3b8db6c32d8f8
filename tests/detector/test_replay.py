from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detector.errors import DetectorError, WeightsError
from detector.replay import ReplayDetector, read_mot
from detector.selection import Selection
from streams.frame import Frame


def frame(camera_id: str, index: int) -> Frame:
    return Frame(camera_id, index, 0.0, np.zeros((100, 200, 3), dtype=np.uint8))


def test_one_based_lines_are_found_at_zero_based_frames(tmp_path: Path) -> None:
    file = tmp_path / "det.txt"
    file.write_text("1,-1,10,20,30,40,0.9\n3,-1,0,0,20,50,0.5,-1,-1,-1\n")
    detector = ReplayDetector(file, ["cam1"], Selection())

    people = detector.detect([frame("cam1", index) for index in (2, 1, 0)])

    assert [found.boxes.tolist() for found in people] == [
        [[0, 0, 20, 50]],
        [],
        [[10, 20, 40, 60]],
    ]


def test_a_folder_has_a_file_for_every_camera(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1,-1,0,0,10,40,0.9")
    (tmp_path / "b.txt").write_text("1,-1,0,0,20,50,0.9")
    detector = ReplayDetector(tmp_path, ["a", "b"], Selection())

    a, b = detector.detect([frame("a", 0), frame("b", 0)])

    assert a.boxes.tolist() == [[0, 0, 10, 40]]
    assert b.boxes.tolist() == [[0, 0, 20, 50]]


def test_a_camera_without_a_file_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"camera 'cam9'.*cam9\.txt"):
        ReplayDetector(tmp_path, ["cam9"], Selection())


def test_a_frame_of_an_unknown_camera_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    detector = ReplayDetector(tmp_path, ["a"], Selection())

    with pytest.raises(DetectorError, match="no boxes for camera 'b'; known: a"):
        detector.detect([frame("b", 0)])


def test_missing_and_negative_confidences_count_as_one(tmp_path: Path) -> None:
    file = tmp_path / "gt.txt"
    file.write_text("1,1,0,0,10,40\n2 1 0 0 10 40 -1 -1 -1 -1\n")

    rows = read_mot(file)

    assert [rows[index][0, 4] for index in (0, 1)] == [1, 1]


def test_raw_outputs_are_squeezed_into_scores(tmp_path: Path) -> None:
    file = tmp_path / "det.txt"
    file.write_text("1,-1,0,0,10,40,5\n1,-1,50,0,10,40,20\n")

    assert read_mot(file)[0][:, 4].tolist() == [0.25, 1.0]


def test_an_empty_file_is_nobody(tmp_path: Path) -> None:
    file = tmp_path / "det.txt"
    file.write_text("\n\n")

    assert read_mot(file) == {}


@pytest.mark.parametrize(
    "line",
    ["hello", "0,-1,1,1,1,1,1", "1.5,-1,1,1,1,1,1", "1,-1,1,1", "1,-1,nan,1,1,1,1"],
    ids=["text", "frame zero", "half a frame", "short", "nan"],
)
def test_a_line_that_is_no_mot_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "det.txt"
    file.write_text(f"1,-1,0,0,10,40,1\n{line}\n")

    with pytest.raises(WeightsError, match=r"det\.txt, line 2"):
        read_mot(file)


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "det.txt"
    file.write_bytes(bytes(range(256)))

    with pytest.raises(WeightsError, match=r"det\.txt cannot be read as text"):
        read_mot(file)


@pytest.mark.shared
def test_the_boxes_of_a_real_benchmark_are_read(shared_dir: Path) -> None:
    rows = read_mot(shared_dir / "video" / "pets09_s2l1_det_768x576.txt")

    assert max(rows) == 794
    assert min(r[:, 4].min() for r in rows.values()) >= 0
    assert max(r[:, 4].max() for r in rows.values()) <= 1
