"""Tests of refusing tracklets, when they are read and when they come to the matcher."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from matcher.clock_watch import ClockWatch
from matcher.compact_boxes import pack_boxes
from matcher.connection import Connection
from matcher.envelope import TRACKLET, seal
from matcher.errors import MatcherError, RecordError, SpaceError
from matcher.intake import Intake
from matcher.keys import SiteKeys
from matcher.records import decode_tracklet
from matcher.tracklet import Tracklet
from matcher.tracklet_stream import TrackletReader, append_commands

MakeTracklet = Callable[..., Tracklet]


def record(tracklet: Tracklet, feature: bytes) -> bytes:
    """A tracklet's bytes, with another feature than it may have."""
    num_boxes, boxes = pack_boxes(tracklet.boxes)
    body: list[Any] = [tracklet.tracklet_id, tracklet.version, tracklet.camera_id]
    body += [tracklet.started_at, tracklet.ended_at, tracklet.emitted_at, num_boxes, boxes]
    body += [feature, tracklet.quality, tracklet.space, tracklet.is_final, []]
    return seal(TRACKLET, body)


NO_NUMBERS = np.full(32, np.nan, np.float16).tobytes()


@pytest.mark.parametrize(
    ("feature", "text"),
    [
        pytest.param(b"", "feature", id="no feature"),
        pytest.param(NO_NUMBERS, "unit length", id="no numbers"),
        pytest.param(np.zeros(32, np.float16).tobytes(), "unit length", id="all zero"),
    ],
)
def test_a_tracklet_without_a_feature_cannot_be_read(
    make_tracklet: MakeTracklet, feature: bytes, text: str
) -> None:
    with pytest.raises(RecordError, match=text):
        decode_tracklet(record(make_tracklet(1), feature))


def test_it_is_put_aside_and_counted_and_the_others_go_on(
    connection: Connection, make_tracklet: MakeTracklet
) -> None:
    keys = SiteKeys("shop")
    reader = TrackletReader(connection, keys, dead_letters_s=60.0)
    reader.open()
    good = make_tracklet(3).feature.astype(np.float16).tobytes()
    for number, feature in enumerate((b"", NO_NUMBERS, good)):
        connection.execute_all(append_commands(keys, record(make_tracklet(number), feature)))

    entries = reader.read(0.0)

    assert [entry.message.camera_id for entry in entries] == ["cam1"]
    assert reader.num_poison == 2


def test_what_can_be_matched_is_let_in(make_tracklet: MakeTracklet) -> None:
    intake = Intake(["cam1"], ClockWatch())

    intake.check(make_tracklet(1))

    assert intake.refused == {}


def test_an_unknown_camera_is_refused_by_name(make_tracklet: MakeTracklet) -> None:
    intake = Intake(["cam2"], ClockWatch())

    with pytest.raises(MatcherError, match="no camera 'cam1'"):
        intake.check(make_tracklet(1))

    assert intake.refused == {"unknown camera": 1}


def test_lengths_are_known_from_before_a_restart(make_tracklet: MakeTracklet) -> None:
    intake = Intake(["cam1"], ClockWatch())
    short = make_tracklet(1)
    intake.know(short)
    object.__setattr__(short, "feature", short.feature[:16])

    with pytest.raises(SpaceError, match=r"16 values.*have 32"):
        intake.check(short)

    assert intake.refused == {"feature length": 1}
