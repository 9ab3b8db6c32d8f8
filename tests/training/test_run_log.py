from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from training.errors import TrainingError
from training.run_folder import RunFolder
from training.run_log import RunLog, read_log


def test_every_line_is_json_from_the_first_iteration_on(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    log = RunLog(folder, iteration=0)

    log.add(1, 1, {"loss": 2.5, "rate": 1e-5})
    log.add(2, 1, {"loss": math.nan, "rate": 1.23456789e-5})
    log.close()

    lines = [json.loads(line) for line in folder.log.read_text().splitlines()]
    assert lines == [
        {"iteration": 1, "epoch": 1, "loss": 2.5, "rate": 1e-5},
        {"iteration": 2, "epoch": 1, "loss": None, "rate": 1.23457e-5},
    ]


def test_what_a_killed_run_logged_after_its_checkpoint_is_dropped(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.log.write_text('{"iteration": 1}\n{"iteration": 2}\n{"iteration": 3}\n{"itera')

    log = RunLog(folder, iteration=2)
    log.add(3, 1, {})
    log.close()

    assert [line["iteration"] for line in read_log(folder.log)] == [1, 2, 3]


def test_no_log_has_no_lines(tmp_path: Path) -> None:
    assert read_log(tmp_path / "log.jsonl") == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"log\.jsonl: cannot be written"):
        RunLog(RunFolder(tmp_path / "missing"), iteration=0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full (Linux)")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.log.symlink_to("/dev/full")
    log = RunLog(folder, iteration=0)

    with pytest.raises(TrainingError, match="No space left on device; free some space"):
        log.add(1, 1, {"loss": 1.0})
    log.close()


def test_tensorboard_gets_the_same_figures(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs TensorBoard: pip install 'crosscam[train]'")
    folder = RunFolder(tmp_path)

    log = RunLog(folder, iteration=0)
    log.add(1, 1, {"loss": 2.5})
    log.close()

    (events,) = folder.tensorboard.iterdir()
    assert b"loss" in events.read_bytes()
