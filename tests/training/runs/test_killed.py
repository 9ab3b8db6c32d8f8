"""A run that is killed in the middle of a save goes on as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from training.datasets import open_data
from training.recipe import Recipe
from training.run_folder import RunFolder
from training.samples import ReidData
from training.trainer import train

KILLED_IN_SECOND_SAVE = """
import os, signal, sys
from pathlib import Path
from training.datasets import open_data
from training.recipe import Recipe
from training.trainer import train

calls, real = [], os.fsync

def fsync(descriptor):  # a save asks for the file, then for its folder
    calls.append(descriptor)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    real(descriptor)

os.fsync = fsync
recipe = Recipe.model_validate_json(Path(sys.argv[1]).read_text())
train(recipe, open_data(sys.argv[2]).train)
"""


@pytest.mark.slow
def test_killed_in_the_middle_of_a_save_it_continues_exactly(
    people: ReidData, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    spec = f"csv:{people.train.paths[0].parent / 'people.csv'}"
    samples = open_data(spec).train
    recipe = make_recipe(tmp_path / "killed", checkpoint={"interval_iterations": 2})
    stored = tmp_path / "recipe.json"
    stored.write_text(recipe.model_dump_json())
    command = [sys.executable, "-c", KILLED_IN_SECOND_SAVE, str(stored), spec]

    killed = subprocess.run(command, check=False, capture_output=True, text=True)
    folder = RunFolder(tmp_path / "killed")
    partial = folder.path / ".last.pt.partial"
    was_partial = partial.exists()
    kept = torch.load(folder.last, weights_only=True)["iteration"]
    resumed = train(recipe, samples, resume=True)
    whole = train(recipe.model_copy(update={"out": tmp_path / "whole"}), samples)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert was_partial
    assert kept == 2
    assert not partial.exists()
    assert resumed.folder.final.read_bytes() == whole.folder.final.read_bytes()
