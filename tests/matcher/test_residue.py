from __future__ import annotations

from pathlib import Path

import pytest

from matcher import residue
from matcher.residue import Traces, search_files, telling


def test_telling_piece_is_not_the_one_that_many_share() -> None:
    assert telling(b"") == b""
    assert telling(b"short") == b"short"
    assert telling(bytes(96) + bytes(range(48)) + bytes(960)) == bytes(range(48))


@pytest.mark.parametrize("offset", [0, 99, 100, 101, 120, 199, 200, 340])
def test_piece_is_found_across_the_border_of_two_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offset: int
) -> None:
    monkeypatch.setattr(residue, "CHUNK", 100)
    piece = bytes(range(1, 49))
    (tmp_path / "file").write_bytes(bytes(offset) + piece + bytes(400 - offset))
    traces = Traces(frozenset([piece]), frozenset(["P1"]), 1, 0)
    found = search_files([tmp_path, tmp_path / "missing"], traces)
    assert found.num_places == 1
    assert found.found == (f"a feature or thumbnail in {tmp_path / 'file'}",)
    assert search_files([tmp_path], Traces(frozenset([b"other"]), frozenset(), 0, 1)).found == ()
