"""A YAML document with the line of every key, environment variables filled in."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from config.errors import ConfigError, Problem

KeyPath = tuple[str | int, ...]
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MAX_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class Document:
    """What a YAML file holds.

    Attributes:
        file: Where it was read from.
        data: Plain Python values.
        lines: 1-based line of every key path.
        secret_paths: Key paths whose value came, in part, from the environment.
        problems: Mistakes of the YAML itself: repeated keys, unset variables.
    """

    file: Path
    data: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    secret_paths: set[KeyPath] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def line_of(self, path: KeyPath) -> int | None:
        """The line of a key path, or of its nearest parent that stands in the file."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None

    def value_at(self, path: KeyPath) -> Any:
        """The value at a key path; None where there is none."""
        value = self.data
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value


def read_document(file: Path, environment: Mapping[str, str] | None = None) -> Document:
    """Read one YAML file.

    Args:
        file: The file.
        environment: Where ``${NAME}`` is looked up; the process environment by default.

    Raises:
        ConfigError: The file is missing, unreadable, not UTF-8, not YAML, or not a mapping.
    """
    document = Document(file)
    text = _read_text(file)
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise ConfigError(
                [Problem(file, None, "", "", "the file is empty: it needs `site` and `cameras`")]
            )
        walk = _Walk(document, os.environ if environment is None else environment)
        walk.visit(node, ())
        document.data = loader.construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([_yaml_problem(file, error)]) from error
    finally:
        loader.dispose()
    if not isinstance(document.data, dict):
        raise ConfigError(
            [Problem(file, 1, "", "", "expected `key: value` lines at the top level")]
        )
    return document


def _read_text(file: Path) -> str:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise ConfigError(
                [Problem(file, None, "", "", "larger than 4 MB: this is no site file")]
            )
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError([Problem(file, None, "", "", "there is no such file")]) from error
    except IsADirectoryError as error:
        raise ConfigError(
            [Problem(file, None, "", "", "this is a folder: name the YAML file in it")]
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            [Problem(file, None, "", "", "not UTF-8 text: save the file as UTF-8")]
        ) from error
    except OSError as error:
        raise ConfigError(
            [Problem(file, None, "", "", f"cannot be read: {error.strerror}")]
        ) from error


def _yaml_problem(file: Path, error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or (
        "nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0]
    )
    return Problem(file, mark.line + 1 if mark else None, "", "", f"not valid YAML: {said}")


@dataclass(slots=True)
class _Walk:
    """One pass over the nodes: notes lines, fills variables in, finds repeated keys."""

    document: Document
    environment: Mapping[str, str]
    seen: set[int] = field(default_factory=set)

    def visit(self, node: yaml.Node, path: KeyPath) -> None:
        self.document.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self.seen:  # an alias of an anchor: already filled in
            return
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            self._mapping(node, path)
        elif isinstance(node, yaml.SequenceNode):
            for index, child in enumerate(node.value):
                self.visit(child, (*path, index))
        elif isinstance(node, yaml.ScalarNode):
            self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> None:
        keys: set[str] = set()
        for key_node, value_node in node.value:
            key = str(key_node.value)
            child = (*path, key)
            if key in keys:
                self._problem(child, key_node, "this key stands here twice; keep one")
            keys.add(key)
            self.document.lines[child] = key_node.start_mark.line + 1
            self.visit(value_node, child)

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> None:
        names = _VARIABLE.findall(node.value)
        if not names:
            return
        self.document.secret_paths.add(path)
        for name in dict.fromkeys(names):
            if name not in self.environment:
                self._problem(
                    path,
                    node,
                    f"the environment variable {name} is not set: export it before the start",
                )
        node.value = _VARIABLE.sub(lambda m: self.environment.get(m[1], ""), node.value)

    def _problem(self, path: KeyPath, node: yaml.Node, expected: str) -> None:
        self.document.problems.append(
            Problem(self.document.file, node.start_mark.line + 1, dotted(path), "", expected)
        )


def dotted(path: KeyPath) -> str:
    """A key path as people write it.

    >>> dotted(("cameras", 0, "url"))
    'cameras.0.url'
    """
    return ".".join(str(part) for part in path)
