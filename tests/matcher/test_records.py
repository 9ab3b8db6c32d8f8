from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.camera_progress import CameraGap, CameraProgress
from matcher.errors import RecordError
from matcher.records import (
    decode_gap,
    decode_message,
    decode_progress,
    decode_sighting,
    decode_thumbnails,
    decode_tracklet,
    encode_message,
    encode_sighting,
    encode_thumbnails,
    encode_tracklet,
)
from matcher.sighting import Sighting
from matcher.tracklet import TrackBoxes, Tracklet

MakeTracklet = Callable[..., Tracklet]

moments = st.floats(0, 4e9)
names = st.text(min_size=1, max_size=20)


@st.composite
def tracklets(draw: st.DrawFn) -> Tracklet:
    """Tracklets of any length, with irregular frames and boxes partly outside the image."""
    num = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    started_at = draw(moments)
    timestamps = started_at + np.cumsum(rng.choice([0.0, 0.04, 1 / 18, 3.7], num))
    feature = rng.normal(size=draw(st.integers(1, 64))).astype(np.float32)
    return Tracklet(
        tracklet_id=draw(names),
        version=draw(st.integers(1, 10**6)),
        camera_id=draw(names),
        started_at=started_at,
        ended_at=float(timestamps[-1]),
        emitted_at=float(timestamps[-1]) + draw(st.floats(0, 1e5)),
        boxes=TrackBoxes(
            frame_indexes=np.cumsum(rng.integers(1, 1000, num)),
            timestamps=timestamps,
            xyxy=rng.uniform(-500, 8000, (num, 4)).astype(np.float32),
            scores=rng.random(num).astype(np.float32),
        ),
        feature=feature / np.linalg.norm(feature),
        quality=draw(st.floats(0, 1)),
        space=draw(names),
        is_final=draw(st.booleans()),
        thumbnails=tuple(draw(st.lists(st.binary(max_size=50), max_size=3))),
    )


@given(tracklets())
def test_tracklet_comes_back_as_precise_as_it_is_kept(tracklet: Tracklet) -> None:
    back = decode_tracklet(encode_tracklet(tracklet))
    for field in (
        *("tracklet_id", "version", "camera_id", "started_at", "ended_at", "emitted_at"),
        *("quality", "space", "is_final", "thumbnails"),
    ):
        assert getattr(back, field) == getattr(tracklet, field)
    assert np.array_equal(back.boxes.frame_indexes, tracklet.boxes.frame_indexes)
    assert np.array_equal(back.boxes.timestamps, tracklet.boxes.timestamps)
    assert np.abs(back.boxes.xyxy - tracklet.boxes.xyxy).max() <= 1 / 32 + 1e-3
    assert np.abs(back.boxes.scores - tracklet.boxes.scores).max() <= 1 / 65535
    assert np.abs(back.feature - tracklet.feature).max() <= 2**-11
    assert back.feature.dtype == np.float32


@given(tracklets())
def test_what_was_decoded_encodes_to_the_same_bytes(tracklet: Tracklet) -> None:
    record = encode_tracklet(tracklet)
    assert encode_tracklet(decode_tracklet(record)) == record


@given(tracklets(), st.data())
def test_damage_to_any_byte_is_noticed(tracklet: Tracklet, data: st.DataObject) -> None:
    record = bytearray(encode_tracklet(tracklet))
    at = data.draw(st.integers(0, len(record) - 1))
    record[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(RecordError):
        decode_message(bytes(record))


@given(tracklets(), st.data())
def test_record_that_was_cut_off_is_noticed(tracklet: Tracklet, data: st.DataObject) -> None:
    record = encode_tracklet(tracklet)
    with pytest.raises(RecordError):
        decode_message(record[: data.draw(st.integers(0, len(record) - 1))])


@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused(record: bytes) -> None:
    with pytest.raises(RecordError):
        decode_message(record)


@given(
    st.builds(
        CameraProgress,
        camera_id=names,
        watermark_at=moments,
        next_index=st.integers(0, 2**60),
        epoch=st.integers(0, 2**40),
        state=st.sampled_from(["running", "lost", "ended"]),
        is_live=st.booleans(),
        source=names,
    )
)
def test_progress_comes_back(progress: CameraProgress) -> None:
    record = encode_message(progress)
    assert decode_message(record) == decode_progress(record) == progress


@given(st.builds(CameraGap, names, moments, st.none() | moments, st.text(max_size=50)))
def test_gap_comes_back(gap: CameraGap) -> None:
    record = encode_message(gap)
    assert decode_message(record) == decode_gap(record) == gap


@given(st.lists(st.binary(max_size=50), max_size=3))
def test_thumbnails_come_back(thumbnails: list[bytes]) -> None:
    assert decode_thumbnails(encode_thumbnails(thumbnails)) == tuple(thumbnails)


def test_sighting_comes_back() -> None:
    sighting = Sighting(
        "P1", "cam1-1-2", "cam1", 1.0, 2.0, None, 0.9, "P2", 0.05, 3, True, 10, 2, 0.7
    )
    assert decode_sighting(encode_sighting(sighting)) == sighting


def test_thumbnails_can_be_left_out(make_tracklet: MakeTracklet) -> None:
    record = encode_tracklet(make_tracklet(1), with_thumbnails=False)
    assert decode_tracklet(record).thumbnails == ()


def test_record_of_a_newer_version_says_so(make_tracklet: MakeTracklet) -> None:
    record = bytearray(encode_tracklet(make_tracklet(1)))
    record[3] = 2
    with pytest.raises(RecordError, match=r"version 2.*reads version 1"):
        decode_message(bytes(record))


def test_record_of_another_kind_says_which(make_tracklet: MakeTracklet) -> None:
    with pytest.raises(RecordError, match="expected sighting, found tracklet"):
        decode_sighting(encode_tracklet(make_tracklet(1)))
    with pytest.raises(
        RecordError, match="expected a message of a camera worker, found thumbnails"
    ):
        decode_message(encode_thumbnails([]))


def test_box_that_is_no_number_is_refused_before_it_is_published() -> None:
    boxes = TrackBoxes(
        frame_indexes=np.array([0]),
        timestamps=np.array([1.0]),
        xyxy=np.array([[0, 0, np.nan, 1]], np.float32),
        scores=np.array([1.0], np.float32),
    )
    feature = np.array([1.0], np.float32)
    tracklet = Tracklet("cam1-1-1", 1, "cam1", 1.0, 1.0, 1.0, boxes, feature, 1.0, "test:1", True)
    with pytest.raises(ValueError, match="no number"):
        encode_message(tracklet)


def test_long_track_costs_few_bytes() -> None:
    """Two minutes at 18 frames a second, walking: less than a third of the plain columns."""
    num = 2160
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(0, 2, (num, 4)), axis=0)
    boxes = TrackBoxes(
        frame_indexes=np.arange(num),
        timestamps=1_767_261_600.0 + np.arange(num) / 18,
        xyxy=(np.array([100, 100, 160, 260]) + walk).astype(np.float32),
        scores=rng.uniform(0.5, 0.9, num).astype(np.float32),
    )
    feature = np.full(256, 1 / 16, np.float32)
    at = float(boxes.timestamps[0])
    tracklet = Tracklet(
        "cam1-1-1", 1, "cam1", at, at + 120, at + 120, boxes, feature, 1.0, "test:1", True
    )
    plain = boxes.frame_indexes.nbytes + boxes.timestamps.nbytes + boxes.xyxy.nbytes
    assert len(encode_tracklet(tracklet)) < plain / 3
