"""The user's own images, listed in a CSV file with the columns path, person, camera and split."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast, get_args

from training.errors import DataError
from training.integrity import Found, Integrity, compared, listed, present
from training.labelled_rows import Row, Split, data_of

COLUMNS = ("path", "person", "camera", "split")
_SHOWN = 10
_SPLITS = get_args(Split)


def read_csv(path: Path) -> Found:
    """The images of a CSV file (UTF-8, a header line with at least `path,person,camera,split`).

    Paths are relative to the folder of the CSV. Person and camera are any text (see
    `labelled_rows.number_labels`); split is train, query or gallery. An image that is missing is
    left out and reported.

    Raises:
        DataError: The file cannot be read as such, or has bad rows: some are listed by line number.
    """
    rows: list[Row] = []
    faults: list[str] = []
    missing: list[str] = []
    for line, fields in _lines(path):
        values = {name: fields[name].strip() for name in COLUMNS}
        fault = "more fields than the header names" if None in fields else _fault(values)
        if fault:
            faults.append(f"line {line}: {fault}")
            continue
        row = _row(values, path.parent)
        rows.append(row)
        if not row.path.is_file():
            missing.append(f"line {line}: {row.path}: no such file")
    if faults:
        raise DataError(f"{path}: {len(faults)} bad rows: {listed(faults, _SHOWN)}")
    if not rows:
        raise DataError(f"{path}: has no row below its header")
    return _found(path, rows, missing)


def _lines(path: Path) -> Iterator[tuple[int, dict[str | None, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream, strict=True, restval="")
            _check_header(path, table.fieldnames)
            for values in table:
                yield table.line_num, dict(values)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 text; save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{path}: line {table.reader.line_num}: not a CSV row: {error}") from error


def _check_header(path: Path, names: object) -> None:
    given = tuple(str(name) for name in names) if isinstance(names, list) else ()
    lacking = [name for name in COLUMNS if name not in given]
    if lacking:
        raise DataError(
            f"{path}: the first line must name the columns {','.join(COLUMNS)}; lacking "
            f"{', '.join(lacking)}, found {','.join(given)!r}"
        )


def _fault(values: dict[str, str]) -> str:
    empty = [name for name in COLUMNS if not values[name]]
    if empty:
        return f"{' and '.join(empty)} empty"
    if values["split"] not in _SPLITS:
        return f"split {values['split']!r}: give {', '.join(_SPLITS)}"
    return ""


def _row(values: dict[str, str], folder: Path) -> Row:
    split = cast(Split, values["split"])
    return Row(folder / values["path"], values["person"], values["camera"], split)


def _found(path: Path, rows: list[Row], missing: list[str]) -> Found:
    # Labels are numbered over all rows, so that they stay when a missing image turns up.
    whole = data_of(f"csv {path}", rows)
    data = replace(
        whole,
        train=present(whole.train),
        query=present(whole.query),
        gallery=present(whole.gallery),
    )
    counts = (
        compared("train", whole.train, data.train),
        compared("query", whole.query, data.query),
        compared("gallery", whole.gallery, data.gallery),
    )
    return Found(data, Integrity(data.name, counts, tuple(missing)))
