"""The truth's CSV file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.errors import StreamError
from streams.synthetic_truth import TruthBox, read_truth, write_truth

HEAD = "camera_id,frame_index,timestamp,x1,y1,x2,y2,person_id,visibility"

boxes = st.builds(
    TruthBox,
    camera_id=st.sampled_from(["cam1", "cam 2", "door, left", 'a "b"']),
    frame_index=st.integers(0, 10**6),
    timestamp=st.integers(0, 2 * 10**9).map(float),
    person_id=st.integers(0, 500),
    box=st.tuples(*[st.integers(0, 4096).map(float)] * 4),
    visibility=st.integers(1, 10000).map(lambda value: value / 10000),
)


@given(truth=st.lists(boxes, max_size=8))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_again(truth: list[TruthBox], tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    write_truth(path, truth)
    assert read_truth(path) == truth


def test_columns_are_the_documented_ones(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    write_truth(path, [TruthBox("cam1", 3, 1767261600.3, 2, (10.0, 20.0, 30.5, 80.0), 0.25)])
    assert path.read_text() == f"{HEAD}\ncam1,3,1767261600.300000,10,20,30.5,80,2,0.2500\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a truth file"),
        ("a,b,c\n", "not a truth file"),
        (f"{HEAD}\ncam1,1,2\n", "line 2"),
        (f"{HEAD}\ncam1,x,0,0,0,1,1,0,1\n", "line 2"),
    ],
    ids=["empty", "other columns", "short line", "no number"],
)
def test_a_damaged_file_is_named_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(text)
    with pytest.raises(StreamError, match=message) as caught:
        read_truth(path)
    assert "truth.csv" in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"], ids=["missing", "not text"])
def test_a_file_that_cannot_be_read_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StreamError, match=r"truth\.csv"):
        read_truth(path)
