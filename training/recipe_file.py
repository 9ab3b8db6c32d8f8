"""From a YAML file, and changes on the command line, to a recipe; every mistake is told at once."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from config.document import Document, KeyPath, dotted, read_document
from config.errors import ConfigError, Problem
from training.errors import RecipeError
from training.recipe import Recipe
from training.recipe_problems import schema_problems

PRESETS = Path(__file__).parent / "presets"
"""Recipes that come with the package."""

_COMMAND_LINE = Path("--set")
"""Stands for the file in problems of values that were set on the command line."""

_PATHS: tuple[KeyPath, ...] = (
    ("out",),
    ("model", "backbone"),
    ("losses", "distillation", "weights"),
)
_SPECS: tuple[KeyPath, ...] = (("data",), ("evaluation", "data"))


def load_recipe(file: Path, *, changes: Sequence[str] = ()) -> Recipe:
    """The recipe of a YAML file.

    Args:
        file: A file, or the name of a preset (see `preset_names`). Paths in it are relative to its
            folder.
        changes: `KEY=VALUE` each, such as `optimiser.rate=1e-3`: the key dotted, the value YAML.
            Paths in them are relative to the working folder.

    Raises:
        RecipeError: Anything is wrong; the text lists every problem found.
    """
    file = _found(file)
    problems: list[Problem] = []
    try:
        document = read_document(file)
    except ConfigError as error:
        raise _recipe_error(list(error.problems)) from error
    document.data = _with_absolute_paths(document.data, file.resolve().parent)
    changed = set()
    for change in changes:
        key, problem = _apply(document, change)
        changed.add(key)
        problems += [problem] if problem else []
    problems += document.problems
    recipe: Recipe | None = None
    try:
        recipe = Recipe.model_validate(document.data)
    except ValidationError as error:
        problems += schema_problems(document, error, Recipe)
    if problems or recipe is None:
        raise _recipe_error([_placed(problem, changed) for problem in problems])
    return recipe


def preset_names() -> list[str]:
    """Names that `load_recipe` knows, in order."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def _found(file: Path) -> Path:
    preset = PRESETS / f"{file}.yaml"
    if file.parent == Path() and not file.exists() and preset.is_file():
        return preset
    if not file.exists():
        raise RecipeError(
            f"{file}: there is no such file, and no such preset: there are "
            f"{', '.join(preset_names())}"
        )
    return file


def _apply(document: Document, change: str) -> tuple[str, Problem | None]:
    """Set one value in the document; the key, and what is wrong with it if anything."""
    key, equals, text = change.partition("=")
    path: KeyPath = tuple(key.strip().split("."))
    if not equals or not all(path):
        problem = Problem(_COMMAND_LINE, None, "", repr(change), "expected KEY=VALUE")
        return key, problem
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return key, Problem(_COMMAND_LINE, None, dotted(path), repr(text), "not valid YAML")
    parent = document.data
    for part in path[:-1]:
        if not isinstance(parent.get(part), dict):
            parent[part] = {}
        parent = parent[part]
    parent[path[-1]] = value
    if path in (*_PATHS, *_SPECS):
        document.data = _with_absolute_path(document.data, path, Path.cwd())
    return dotted(path), None


def _with_absolute_paths(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A copy in which relative paths begin at a folder."""
    data = deepcopy(data)
    for path in (*_PATHS, *_SPECS):
        data = _with_absolute_path(data, path, folder)
    return data


def _with_absolute_path(data: dict[str, Any], path: KeyPath, folder: Path) -> dict[str, Any]:
    """The data after making one path, or the paths of a list of `LAYOUT:PATH`, absolute."""
    parent: Any = data
    for part in path[:-1]:
        parent = parent.get(part) if isinstance(parent, dict) else None
    if not isinstance(parent, dict):
        return data
    value = parent.get(path[-1])
    if path in _PATHS and isinstance(value, str):
        parent[path[-1]] = str(folder / Path(value).expanduser())
    elif path in _SPECS and isinstance(value, list):
        parent[path[-1]] = [absolute_spec(spec, folder) for spec in value]
    return data


def absolute_spec(spec: Any, folder: Path) -> Any:
    """`LAYOUT:PATH` with the path made absolute; what is not of that form stays as it is.

    >>> absolute_spec("market1501:data", Path("/sets"))
    'market1501:/sets/data'
    """
    if not isinstance(spec, str) or ":" not in spec:
        return spec
    layout, _, path = spec.partition(":")
    return f"{layout}:{folder / Path(path).expanduser()}" if path else spec


def _placed(problem: Problem, changed: set[str]) -> Problem:
    """A problem told of the command line, where its value comes from there."""
    if not any(problem.key == key or problem.key.startswith(f"{key}.") for key in changed):
        return problem
    return Problem(
        _COMMAND_LINE, None, problem.key, problem.value, problem.expected, problem.suggestion
    )


def _recipe_error(problems: list[Problem]) -> RecipeError:
    ordered = sorted(problems, key=lambda problem: (problem.line or 0, problem.key))
    count = "1 problem" if len(ordered) == 1 else f"{len(ordered)} problems"
    lines = "\n".join(f"  {problem}" for problem in ordered)
    return RecipeError(f"{count} in the recipe:\n{lines}")
