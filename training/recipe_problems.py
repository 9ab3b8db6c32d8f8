"""What the schema finds wrong with a recipe, as problems with line, dotted key and nearest key."""

from __future__ import annotations

import difflib
import re
import types
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.document import Document, KeyPath, dotted
from config.errors import Problem

_MAX_SHOWN = 60


def schema_problems(
    document: Document, error: ValidationError, schema: type[BaseModel]
) -> list[Problem]:
    """One problem for each key: what several choices of a type expected is joined by "or"."""
    found: dict[str, Problem] = {}
    for details in error.errors(include_input=False, include_url=False):
        problem = _problem(document, details, schema)
        earlier = found.get(problem.key)
        if earlier is None:
            found[problem.key] = problem
            continue
        expected = f"{earlier.expected}, or {problem.expected.removeprefix('expected ')}"
        found[problem.key] = Problem(
            problem.file, problem.line, problem.key, problem.value, expected, earlier.suggestion
        )
    return list(found.values())


def _problem(document: Document, details: ErrorDetails, schema: type[BaseModel]) -> Problem:
    path = _path_in_file(document, details)
    suggestion = ""
    if details["type"] == "extra_forbidden":
        known = _known_keys(schema, path[:-1])
        suggestion = _nearest(str(path[-1]), known)
        expected = "unknown key" + ("" if suggestion else f"; known here: {', '.join(known)}")
    elif details["type"] == "missing":
        expected = "missing: this key is needed"
    elif details["type"] == "too_short":
        expected = f"expected at least {details.get('ctx', {}).get('min_length', 1)} of these"
    elif details["type"] == "literal_error":
        choices = re.findall(r"'([^']*)'", str(details.get("ctx", {}).get("expected", "")))
        suggestion = _nearest(str(document.value_at(path)), choices)
        expected = f"expected one of {', '.join(choices)}"
    else:
        said = details["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        expected = f"expected {said[0].lower()}{said[1:]}"
    value = "" if details["type"] == "missing" else _shown(document.value_at(path))
    return Problem(document.file, document.line_of(path), dotted(path), value, expected, suggestion)


def _path_in_file(document: Document, details: ErrorDetails) -> KeyPath:
    """The part of pydantic's location that is in the file; the rest names types."""
    path: KeyPath = ()
    for part in details["loc"]:
        value = document.value_at(path)
        if isinstance(value, dict) or (isinstance(value, list) and isinstance(part, int)):
            path = (*path, part)
    return path


def _known_keys(schema: type[BaseModel], path: KeyPath) -> list[str]:
    model: type[BaseModel] | None = schema
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


def _nearest(word: str, choices: list[str]) -> str:
    near = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    return near[0] if near else ""


def _shown(value: Any) -> str:
    if value is None or isinstance(value, (dict, list)):
        return "" if value is None else type(value).__name__
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."
