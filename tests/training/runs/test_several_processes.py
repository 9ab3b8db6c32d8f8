"""Two processes under torchrun step by the mean of both gradients."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from reid.checkpoint import load_model
from reid.model import RGAResNet50
from training.batch_source import BatchSource
from training.identity_sampler import Share
from training.processes import Processes
from training.recipe import Recipe
from training.run_folder import RunFolder
from training.samples import ReidData
from training.step import TrainingNetwork, loss_terms
from training.training_set import load_training_set

TRAIN = """
import sys
from pathlib import Path
from training.datasets import open_data
from training.recipe import Recipe
from training.trainer import train

recipe = Recipe.model_validate_json(Path(sys.argv[1]).read_text())
result = train(recipe, open_data(sys.argv[2]).train, resume="--resume" in sys.argv)
assert result.is_finished
"""


@pytest.fixture
def run_two(tmp_path: Path, people: ReidData) -> Callable[..., None]:
    script = tmp_path / "train_two.py"
    script.write_text(TRAIN)
    spec = f"csv:{people.train.paths[0].parent / 'people.csv'}"

    def run(recipe: Recipe, *options: str) -> None:
        stored = tmp_path / "recipe.json"
        stored.write_text(recipe.model_dump_json())
        launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2"]
        command = [*launcher, "--standalone", str(script), str(stored), spec, *options]
        subprocess.run(command, check=True, env={"PYTHONPATH": str(Path.cwd()), "PATH": ""})

    return run


@pytest.mark.slow
def test_two_processes_step_by_the_mean_of_their_gradients(
    people: ReidData,
    make_recipe: Callable[..., Recipe],
    run_two: Callable[..., None],
    tmp_path: Path,
) -> None:
    rate = 0.125
    recipe = make_recipe(
        tmp_path / "two",
        batch={"persons": 4, "images": 2, "iterations": 1},
        epochs=1,
        optimiser={"kind": "sgd", "rate": rate, "momentum": 0, "weight_decay": 0},
        schedule={"warmup_iterations": 0},
    )

    run_two(recipe)

    start, gradients = _start_and_gradients(people, recipe, tmp_path)
    trained = dict(load_model(RunFolder(tmp_path / "two").final)[0].named_parameters())
    for name, before in start.items():
        mean = (gradients[0][name] + gradients[1][name]) / 2
        step = trained[name] - before
        assert torch.allclose(step, -rate * mean, atol=1e-5 + 1e-3 * float(mean.abs().max())), name


def _start_and_gradients(
    people: ReidData, recipe: Recipe, folder: Path
) -> tuple[dict[str, torch.Tensor], list[dict[str, torch.Tensor]]]:
    """The first weights, and each process's gradients, computed here one after the other."""
    cpu = torch.device("cpu")
    data = load_training_set(people.train, recipe, RunFolder(folder), Processes(Share(), cpu))
    gradients = []
    for rank in (0, 1):
        torch.manual_seed(recipe.seed)
        model = RGAResNet50(size=(32, 16), num_classes=6).train()
        batch = BatchSource(data, recipe, Processes(Share(rank, 2), cpu)).batch(0)
        loss = loss_terms(TrainingNetwork(model)(batch.images), batch, recipe.losses)["loss"]
        names, values = zip(
            *((n, p) for n, p in model.named_parameters() if p.requires_grad), strict=True
        )
        found = torch.autograd.grad(loss, values)
        gradients.append(dict(zip(names, found, strict=True)))
        start = {name: value.detach() for name, value in zip(names, values, strict=True)}
    return start, gradients
