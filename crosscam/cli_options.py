"""Options that several commands share, and how a user's mistake is told: a line, no traceback."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import typer

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

SITE_ARGUMENT = Annotated[Path, typer.Argument(help="The site file (YAML).", metavar="SITE.yaml")]
DATA_OPTION = Annotated[
    Path, typer.Option("--data", help="The run's folder: store, spool, logs.", metavar="DIR")
]
SITE_OPTION = Annotated[
    Path | None,
    typer.Option(
        "--site", help="Site file, where the store is not in --data.", metavar="SITE.yaml"
    ),
]

_OURS = {
    "config.errors": "ConfigError",
    "streams.errors": "StreamError",
    "detector.errors": "DetectorError",
    "reid.errors": "ReidError",
    "matcher.errors": "MatcherError",
    "query.errors": "QueryError",
    "training.errors": "TrainingError",
    "crosscam.errors": "AppError",
}
EXIT_USER_ERROR = 2


def reported_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Print errors of ours as one message and end with code 2; everything else is our mistake."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except _our_errors() as error:
            logger.debug("the error in full", exc_info=True)
            print(f"crosscam: {error}", file=sys.stderr)
            raise typer.Exit(EXIT_USER_ERROR) from error
        except BrokenPipeError as error:  # the reader of our output (`head`, say) has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from error
        except OSError as error:
            if error.filename is None and error.strerror is None:
                raise
            name = f"{error.filename}: " if error.filename else ""
            print(f"crosscam: {name}{error.strerror}{_cure(error)}", file=sys.stderr)
            raise typer.Exit(EXIT_USER_ERROR) from error

    return wrapped


def _our_errors() -> tuple[type[Exception], ...]:
    """The base errors of those packages of ours that are loaded: others cannot have been raised."""
    loaded = ((sys.modules.get(module), name) for module, name in _OURS.items())
    return tuple(getattr(module, name) for module, name in loaded if module is not None)


def _cure(error: OSError) -> str:
    cures = {
        28: ": free some space, or choose another folder",
        30: ": choose a folder you can write",
    }
    return cures.get(error.errno or 0, "")
