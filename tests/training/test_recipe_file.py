from __future__ import annotations

from pathlib import Path

import pytest

from training.errors import RecipeError
from training.recipe import Recipe
from training.recipe_file import load_recipe, preset_names


def written(folder: Path, text: str) -> Path:
    file = folder / "recipe.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(file: Path, *changes: str) -> str:
    with pytest.raises(RecipeError) as caught:
        load_recipe(file, changes=changes)
    return str(caught.value)


def test_the_authors_recipe_is_the_default() -> None:
    preset = load_recipe(Path("rga_sc_256x128"), changes=["data=[folder:/x]"])

    expected = Recipe(data=("folder:/x",))
    assert preset.model_copy(update={"evaluation": expected.evaluation}) == expected


def test_defaults_are_those_of_the_paper() -> None:
    recipe = Recipe(data=("folder:x",))

    assert (recipe.batch.persons, recipe.batch.images, recipe.epochs) == (16, 4, 600)
    assert (recipe.optimiser.kind, recipe.optimiser.rate) == ("adam", 8e-4)
    assert recipe.optimiser.weight_decay == 5e-4
    assert recipe.schedule.warmup_iterations == 20 * 47
    assert recipe.losses.cross_entropy.smoothing == 0.1
    assert recipe.losses.triplet.margin == 0.3
    assert recipe.losses.distillation is None
    assert recipe.average_decay is None
    assert not recipe.model.open_gates


def test_every_preset_needs_only_data() -> None:
    assert preset_names() == ["rga_sc_128x64_cpu", "rga_sc_128x64_shipped", "rga_sc_256x128"]
    for name in preset_names():
        assert load_recipe(Path(name), changes=["data=[folder:/x]"]).data == ("folder:/x",)


def test_paths_are_relative_to_the_file_and_changes_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, "data: [csv:a.csv]\nmodel: {backbone: weights/r50.pth}\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    recipe = load_recipe(file, changes=["out=run", "evaluation.data=[csv:b.csv]"])

    assert recipe.data == (f"csv:{tmp_path}/a.csv",)
    assert recipe.model.backbone == tmp_path / "weights" / "r50.pth"
    assert recipe.out == elsewhere / "run"
    assert recipe.evaluation.data == (f"csv:{elsewhere}/b.csv",)


def test_changes_set_nested_values(tmp_path: Path) -> None:
    file = written(tmp_path, "data: [folder:x]\nlosses: {triplet: {weight: 0.5}}\n")

    recipe = load_recipe(
        file, changes=["losses.triplet.margin=soft", "optimiser.rate=1e-3", "average_decay=0.99"]
    )

    assert recipe.losses.triplet.margin == "soft"
    assert recipe.losses.triplet.weight == 0.5
    assert recipe.optimiser.rate == 1e-3
    assert recipe.average_decay == 0.99


def test_all_problems_are_told_at_once_with_line_key_and_nearest_key(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "data: [folder:x]\n"
        "epocs: 3\n"
        "model: {size: [100, 64]}\n"
        "batch: {persons: 1}\n"
        "schedule: {kind: cosin}\n"
        "losses: {triplet: {margin: hard}}\n",
    )

    told = problems(file)

    assert told.startswith("5 problems in the recipe:")
    assert f"{file}:2: epocs = 3: unknown key (did you mean 'epochs'?)" in told
    assert f"{file}:3: model.size.0 = 100: expected a multiple of 16" in told
    assert f"{file}:4: batch.persons = 1: expected greater than or equal to 2" in told
    assert "schedule.kind = 'cosin': expected one of steps, cosine (did you mean 'cosine'?)" in told
    assert "losses.triplet.margin = 'hard': expected a valid number" in told
    assert "one of soft" in told


def test_a_mistake_of_the_command_line_is_told_as_such(tmp_path: Path) -> None:
    file = written(tmp_path, "data: [folder:x]\n")

    told = problems(file, "epochs=0", "optimiser.rat=1", "no value", "seed=[")

    assert "--set: epochs = 0: expected greater than or equal to 1" in told
    assert "--set: optimiser.rat = 1: unknown key (did you mean 'rate'?)" in told
    assert "'no value': expected KEY=VALUE" in told
    assert "not valid YAML" in told


def test_missing_data_is_told(tmp_path: Path) -> None:
    assert "data: missing: this key is needed" in problems(written(tmp_path, "epochs: 3\n"))
    assert "expected at least 1 of these" in problems(written(tmp_path, "data: []\n"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("nothing.yaml", "there are rga_sc_128x64_cpu"), ("rga_sc_256x12", "no such preset")],
)
def test_a_missing_file_is_told_with_the_presets(name: str, expected: str) -> None:
    assert expected in problems(Path(name))


def test_yaml_that_is_none_is_told(tmp_path: Path) -> None:
    assert "not valid YAML" in problems(written(tmp_path, "data: [\n"))


def test_ranges_are_in_order(tmp_path: Path) -> None:
    file = written(tmp_path, "data: [folder:x]\naugmentation: {erasing_area: [0.4, 0.02]}\n")

    assert "augmentation.erasing_area" in problems(file)
