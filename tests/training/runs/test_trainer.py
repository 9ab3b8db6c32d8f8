from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reid.checkpoint import load_model
from reid.model import RGAResNet50
from training.errors import DataError, NotFiniteError, RecipeError, ResumeError
from training.recipe import Recipe
from training.run_folder import RunFolder
from training.run_log import read_log
from training.samples import ReidData, Samples
from training.trainer import Progress, TrainResult, train

ALL_OPTIONS = {
    "average_decay": 0.9,
    "precision": "bf16",
    # oneDNN's bfloat16 convolutions (AMX) read beyond maps of one column, which 32x16 comes to.
    "model": {"size": [64, 32]},
    "augmentation": {"colour": {"probability": 0.5}, "padding_px": 1},
}


@pytest.fixture(scope="module")
def finished(
    people: ReidData,
    make_recipe: Callable[..., Recipe],
    tmp_path_factory: pytest.TempPathFactory,
) -> TrainResult:
    """A run of 6 iterations in one go."""
    out = tmp_path_factory.mktemp("finished") / "run"
    return train(make_recipe(out, **ALL_OPTIONS), people.train)


def stopped_after(iteration: int) -> tuple[Callable[[Progress], None], threading.Event]:
    stop = threading.Event()

    def on_progress(progress: Progress) -> None:
        if progress.iteration == iteration:
            stop.set()

    return on_progress, stop


def assert_same(first: Any, second: Any, name: str = "") -> None:
    """Bit by bit, all the way down."""
    assert type(first) is type(second), name
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second), name
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), name
        for key, value in first.items():
            assert_same(value, second[key], f"{name}.{key}")
    elif isinstance(first, (list, tuple)):
        assert len(first) == len(second), name
        for index, pair in enumerate(zip(first, second, strict=True)):
            assert_same(*pair, f"{name}.{index}")
    else:
        assert first == second, name


def checkpoint(folder: RunFolder) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(folder.last, weights_only=True)
    content.pop("recipe")  # has another folder
    return content


def logged(folder: RunFolder) -> list[dict[str, Any]]:
    lines = read_log(folder.log)
    for line in lines:
        line.pop("images_per_s", None)
    return lines


def test_a_resumed_run_equals_an_uninterrupted_one_bit_by_bit(
    finished: TrainResult,
    people: ReidData,
    make_recipe: Callable[..., Recipe],
    tmp_path: Path,
) -> None:
    recipe = make_recipe(tmp_path / "run", **ALL_OPTIONS)
    on_progress, stop = stopped_after(4)  # in the middle of the second epoch

    first = train(recipe, people.train, on_progress=on_progress, stop=stop)
    torch.rand(17)  # the process has drawn other numbers meanwhile
    second = train(recipe, people.train, resume=True)

    assert (first.iteration, first.is_finished) == (4, False)
    assert (second.iteration, second.is_finished) == (6, True)
    assert_same(checkpoint(second.folder), checkpoint(finished.folder))
    assert second.folder.final.read_bytes() == finished.folder.final.read_bytes()
    assert logged(second.folder) == logged(finished.folder)


def test_every_iteration_is_logged_with_what_shows_a_collapse(finished: TrainResult) -> None:
    lines = read_log(finished.folder.log)

    assert [line["iteration"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert [line["epoch"] for line in lines] == [1, 1, 1, 2, 2, 2]
    for line in lines:
        assert line["feature_spread"] > 0
        assert line["gradient_norm"] > 0
        assert line["cross_entropy"] + line["triplet"] == pytest.approx(line["loss"], rel=1e-4)
    assert lines[0]["rate"] == 8e-6


def test_the_weights_at_the_end_are_the_average_and_load(finished: TrainResult) -> None:
    model, info = load_model(finished.folder.final)

    average = checkpoint(finished.folder)["learner"]["average"]["values"]
    assert info.size == (64, 32)
    assert info.training_data.startswith("18 images")
    assert model.cls is not None
    assert model.cls.out_features == 6
    assert torch.equal(model.cls.weight, average["cls.weight"])


def test_resuming_a_finished_run_changes_nothing(
    finished: TrainResult, people: ReidData, make_recipe: Callable[..., Recipe]
) -> None:
    before = finished.folder.final.read_bytes()

    again = train(make_recipe(finished.folder.path, **ALL_OPTIONS), people.train, resume=True)

    assert again.is_finished
    assert finished.folder.final.read_bytes() == before
    assert len(read_log(finished.folder.log)) == 6


def test_a_folder_that_holds_a_run_is_not_overwritten(
    finished: TrainResult, people: ReidData, make_recipe: Callable[..., Recipe]
) -> None:
    with pytest.raises(RecipeError, match="holds a run: go on with --resume"):
        train(make_recipe(finished.folder.path), people.train)


def test_a_run_of_another_recipe_is_not_continued(
    finished: TrainResult, people: ReidData, make_recipe: Callable[..., Recipe]
) -> None:
    with pytest.raises(ResumeError, match=r"average_decay was 0\.9 and is None"):
        train(make_recipe(finished.folder.path), people.train, resume=True)


def test_a_run_of_other_data_is_not_continued(
    finished: TrainResult, people: ReidData, make_recipe: Callable[..., Recipe]
) -> None:
    fewer = people.train.take(np.arange(17))

    with pytest.raises(ResumeError, match="name the same data"):
        train(make_recipe(finished.folder.path, **ALL_OPTIONS), fewer, resume=True)


def test_there_must_be_something_to_resume(
    people: ReidData, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    with pytest.raises(ResumeError, match="start the run without --resume"):
        train(make_recipe(tmp_path), people.train, resume=True)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_checkpoint(
    people: ReidData, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = make_recipe(
        tmp_path / "run",
        optimiser={"rate": 1e30},
        schedule={"warmup_iterations": 0},
        checkpoint={"interval_iterations": 1},
    )

    with pytest.raises(NotFiniteError, match="stopped"):
        train(recipe, people.train)

    folder = RunFolder(tmp_path / "run")
    assert checkpoint(folder)["iteration"] == len(read_log(folder.log)) > 0


def test_the_best_evaluation_is_kept(
    people: ReidData, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    scores = iter([0.25, 0.75, 0.5])
    modes = []

    def evaluate(model: RGAResNet50) -> dict[str, float]:
        modes.append((model.training, torch.is_grad_enabled()))
        return {"map_step": next(scores), "rank1": 1.0}

    result = train(
        make_recipe(
            tmp_path / "run",
            epochs=3,
            batch={"persons": 2, "images": 2, "iterations": 1},
            evaluation={"interval_epochs": 1},
        ),
        people.train,
        evaluate=evaluate,
    )

    assert modes == [(False, False)] * 3
    assert result.best == {"map_step": 0.75, "rank1": 1.0, "iteration": 2}
    assert load_model(result.folder.best)[1] != load_model(result.folder.final)[1]
    told = [line for line in read_log(result.folder.log) if "evaluation/map_step" in line]
    assert [line["iteration"] for line in told] == [1, 2, 3]


def test_a_figure_to_choose_by_that_is_not_there_is_told(
    people: ReidData, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = make_recipe(tmp_path, epochs=1, batch={"persons": 2, "images": 2, "iterations": 1})

    with pytest.raises(RecipeError, match="no figure 'map_step'; there are rank1"):
        train(recipe, people.train, evaluate=lambda _model: {"rank1": 0.5})


def test_a_corrupt_image_is_named_before_anything_is_trained(
    people: ReidData, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n")
    samples = Samples(
        (*people.train.paths, broken),
        np.r_[people.train.persons, 9],
        np.r_[people.train.cameras, 0],
    )

    with pytest.raises(DataError, match=r"1 of 19 training images[\s\S]*broken\.png"):
        train(make_recipe(tmp_path / "run"), samples)


def test_an_empty_split_is_told(
    people: ReidData, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="no training images"):
        train(make_recipe(tmp_path), people.train.take([]))


def test_too_few_people_are_told(
    people: ReidData, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"set batch\.persons to at most 6"):
        train(make_recipe(tmp_path, batch={"persons": 7, "images": 2}), people.train)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
    ids=["gpu", "python", "cpu"],
)
def test_out_of_memory_is_told_with_the_cure(
    error: Exception, people: ReidData, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    def evaluate(_model: RGAResNet50) -> dict[str, float]:
        raise error

    recipe = make_recipe(tmp_path, epochs=1, batch={"persons": 2, "images": 2, "iterations": 1})

    with pytest.raises(Exception, match=r"2 x 2 images at 32x16.*take a smaller batch\.persons"):
        train(recipe, people.train, evaluate=evaluate)


def test_an_unwritable_folder_is_told(
    people: ReidData, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Exception, match="cannot be written: Not a directory"):
        train(make_recipe(tmp_path / "file" / "run"), people.train)
