"""From a YAML file to settings, with every mistake reported at once."""

from __future__ import annotations

import difflib
import re
import types
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.document import Document, KeyPath, dotted, read_document
from config.errors import ConfigError, Problem
from config.schema import SiteSettings

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:")
_SECRET_KEYS = frozenset({"url"})
_CREDENTIALS = re.compile(r"://[^/\s]*@")


def load_site(file: Path, environment: Mapping[str, str] | None = None) -> SiteSettings:
    """The settings of a site file; relative paths are made absolute against the file's folder.

    Args:
        file: The YAML file.
        environment: Where ``${NAME}`` is looked up; the process environment by default.

    Raises:
        ConfigError: Anything is wrong; the error lists every problem found.
    """
    document = read_document(file, environment)
    problems = list(document.problems)
    unset = {problem.key for problem in problems}
    data = _with_absolute_paths(document.data, file.resolve().parent)
    settings: SiteSettings | None = None
    try:
        settings = SiteSettings.model_validate(data)
    except ValidationError as error:
        found = (
            _schema_problem(document, details) for details in error.errors(include_input=False)
        )
        problems += [problem for problem in found if problem.key not in unset]
    problems += _contradictions(document)
    if problems or settings is None:
        raise ConfigError(problems)
    return settings


def _schema_problem(document: Document, details: ErrorDetails) -> Problem:
    path = _path_in_file(document, details["loc"])
    expected = details["msg"].removeprefix("Input should be ")
    suggestion = ""
    if details["type"] == "extra_forbidden":
        known = _known_keys(path[:-1])
        suggestion = _nearest(str(path[-1]), known)
        expected = "unknown key" + ("" if suggestion else f"; known here: {', '.join(known)}")
    elif details["type"] == "missing":
        expected = "missing: this key is needed"
    elif details["type"] == "literal_error":
        choices = re.findall(r"'([^']*)'", str(details.get("ctx", {}).get("expected", "")))
        suggestion = _nearest(str(document.value_at(path)), choices)
        expected = f"expected one of {', '.join(choices)}"
    elif details["type"] == "string_pattern_mismatch":
        expected = (
            "expected 1 to 64 letters, digits, '_', '.' or '-', beginning with a letter or digit"
        )
    else:
        expected = f"expected {expected[0].lower()}{expected[1:]}"
    value = "" if details["type"] == "missing" else _shown(document, path)
    return Problem(document.file, document.line_of(path), dotted(path), value, expected, suggestion)


def _path_in_file(document: Document, loc: tuple[int | str, ...]) -> KeyPath:
    """Drop the parts of pydantic's location that name types, not keys of the file."""
    path: KeyPath = ()
    for part in loc:
        value = document.value_at(path)
        if isinstance(part, int) or not isinstance(value, list):
            path = (*path, part)
    return path


def _shown(document: Document, path: KeyPath) -> str:
    value = document.value_at(path)
    if value is None or isinstance(value, (dict, list)):
        return "" if value is None else type(value).__name__
    is_secret = path in document.secret_paths or (path and path[-1] in _SECRET_KEYS)
    if is_secret or _CREDENTIALS.search(str(value)):
        return "(hidden)"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _nearest(word: str, choices: list[str]) -> str:
    near = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    return near[0] if near else ""


def _known_keys(path: KeyPath) -> list[str]:
    """Keys that the schema has at a path; empty where it has none."""
    model: type[BaseModel] | None = SiteSettings
    for part in path:
        if model is None or isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        model = _model_in(field.annotation) if field else None
    return list(model.model_fields) if model else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (list, tuple, Union, types.UnionType, Annotated):
        inner = (_model_in(argument) for argument in get_args(annotation))
        return next((model for model in inner if model), None)
    return None


def _contradictions(document: Document) -> list[Problem]:
    """Mistakes between settings, found in the raw data so that they stand beside the schema's."""
    cameras = document.data.get("cameras")
    ids = [c.get("id") for c in cameras if isinstance(c, dict)] if isinstance(cameras, list) else []
    known = [str(camera_id) for camera_id in ids if camera_id is not None]
    problems = []
    seen: Counter[str] = Counter()
    for index, camera_id in enumerate(ids):
        seen[str(camera_id)] += 1
        if camera_id is not None and seen[str(camera_id)] > 1:
            problems.append(
                _problem(
                    document,
                    ("cameras", index, "id"),
                    "two cameras have this id: give each its own",
                )
            )
    return problems + _topology_problems(document, known)


def _topology_problems(document: Document, known: list[str]) -> list[Problem]:
    pairs = document.value_at(("matcher", "topology"))
    problems = []
    for index, pair in enumerate(pairs if isinstance(pairs, list) else []):
        path: KeyPath = ("matcher", "topology", index)
        if not isinstance(pair, dict):
            continue
        names = pair.get("cameras")
        for position, name in enumerate(names if isinstance(names, list) else []):
            if known and str(name) not in known:
                problem = _problem(document, (*path, "cameras", position), "no camera has this id")
                problems.append(
                    Problem(
                        problem.file,
                        problem.line,
                        problem.key,
                        problem.value,
                        problem.expected,
                        _nearest(str(name), known),
                    )
                )
        low, high = pair.get("min_s", 0), pair.get("max_s")
        if isinstance(low, (int, float)) and isinstance(high, (int, float)) and low > high:
            problems.append(_problem(document, (*path, "min_s"), f"larger than max_s ({high})"))
        if pair.get("overlap") is True and (low or pair.get("is_possible") is False):
            expected = (
                "views that overlap have no travel time and are possible: drop one of the two"
            )
            problems.append(_problem(document, (*path, "overlap"), expected))
        if isinstance(names, list) and len(names) == 2 and names[0] == names[1]:
            problems.append(
                _problem(document, (*path, "cameras"), "a pair needs two different cameras")
            )
    return problems


def _problem(document: Document, path: KeyPath, expected: str) -> Problem:
    return Problem(
        document.file, document.line_of(path), dotted(path), _shown(document, path), expected
    )


def _with_absolute_paths(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A copy of the data in which relative paths begin at the site file's folder."""
    result = {key: dict(value) if isinstance(value, dict) else value for key, value in data.items()}
    cameras = result.get("cameras")
    if isinstance(cameras, list):
        result["cameras"] = [_camera_with_absolute_url(camera, folder) for camera in cameras]
    for section in ("detector", "embedder"):
        weights = result[section].get("weights") if isinstance(result.get(section), dict) else None
        if isinstance(weights, str):
            result[section]["weights"] = _absolute_or_name(weights, folder)
    for section, key in (("matcher", "calibration"), ("plan", "image")):
        value = result[section].get(key) if isinstance(result.get(section), dict) else None
        if isinstance(value, str):
            result[section][key] = str(_absolute(value, folder))
    return result


def _camera_with_absolute_url(camera: Any, folder: Path) -> Any:
    if not isinstance(camera, dict) or not isinstance(camera.get("url"), str):
        return camera
    url = camera["url"]
    is_path = url and not _SCHEME.match(url)
    return {**camera, "url": str(_absolute(url, folder))} if is_path else camera


def _absolute(path: str, folder: Path) -> Path:
    return folder / Path(path).expanduser()


def _absolute_or_name(weights: str, folder: Path) -> str:
    """A path is made absolute; a bare name stays one, unless such a file is in the folder."""
    path = _absolute(weights, folder)
    return str(path) if "/" in weights or path.exists() else weights
