from __future__ import annotations

import numpy as np

from detector.track import SeenBox, Track, TrackState


def seen(index: int) -> SeenBox:
    """A detection in frame `index` of a 10 fps stream."""
    box = np.array([10, 10, 50, 110], dtype=np.float32)
    return SeenBox(index, index / 10, box, score=0.9, detection_index=3)


def test_a_track_starts_tentative_and_without_a_number() -> None:
    track = Track.started_by(seen(0))
    assert (track.state, track.number, track.num_hits) == (TrackState.TENTATIVE, 0, 1)


def test_a_tentative_track_that_is_missed_ends() -> None:
    track = Track.started_by(seen(0))
    track.miss()
    assert not track.is_alive


def test_a_confirmed_track_that_is_missed_is_lost_and_found_again() -> None:
    track = Track.started_by(seen(0))
    track.confirm(7)
    track.miss()
    assert track.state is TrackState.LOST
    track.motion.predict(0.2)
    track.see(seen(2))
    assert (track.state, track.number, track.seen_at) == (TrackState.CONFIRMED, 7, 0.2)


def test_a_report_tells_every_detection_once_and_in_order() -> None:
    track = Track.started_by(seen(0))
    track.see(seen(1))
    track.confirm(4)
    told = track.report()
    assert [(o.track_number, o.frame_index, o.timestamp) for o in told] == [
        (4, 0, 0.0),
        (4, 1, 0.1),
    ]
    assert [(o.score, o.detection_index) for o in told] == [(0.9, 3), (0.9, 3)]
    assert track.report() == []
