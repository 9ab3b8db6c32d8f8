from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from crosscam.cli_tracking import evaluate_tracking_command


def run(*arguments: str | Path) -> tuple[int, str, str]:
    app = typer.Typer()
    app.command()(evaluate_tracking_command)
    result = CliRunner().invoke(app, [*map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    """A person who goes from cam1 to cam2."""
    file = tmp_path / "truth.csv"
    file.write_text(
        "camera_id,frame_index,timestamp,x1,y1,x2,y2,person_id,visibility\n"
        "cam1,0,0.0,0,0,10,20,1,1.0\n"
        "cam1,1,0.1,0,0,10,20,1,1.0\n"
        "cam2,50,5.0,0,0,10,20,1,1.0\n"
    )
    return file


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    """The same, but with another identity in cam2."""
    file = tmp_path / "boxes.csv"
    file.write_text(
        "camera_id,frame_index,timestamp,x1,y1,x2,y2,score,tracklet_id,identity_id\n"
        "cam1,0,0.0,0,0,10,20,0.9,cam1-1-1,P1\n"
        "cam1,1,0.1,0,0,10,20,0.9,cam1-1-1,P1\n"
        "cam2,50,5.0,0,0,10,20,0.9,cam2-1-1,P2\n"
    )
    return file


def test_boxes_are_scored_against_the_truth(truth: Path, boxes: Path) -> None:
    code, out, err = run("--truth", truth, "--boxes", boxes, "--format", "json")

    assert code == 0, err
    figures = json.loads(out)["boxes"]
    assert figures["idf1"] == pytest.approx(2 / 3)
    assert (figures["num_people"], figures["num_identities"]) == (1, 2)
    assert (figures["num_switches_within"], figures["num_switches_across"]) == (0, 1)
    assert figures["new_identities_per_person"] == 2


def test_the_table_names_the_figures(truth: Path, boxes: Path) -> None:
    code, out, _ = run("--truth", truth, "--boxes", boxes)

    assert code == 0
    assert "1 people in view" in out
    assert all(word in out for word in ("IDF1", "HOTA", "AssA", "66.7"))


@pytest.mark.parametrize("arguments", [[], ["--boxes", "b.csv", "--data", "run"]])
def test_either_boxes_or_a_run_is_wanted(arguments: list[str], truth: Path) -> None:
    code, _, err = run("--truth", truth, *arguments)

    assert code == 2
    assert "either --boxes FILE or --data DIR" in err


def test_a_missing_file_is_told_in_a_line(truth: Path, tmp_path: Path) -> None:
    code, _, err = run("--truth", truth, "--boxes", tmp_path / "none.csv")

    assert code == 2
    assert err.startswith("crosscam: ")
    assert "no such file" in err


def test_cameras_that_differ_are_told(truth: Path, boxes: Path) -> None:
    boxes.write_text(boxes.read_text().replace("cam2", "cam9"))

    code, _, err = run("--truth", truth, "--boxes", boxes)

    assert code == 2
    assert "cam9, which the truth lacks" in err


def test_a_folder_without_a_run_is_told(truth: Path, tmp_path: Path) -> None:
    code, _, err = run("--truth", truth, "--data", tmp_path)

    assert code == 2
    assert "holds no run" in err
