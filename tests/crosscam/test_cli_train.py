from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner

from crosscam.cli import app
from reid.checkpoint import load_model
from reid.drawn_crops import drawn_crops

RECIPE = """
data: [csv:people.csv]
model: {size: [32, 16]}
batch: {persons: 2, images: 2}
epochs: 1
schedule: {warmup_iterations: 0}
device: cpu
num_threads: 1
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe beside drawn images of 4 people, in two cameras."""
    lines = ["path,person,camera,split"]
    for number, crop in enumerate(drawn_crops(16, (32, 16))):
        name, person, camera = f"{number:02d}.png", number // 4, number % 2
        cv2.imwrite(str(tmp_path / name), crop)
        lines += [f"{name},{person},{camera},train"]
        lines += [f"{name},{person},{camera},{'gallery' if camera else 'query'}"]
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n")
    file = tmp_path / "small.yaml"
    file.write_text(RECIPE)
    return file


def test_a_recipe_is_trained_evaluated_and_released(recipe: Path, tmp_path: Path) -> None:
    run, released = tmp_path / "run", tmp_path / "released.safetensors"

    trained = CliRunner().invoke(app, ["train", str(recipe), "--out", str(run)])
    exported = CliRunner().invoke(app, ["export", "weights", str(run), "--out", str(released)])

    assert trained.exit_code == 0, trained.output
    assert "finished after 2 of 2 iterations" in trained.output
    assert "best: map_step 0." in trained.output
    assert exported.exit_code == 0, exported.output
    assert load_model(released)[0].cls is None


def test_every_mistake_of_a_recipe_is_told_with_code_2(recipe: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["train", str(recipe), "--out", str(tmp_path), "--set", "epoch=3", "--set", "seed=-1"]
    )

    assert result.exit_code == 2
    assert "--set: epoch = 3: unknown key (did you mean 'epochs'?)" in result.output
    assert "--set: seed = -1: expected greater than or equal to 0" in result.output


def test_missing_data_is_told_with_code_2(recipe: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["train", str(recipe), "--out", str(tmp_path / "run"), "--data", "csv:none.csv"]
    )

    assert result.exit_code == 2
    assert "none.csv" in result.output


@pytest.mark.slow
def test_a_stop_signal_saves_and_resume_goes_on(recipe: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "crosscam.cli", "train", str(recipe), "--out", str(run)]
    changes = ["--set", "batch.iterations=100000", "--set", "evaluation.interval_epochs=0"]
    running = subprocess.Popen([*command, *changes], stdout=subprocess.PIPE, text=True)

    log = run / "log.jsonl"
    deadline = time.monotonic() + 300
    while not (log.exists() and log.read_text().count("\n") >= 2):
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
    running.send_signal(signal.SIGTERM)
    told, _ = running.communicate(timeout=120)

    assert running.returncode == 0
    assert "stopped (go on with --resume)" in told
    done = json.loads(log.read_text().splitlines()[-1])["iteration"]
    again = subprocess.Popen([*command, *changes, "--resume"], stdout=subprocess.PIPE, text=True)
    while json.loads(log.read_text().splitlines()[-1])["iteration"] <= done:
        assert again.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=120)
    assert again.returncode == 0
