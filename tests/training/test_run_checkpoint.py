from __future__ import annotations

import errno
import os
import pickle
import random
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from training.errors import ResumeError, TrainingError
from training.recipe import Recipe
from training.run_checkpoint import RunState, load_checkpoint, save_checkpoint


def recipe(**values: Any) -> Recipe:
    return Recipe.model_validate({"data": ["folder:x"], **values})


def state(iteration: int = 7) -> RunState:
    learner = {"model": {"weight": torch.arange(4000.0)}, "average": None, "scaler": {}}
    return RunState(iteration, learner, {"map_step": 0.5}, "3 images, abc", 1)


def draws() -> tuple[float, float, float]:
    return torch.rand(()).item(), float(np.random.rand()), random.random()  # noqa: NPY002


def test_a_checkpoint_comes_back_with_all_generators(tmp_path: Path) -> None:
    file = tmp_path / "last.pt"
    save_checkpoint(file, state(), recipe())
    expected = draws()
    draws()

    loaded = load_checkpoint(file, recipe())

    assert draws() == expected
    assert torch.equal(loaded.learner["model"]["weight"], torch.arange(4000.0))
    assert (loaded.iteration, loaded.best, loaded.data) == (7, {"map_step": 0.5}, "3 images, abc")
    assert list(tmp_path.iterdir()) == [file]


def test_a_full_disk_leaves_the_earlier_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "last.pt"
    save_checkpoint(file, state(7), recipe())

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainingError, match="No space left on device; the earlier checkpoint"):
        save_checkpoint(file, state(8), recipe())

    assert load_checkpoint(file, recipe()).iteration == 7
    assert list(tmp_path.iterdir()) == [file]


def test_a_write_that_is_cut_short_leaves_the_earlier_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "last.pt"
    save_checkpoint(file, state(7), recipe())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, before[1]))
    try:
        with pytest.raises(TrainingError, match="cannot be written"):
            save_checkpoint(file, state(8), recipe())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert load_checkpoint(file, recipe()).iteration == 7
    assert list(tmp_path.iterdir()) == [file]


def test_another_recipe_is_refused_with_what_differs(tmp_path: Path) -> None:
    file = tmp_path / "last.pt"
    save_checkpoint(file, state(), recipe())

    with pytest.raises(ResumeError) as caught:
        load_checkpoint(file, recipe(seed=3, losses={"triplet": {"margin": "soft"}}))

    assert "seed was 0 and is 3" in str(caught.value)
    assert "losses.triplet.margin was 0.3 and is 'soft'" in str(caught.value)


def test_what_changes_no_result_may_change(tmp_path: Path) -> None:
    file = tmp_path / "last.pt"
    save_checkpoint(file, state(), recipe(device="cpu", out=tmp_path))

    changed = recipe(checkpoint={"interval_iterations": 5}, evaluation={"interval_epochs": 1})

    assert load_checkpoint(file, changed).iteration == 7


def test_a_run_may_be_made_shorter_or_longer_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "last.pt"
    save_checkpoint(file, state(), recipe())

    assert load_checkpoint(file, recipe(epochs=3)).iteration == 7
    assert "was a run of 600 epochs; it goes on by the schedule of 3" in caplog.text


def test_no_checkpoint_is_told(tmp_path: Path) -> None:
    with pytest.raises(ResumeError, match="start the run without --resume"):
        load_checkpoint(tmp_path / "last.pt", recipe())


@pytest.mark.parametrize("length", [0, 10, 5000])
def test_a_checkpoint_that_was_cut_off_is_told(tmp_path: Path, length: int) -> None:
    file = tmp_path / "last.pt"
    save_checkpoint(file, state(), recipe())
    file.write_bytes(file.read_bytes()[:length])

    with pytest.raises(ResumeError, match="damaged or no checkpoint"):
        load_checkpoint(file, recipe())


def test_another_file_of_torch_is_told(tmp_path: Path) -> None:
    file = tmp_path / "last.pt"
    torch.save({"state_dict": {}}, file)

    with pytest.raises(ResumeError, match="not a checkpoint of this version"):
        load_checkpoint(file, recipe())


class _Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("harmed",)


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "last.pt"
    file.write_bytes(pickle.dumps(_Harmful(), protocol=2))

    with pytest.raises(ResumeError, match="damaged or no checkpoint"):
        load_checkpoint(file, recipe())

    assert not (tmp_path / "harmed").exists()
