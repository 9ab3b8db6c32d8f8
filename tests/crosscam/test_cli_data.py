from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from crosscam.cli_data import data_app


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(data_app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for place in ("train/1/1", "train/1/2", "train/2/1", "query/3/1", "gallery/3/2"):
        (tmp_path / place).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / place / "a.jpg"), np.zeros((16, 8, 3), np.uint8))
    return tmp_path


def test_check_prints_the_table_and_what_is_odd(folder: Path) -> None:
    code, said, _ = run("check", f"folder:{folder}", "--decode")

    assert code == 0
    assert said.splitlines()[2].split() == ["train", "3", "-", "2", "-"]
    assert "note: train: 1 of 2 people have one image only" in said


def test_check_fails_on_a_damaged_image_only_if_it_decodes(folder: Path) -> None:
    (folder / "query/3/1/a.jpg").write_text("no image")

    without, _, _ = run("check", f"folder:{folder}")
    code, said, error = run("check", f"folder:{folder}", "--decode")

    assert (without, code) == (0, 2)
    assert "damaged: image" in said
    assert "1 images cannot be read, listed above" in error


def test_check_prints_the_table_of_partial_data_and_fails_unless_allowed(folder: Path) -> None:
    (folder / "people.csv").write_text(
        "path,person,camera,split\ntrain/1/1/a.jpg,1,1,train\ngone.jpg,1,2,train\n"
    )

    code, said, error = run("check", f"csv:{folder / 'people.csv'}")
    allowed, _, _ = run("check", f"csv:{folder / 'people.csv'}", "--allow-partial")

    assert (code, allowed) == (2, 0)
    assert said.splitlines()[2].split() == ["train", "1", "2", "1", "1", "differs"]
    assert "problem: line 3: " in said
    assert "--allow-partial" in error


def test_prepare_refuses_what_is_no_raw_file(tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="needs h5py: pip install 'crosscam[train]'")
    (tmp_path / "cuhk-03.mat").write_text("no HDF5")

    code, _, error = run(
        "prepare", "cuhk03", "--raw", tmp_path / "cuhk-03.mat", "--out", tmp_path / "out"
    )

    assert code == 2
    assert "cannot be read as HDF5" in error
