from __future__ import annotations

from pathlib import Path

import pytest

from crosscam.errors import AppError
from crosscam.tracking_boxes import UNNAMED, load_boxes, load_truth, same_cameras
from query.exports import BoxRow, write_boxes
from streams.errors import StreamError
from streams.synthetic_truth import TruthBox, write_truth

ROW = BoxRow("cam1", 4, 12.5, 1.0, 2.0, 31.0, 62.0, 0.5, "cam1-1-1", "P3")
TRUE = TruthBox("cam1", 4, 12.5, 7, (1.0, 2.0, 31.0, 62.0), 0.75)


def written(tmp_path: Path, name: str, text: str) -> Path:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_exported_boxes_are_read_again(tmp_path: Path) -> None:
    with (tmp_path / "boxes.csv").open("w", encoding="utf-8", newline="") as file:
        write_boxes([ROW], file, "csv")

    assert load_boxes(tmp_path / "boxes.csv", fps=25) == [ROW]


def test_a_drawn_sites_truth_is_read(tmp_path: Path) -> None:
    write_truth(tmp_path / "truth.csv", [TRUE])

    assert load_truth(tmp_path / "truth.csv", fps=25) == [TRUE]


def test_mot_text_counts_frames_from_one_and_has_width_and_height(tmp_path: Path) -> None:
    file = written(tmp_path, "boxes.txt", "1,3,10,20,30,60,-1,-1,-1,-1\n\n26,4,0,0,5,5,0.25\n")

    first, second = load_boxes(file, fps=25)

    assert (first.camera_id, first.frame_index, first.timestamp) == (UNNAMED, 0, 0.0)
    assert (first.x1, first.y1, first.x2, first.y2) == (10, 20, 40, 80)
    assert (first.identity_id, first.tracklet_id, first.score) == ("3", "3", 1.0)
    assert (second.frame_index, second.timestamp, second.score) == (25, 1.0, 0.25)


def test_true_boxes_that_do_not_count_are_left_out(tmp_path: Path) -> None:
    lines = (
        "1,1,0,0,9,9,1,1,0.9",  # MOT16: a pedestrian
        "1,2,0,0,9,9,0,1,0.9",  # not to be counted
        "1,3,0,0,9,9,1,7,0.9",  # another class
        "1,4,0,0,9,9,1,4.4,5.5,0",  # MOT15: place in the world
    )

    truth = load_truth(written(tmp_path, "gt.txt", "\n".join(lines)), fps=25)

    assert [box.person_id for box in truth] == [1, 4]


def test_a_folder_has_a_file_for_every_camera(tmp_path: Path) -> None:
    written(tmp_path, "gt/cam1.txt", "1,1,0,0,9,9,1\n")
    written(tmp_path, "gt/cam2.txt", "1,1,0,0,9,9,1\n")

    truth = load_truth(tmp_path / "gt", fps=25)

    assert [(box.camera_id, box.person_id) for box in truth] == [("cam1", 1), ("cam2", 1)]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("boxes.txt", "1,2,3\n", "line 1: '1,2,3' is no line of MOT"),
        ("boxes.txt", "1,1,0,0,9,9\n0,1,0,0,9,9\n", "line 2"),
        ("boxes.txt", "1,1.5,0,0,9,9\n", "whole ids"),
        ("boxes.txt", "1,1,0,0,0,9\n", "line 1"),
        ("boxes.txt", "nan,1,0,0,9,9\n", "line 1"),
        ("boxes.csv", "camera_id,frame_index\ncam1,1\n", "no column timestamp"),
        ("boxes.csv", "", "no column camera_id"),
        ("boxes.json", "{}", "files of kind .json are not read"),
    ],
    ids=["short", "frame 0", "half id", "no width", "not a number", "columns", "empty", "kind"],
)
def test_a_wrong_file_is_told_with_its_line(
    name: str, text: str, told: str, tmp_path: Path
) -> None:
    file = written(tmp_path, name, text)

    with pytest.raises(AppError, match=told) as caught:
        load_boxes(file, fps=25)

    assert str(file) in str(caught.value)


def test_a_wrong_value_in_csv_is_told_with_its_line(tmp_path: Path) -> None:
    with (tmp_path / "boxes.csv").open("w", encoding="utf-8", newline="") as file:
        write_boxes([ROW, ROW], file, "csv")
    text = (tmp_path / "boxes.csv").read_text()
    broken = written(tmp_path, "broken.csv", text.replace("12.5", "noon", 1))

    with pytest.raises(AppError, match="line 2: could not convert"):
        load_boxes(broken, fps=25)


def test_a_missing_file_and_an_empty_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="no such file"):
        load_boxes(tmp_path / "none.csv", fps=25)
    with pytest.raises(AppError, match=r"no CAMERA\.txt"):
        load_boxes(tmp_path, fps=25)


def test_a_truth_with_other_columns_is_told(tmp_path: Path) -> None:
    file = written(tmp_path, "truth.csv", "camera_id,frame\ncam1,1\n")

    with pytest.raises(StreamError, match="is not a truth file"):
        load_truth(file, fps=25)


def test_an_unnamed_camera_takes_the_only_name_there_is() -> None:
    unnamed_row = BoxRow(UNNAMED, 4, 12.5, 1.0, 2.0, 31.0, 62.0, 0.5, "1", "1")
    unnamed_truth = TruthBox(UNNAMED, 4, 12.5, 7, (1.0, 2.0, 31.0, 62.0), 0.75)

    assert same_cameras([unnamed_row], [TRUE])[0][0].camera_id == "cam1"
    assert same_cameras([ROW], [unnamed_truth])[1][0].camera_id == "cam1"
    assert same_cameras([unnamed_row], [unnamed_truth]) == ([unnamed_row], [unnamed_truth])


def test_an_unnamed_camera_that_could_be_several_is_refused() -> None:
    unnamed = BoxRow(UNNAMED, 4, 12.5, 1.0, 2.0, 31.0, 62.0, 0.5, "1", "1")
    other = TruthBox("cam2", 4, 12.5, 7, (1.0, 2.0, 31.0, 62.0), 0.75)

    with pytest.raises(AppError, match="cam1, cam2"):
        same_cameras([unnamed], [TRUE, other])


def test_a_camera_that_the_truth_lacks_is_refused_and_one_without_boxes_is_not() -> None:
    other = TruthBox("cam2", 4, 12.5, 7, (1.0, 2.0, 31.0, 62.0), 0.75)

    with pytest.raises(AppError, match="the boxes have camera cam1, which the truth lacks"):
        same_cameras([ROW], [other])
    assert same_cameras([ROW], [TRUE, other]) == ([ROW], [TRUE, other])
    assert same_cameras([], [TRUE]) == ([], [TRUE])
