from __future__ import annotations

import os
from pathlib import Path

import pytest

from streams.address import source_kind
from streams.errors import SourceOpenError
from streams.refusal import check_file, why_not


def test_a_file_with_content_passes(tmp_path: Path) -> None:
    (tmp_path / "cam1.mp4").write_bytes(b"x")
    check_file("cam", tmp_path / "cam1.mp4")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(SourceOpenError, match=r"is no regular file; .*webcam:N"):
        check_file("cam", tmp_path / "pipe.mp4")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere.mp4", "does not exist; check the path"),
        ("cam1\0.mp4", "does not exist; check the path"),
        ("x" * 300, "cannot be read .* check its permissions"),
    ],
    ids=["missing", "zero byte", "too long"],
)
def test_what_is_no_file_is_refused_for_good(name: str, words: str, tmp_path: Path) -> None:
    assert source_kind(str(tmp_path / name)) == "file"
    with pytest.raises(SourceOpenError, match=words) as caught:
        check_file("cam", tmp_path / name)
    assert caught.value.is_permanent


def test_unknown_errors_keep_their_text_without_credentials() -> None:
    assert "rtsp://***@h/s failed (" in why_not("OSError", "rtsp://u:p@h/s failed")
    assert why_not("Strange", None).startswith("Strange (")
