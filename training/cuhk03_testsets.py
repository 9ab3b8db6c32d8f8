"""The 20 test sets of CUHK03's classic protocol, and the JSON file that keeps them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from training.cuhk03_names import PAIR_SIZES
from training.errors import DataError

TestSet = tuple[tuple[int, int], ...]
"""Camera pair and person in it, both from 1, of each person to test on."""

_FILE_NAME = "cuhk03_testsets.json"
_RAW_NAME = "cuhk-03.mat"


def storage_path(root: Path) -> Path:
    """Where the test sets lie below the data set's folder."""
    return root / _FILE_NAME


def find_testsets(root: Path) -> tuple[TestSet, ...]:
    """The test sets that were stored with the crops, or else those of a raw file beside them.

    Raises:
        DataError: There are none, or they cannot be read.
    """
    stored = storage_path(root)
    if stored.is_file():
        return _load(stored)
    if (root / _RAW_NAME).is_file():
        from training.cuhk03_raw import raw_testsets  # noqa: PLC0415 - needs h5py

        return raw_testsets(root / _RAW_NAME)
    raise DataError(
        f"{stored}: no such file; it defines the classic splits: `crosscam data prepare cuhk03 "
        f"--raw {_RAW_NAME} --out {root}` writes it"
    )


def save_testsets(testsets: tuple[TestSet, ...], root: Path) -> Path:
    """Write the test sets; the file appears whole or not at all.

    Raises:
        OSError: The file cannot be written.
    """
    path = storage_path(root)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as stream:
            json.dump({"testsets": testsets}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def checked_testsets(path: Path, values: object) -> tuple[TestSet, ...]:
    """Lists of lists of two whole numbers as test sets.

    Raises:
        DataError: They are not such, or name a person that CUHK03 does not have.
    """
    try:
        testsets = tuple(
            tuple((int(pair), int(person)) for pair, person in testset)
            for testset in values  # type: ignore[attr-defined]
        )
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: testsets are not lists of [pair, person]") from error
    for pair, person in (test for testset in testsets for test in testset):
        if not (1 <= pair <= len(PAIR_SIZES) and 1 <= person <= PAIR_SIZES[pair - 1]):
            raise DataError(f"{path}: testsets name person {person} of pair {pair}: there is none")
    return testsets


def _load(path: Path) -> tuple[TestSet, ...]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return checked_testsets(path, content["testsets"])
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: damaged; delete it and run `crosscam data prepare cuhk03` again"
        ) from error
