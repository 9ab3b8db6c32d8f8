from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.address import is_live, redacted, source_kind, webcam_number
from streams.errors import SourceOpenError

PASSWORDS = st.text(
    st.characters(codec="ascii", exclude_characters="\"'<>", exclude_categories=["Zs", "Cc"]),
    min_size=1,
).map(lambda text: f"sEcReT{text}")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://u:p@10.0.0.2/s", "rtsp://***@10.0.0.2/s"),
        ("rtsps://u@h/s and redis://:x@r:1/0", "rtsps://***@h/s and redis://***@r:1/0"),
        ("rtsp://u:p@ss/wo@rd@h/s", "rtsp://***@h/s"),
        ("'rtsp://u:p%40@h/s' returned 22", "'rtsp://***@h/s' returned 22"),
        ("rtsp://h/s?user=a&password=b&channel=1", "rtsp://h/s?user=a&password=***&channel=1"),
        ("rtsp://h/s?access_token=b", "rtsp://h/s?access_token=***"),
        ("rtsp://h/user=admin_password=tlJw_channel=1", "rtsp://h/user=admin_password=***"),
        ("rtsp://h/s?pwd=b&Token=c", "rtsp://h/s?pwd=***&Token=***"),
        ("nothing to hide: me@example.org", "nothing to hide: me@example.org"),
        ("compass=north", "compass=north"),
        ("", ""),
    ],
)
def test_credentials_are_taken_out_of_texts(text: str, shown: str) -> None:
    assert redacted(text) == shown


@given(PASSWORDS)
def test_no_password_stays_in_a_url(password: str) -> None:
    text = redacted(f"cannot open 'rtsp://admin:{password}@10.0.0.2:554/stream': refused")
    assert "sEcReT" not in text
    assert text.endswith("@10.0.0.2:554/stream': refused")


@given(st.text())
def test_hiding_twice_changes_nothing(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)


def test_kinds_of_sources(tmp_path: Path) -> None:
    assert source_kind("rtsp://10.0.0.2/stream") == "rtsp"
    assert source_kind("RTSPS://user:pass@cam.local:322/stream") == "rtsp"
    assert source_kind("webcam:0") == "webcam"
    assert source_kind(str(tmp_path)) == "folder"
    assert source_kind(str(tmp_path / "clip.mp4")) == "file"


@pytest.mark.parametrize(
    "url",
    [
        "http://h/v.mp4",
        "https://h/v",
        "concat:a.mp4|b.mp4",
        "subfile:,,start,0,end,1,,:a.mp4",
        "file:///etc/passwd",
        "ftp://h/a",
        "data:text/plain,x",
        "rtmp://h/live",
        "pipe:0",
    ],
)
def test_other_protocols_are_refused_for_good(url: str) -> None:
    with pytest.raises(SourceOpenError, match="is not allowed") as caught:
        source_kind(url)
    assert caught.value.is_permanent
    assert not is_live(url)


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://admin:top secret@h/s",
        'rtsp://admin:sec"ret@h',
        "rtsp://",
        "rtsp://h:99999999/s",
        "rtsp://admin:se#cret@h/s",
        "rtsp://admin:sec/ret@h/s",
        "rtsp://[::1/s",
    ],
)
def test_unreadable_rtsp_urls_are_refused_without_showing_them(url: str) -> None:
    with pytest.raises(SourceOpenError, match="percent-encode") as caught:
        source_kind(url)
    assert caught.value.is_permanent
    assert "ret" not in str(caught.value)


@pytest.mark.parametrize("url", ["webcam:", "webcam:x", "webcam:-1", "webcam:0;rm"])
def test_webcams_have_a_number(url: str) -> None:
    with pytest.raises(SourceOpenError, match="webcam:N"):
        webcam_number(url)


def test_webcam_number() -> None:
    assert webcam_number("webcam:12") == 12


def test_paths_are_recorded_and_streams_are_live() -> None:
    assert not is_live("/videos/cam1.mp4")
    assert is_live("rtsps://h/s")
    assert is_live("webcam:1")
