from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.schema import TrackerSettings
from detector.detections import Detections
from detector.track import TrackerUpdate, TrackObservation
from detector.tracker import Tracker, TrackerPolicy, build_tracker
from streams.frame import Frame, Image

Person = tuple[float, float]
"""Where somebody is: (x of the centre, y of the feet), in pixels."""
Row = tuple[float, float, float, float, float]
"""x1, y1, x2, y2, score."""

FPS = 18.0
HEIGHT, WIDTH = 100.0, 40.0


def row(person: Person, score: float = 0.9) -> Row:
    x, feet = person
    return x - WIDTH / 2, feet - HEIGHT, x + WIDTH / 2, feet, score


@cache
def black(size: tuple[int, int]) -> Image:
    return np.zeros((size[1], size[0], 3), dtype=np.uint8)


def detections(
    index: int,
    rows: Sequence[Row],
    *,
    timestamp: float | None = None,
    size: tuple[int, int] = (640, 360),
    camera_id: str = "cam1",
) -> Detections:
    table = np.array(rows, dtype=np.float32).reshape(-1, 5)
    at = index / FPS if timestamp is None else timestamp
    frame = Frame(camera_id, index, at, black(size))
    return Detections(frame, table[:, :4].copy(), table[:, 4].copy())


def run(tracker: Tracker, frames: Iterable[tuple[int, Sequence[Row]]]) -> list[TrackerUpdate]:
    return [tracker.update(detections(index, rows)) for index, rows in frames]


def by_number(updates: Iterable[TrackerUpdate]) -> dict[int, list[TrackObservation]]:
    tracks: dict[int, list[TrackObservation]] = defaultdict(list)
    for update in updates:
        for observation in update.observations:
            tracks[observation.track_number].append(observation)
    return dict(tracks)


def shown(persons: Sequence[Person]) -> list[Row]:
    """Detections of people of whom the nearer, whose feet are lower, hide the others."""
    rows: list[Row] = []
    for person in sorted(persons, key=lambda p: -p[1]):
        if all(abs(person[0] - x1 - WIDTH / 2) > WIDTH / 2 for x1, *_ in rows):
            rows.append(row(person))
    return rows


def standing(
    num_frames: int, person: Person = (100, 200), start: int = 0
) -> list[tuple[int, list[Row]]]:
    return [(index, [row(person)]) for index in range(start, start + num_frames)]


def test_a_confirmed_track_begins_at_its_true_first_frame() -> None:
    updates = run(Tracker("cam1", TrackerPolicy(min_hits=3)), standing(4, start=5))
    assert [len(update.observations) for update in updates] == [0, 0, 3, 1]
    assert [o.frame_index for o in updates[2].observations] == [5, 6, 7]
    assert [o.timestamp for o in updates[2].observations] == [5 / FPS, 6 / FPS, 7 / FPS]


def test_an_observation_is_the_detection_itself() -> None:
    tracker = Tracker("cam1", TrackerPolicy(min_hits=1))
    update = tracker.update(detections(0, [row((300, 300), 0.6), row((100, 200), 0.8)]))
    first, second = update.observations
    assert first.box.tolist() == [80, 100, 120, 200]  # the better score comes first
    assert (first.detection_index, second.detection_index) == (1, 0)
    assert first.score == pytest.approx(0.8)
    assert not first.box.flags.writeable


def test_something_seen_once_is_never_told() -> None:
    frames = [(0, [row((100, 200))]), (1, []), (2, []), (3, [row((500, 300))]), (4, [])]
    tracker = Tracker("cam1")
    assert by_number(run(tracker, frames)) == {}
    assert tracker.end() == TrackerUpdate()


def test_numbers_are_given_to_confirmed_tracks_only_and_are_dense() -> None:
    flashes = [(index, [row((100, 200)), row((300 + 60 * (index % 5), 350))]) for index in range(9)]
    tracks = by_number(run(Tracker("cam1"), [*flashes, *standing(3, (500, 100), start=9)]))
    assert sorted(tracks) == [1, 2]


def test_each_tracker_counts_for_itself() -> None:
    for _ in range(2):
        assert list(by_number(run(Tracker("cam1"), standing(3)))) == [1]


def test_a_lost_track_keeps_its_number_until_max_lost_s() -> None:
    updates = run(Tracker("cam1"), [*standing(5), *standing(5, start=31)])  # unseen for 1.5 s
    assert list(by_number(updates)) == [1]


def test_a_track_unseen_for_longer_than_max_lost_s_ends() -> None:
    updates = run(Tracker("cam1"), [*standing(5), *standing(5, start=32)])
    assert list(by_number(updates)) == [1, 2]
    assert [update.ended for update in updates if update.ended] == [(1,)]


def test_the_end_of_the_stream_ends_all_tracks_and_numbers_go_on() -> None:
    tracker = Tracker("cam1")
    run(tracker, [(i, [row((100, 200)), row((400, 200))]) for i in range(3)])
    assert tracker.end().ended == (1, 2)
    assert (tracker.num_alive, tracker.end().ended) == (0, ())
    assert list(by_number(run(tracker, standing(3)))) == [3]


@pytest.mark.parametrize("stride", [1, 2, 4], ids=["18 fps", "9 fps", "4.5 fps"])
@pytest.mark.parametrize(
    "heights_per_s", [0.0, 0.7, 1.4, -2.0], ids=["still", "slow", "fast", "run"]
)
def test_one_walk_is_one_track_at_any_stride(stride: int, heights_per_s: float) -> None:
    start = 320 - 100 * heights_per_s
    frames = [
        (index, [row((start + heights_per_s * HEIGHT * index / FPS, 200))])
        for index in range(0, 37, stride)
    ]
    tracks = by_number(run(Tracker("cam1"), frames))
    assert list(tracks) == [1]
    assert len(tracks[1]) == len(frames)


def test_somebody_who_turns_back_keeps_the_track() -> None:
    path = [100 + 6 * step for step in range(20)] + [214 - 6 * step for step in range(20)]
    frames = [(2 * i, [row((x, 200))]) for i, x in enumerate(path)]
    assert list(by_number(run(Tracker("cam1"), frames))) == [1]


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("speed", [60.0, 110.0], ids=["slow", "fast"])
def test_no_track_swaps_persons_when_two_people_cross(stride: int, speed: float) -> None:
    def persons(index: int) -> tuple[Person, Person]:
        step = speed * index / FPS
        return (320 - 2 * speed + step, 210), (320 + 2 * speed - step, 200)

    frames = [(i, shown(persons(i))) for i in range(0, 73, stride)]
    tracks = by_number(run(Tracker("cam1"), frames))
    for observations in tracks.values():
        owners = {
            min((0, 1), key=lambda p: abs(persons(o.frame_index)[p][0] - o.box[0] - WIDTH / 2))
            for o in observations
            if abs(persons(o.frame_index)[0][0] - persons(o.frame_index)[1][0]) > 2
        }
        assert len(owners) == 1
    assert len(tracks) == 2


def test_a_detection_that_two_tracks_can_claim_is_given_to_nobody() -> None:
    apart = [(i, [row((300, 200)), row((325, 200))]) for i in range(6)]
    between = [(i, [row((312.5, 200))]) for i in range(6, 12)]
    tracker = Tracker("cam1")
    updates = run(tracker, [*apart, *between])
    assert all(update.observations == () for update in updates[6:])
    assert tracker.num_withheld == 6
    updates = run(tracker, [(i, [row((300, 200)), row((325, 200))]) for i in range(12, 15)])
    assert [[o.track_number for o in update.observations] for update in updates] == [[1, 2]] * 3


def test_who_was_seen_all_along_has_more_claim_than_who_was_hidden() -> None:
    """Somebody stops behind a person who walks in place; both predictions fit the detection."""
    apart = [(i, [row((300, 200)), row((318, 200))]) for i in range(6)]
    alone = [(i, [row((301, 200))]) for i in range(6, 20)]
    updates = run(Tracker("cam1"), [*apart, *alone, (20, [row((310, 200))])])
    assert [o.track_number for o in updates[20].observations] == [1]


def test_two_tracks_end_where_the_doubt_lasts_and_a_new_one_goes_on() -> None:
    apart = [(i, [row((300, 200)), row((325, 200))]) for i in range(6)]
    between = [(i, [row((312.5, 200))]) for i in range(6, 60)]
    updates = run(Tracker("cam1"), [*apart, *between])
    assert [update.ended for update in updates if update.ended] == [(1, 2)]
    assert by_number(updates)[3][0].frame_index == 33  # 1.5 s after frame 5


def test_without_a_margin_the_nearer_track_gets_the_detection() -> None:
    apart = [(i, [row((300, 200)), row((325, 200))]) for i in range(6)]
    updates = run(Tracker("cam1", TrackerPolicy(margin=0)), [*apart, (6, [row((310, 200))])])
    assert [o.track_number for o in updates[6].observations] == [1]


def test_a_weak_detection_keeps_a_track_but_starts_none() -> None:
    weak = [(i, [row((100, 200), 0.3), row((500, 200), 0.3)]) for i in range(3, 40)]
    tracks = by_number(run(Tracker("cam1"), [*standing(3), *weak]))
    assert list(tracks) == [1]
    assert len(tracks[1]) == 40


def test_a_weak_detection_must_fit_better_than_a_strong_one() -> None:
    beside: Person = (118, 200)  # overlaps by 22 / 58 = 0.38
    weak = run(Tracker("cam1"), [*standing(3), (3, [row(beside, 0.3)])])
    strong = run(Tracker("cam1"), [*standing(3), (3, [row(beside, 0.8)])])
    assert [len(updates[3].observations) for updates in (weak, strong)] == [0, 1]


def test_minutes_without_anybody_leave_nothing_behind() -> None:
    tracker = Tracker("cam1")
    updates = run(tracker, [*standing(5), *[(i, []) for i in range(5, 2000)]])
    assert tracker.num_alive == 0
    assert [update.ended for update in updates if update.ended] == [(1,)]


def test_an_outage_of_a_minute_ends_the_tracks() -> None:
    tracker = Tracker("cam1")
    run(tracker, standing(5))
    update = tracker.update(detections(5, [row((100, 200))], timestamp=60.0))
    assert update.ended == (1,)


@pytest.mark.parametrize("back_s", [0.0, 0.1, 1.5])
def test_a_frame_that_does_not_move_on_in_time_is_left_out_and_counted(back_s: float) -> None:
    tracker = Tracker("cam1")
    run(tracker, standing(19))  # the last one at 1.0 s
    late = detections(19, [row((100, 200))], timestamp=1.0 - back_s)
    assert tracker.update(late) == TrackerUpdate()
    assert (tracker.num_stale_frames, tracker.num_restarts) == (1, 0)
    assert list(by_number(run(tracker, standing(2, start=20)))) == [1]


def test_a_clock_that_jumps_far_back_ends_all_tracks_and_new_ones_start() -> None:
    tracker = Tracker("cam1")
    for index in range(3):
        tracker.update(detections(index, [row((100, 200))], timestamp=1000 + index / FPS))
    updates = run(tracker, standing(3, start=3))
    assert updates[0].ended == (1,)
    assert list(by_number(updates)) == [2]
    assert (tracker.num_stale_frames, tracker.num_restarts) == (0, 1)


def test_a_frame_index_that_restarts_ends_all_tracks() -> None:
    tracker = Tracker("cam1")
    run(tracker, standing(3, start=100))
    assert tracker.update(detections(0, [], timestamp=6.0)).ended == (1,)


def test_a_larger_picture_of_the_same_shape_keeps_the_tracks() -> None:
    tracker = Tracker("cam1")
    run(tracker, standing(4))
    double = [tuple(2 * value for value in row((100, 200))[:4])]
    rows: list[Row] = [(x1, y1, x2, y2, 0.9) for x1, y1, x2, y2 in double]
    update = tracker.update(detections(4, rows, size=(1280, 720)))
    assert [o.track_number for o in update.observations] == [1]


def test_a_picture_of_another_shape_ends_the_tracks() -> None:
    tracker = Tracker("cam1")
    run(tracker, standing(4))
    assert tracker.update(detections(4, [row((100, 200))], size=(640, 480))).ended == (1,)


def test_a_frame_of_another_camera_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'cam1' got a frame of 'cam2'"):
        Tracker("cam1").update(detections(0, [], camera_id="cam2"))


def test_boxes_without_an_area_are_not_tracked() -> None:
    flat: list[Row] = [(10, 10, 10, 50, 0.9), (10, 10, 50, 10, 0.9), (50, 10, 10, 50, 0.9)]
    tracker = Tracker("cam1")
    run(tracker, [(index, flat) for index in range(4)])
    assert tracker.num_alive == 0


def test_no_more_tracks_than_max_alive_are_kept() -> None:
    crowd = [row((50 * column, 100 * line)) for column in range(10) for line in range(1, 4)]
    tracker = Tracker("cam1", TrackerPolicy(max_alive=12))
    run(tracker, [(index, crowd) for index in range(3)])
    assert tracker.num_alive == 12
    assert tracker.num_refused == 3 * 18


def test_a_wrong_policy_is_refused_with_all_its_mistakes() -> None:
    with pytest.raises(ValueError, match=r"match_iou above 0.*; min_hits 1 or more"):
        TrackerPolicy(match_iou=0, min_hits=0)


def test_the_site_file_sets_the_policy() -> None:
    tracker = build_tracker(TrackerSettings(min_hits=4, high_score=0.95), "cam1")
    assert by_number(run(tracker, standing(6))) == {}
    tracker = build_tracker(TrackerSettings(min_hits=4), "cam1")
    assert [len(u.observations) for u in run(tracker, standing(6))] == [0, 0, 0, 4, 1, 1]


corner = st.floats(0, 300, width=32)
side = st.floats(0, 120, width=32)
any_row = st.builds(
    lambda x, y, w, h, score: (x, y, x + w, y + h, score),
    corner,
    corner,
    side,
    side,
    st.floats(0, 1, width=32),
)
scenes = st.lists(
    st.tuples(st.floats(0.03, 0.8), st.lists(any_row, max_size=5, unique=True)), max_size=14
)


def played(
    scene: Sequence[tuple[float, Sequence[Row]]],
    order: Callable[[Sequence[Row]], Sequence[Row]] = lambda rows: rows,
) -> list[TrackerUpdate]:
    """The scene's frames, every one `dt` after the one before, and the end of the stream."""
    tracker, now, updates = Tracker("cam1", TrackerPolicy(max_alive=6)), 0.0, []
    for index, (dt_s, rows) in enumerate(scene):
        now += dt_s
        updates.append(tracker.update(detections(index, order(rows), timestamp=now)))
        assert tracker.num_alive <= 6
    return [*updates, tracker.end()]


@settings(deadline=None)
@given(scene=scenes)
def test_whatever_is_detected_tracks_are_dense_disjoint_and_in_order(
    scene: list[tuple[float, list[Row]]],
) -> None:
    updates = played(scene)
    tracks = by_number(updates)
    assert sorted(tracks) == list(range(1, len(tracks) + 1))
    for observations in tracks.values():
        indexes = [o.frame_index for o in observations]
        assert indexes == sorted(set(indexes))
    owned = [(o.frame_index, o.detection_index) for t in tracks.values() for o in t]
    assert len(owned) == len(set(owned))
    for observation in (o for t in tracks.values() for o in t):
        x1, y1, x2, y2, _ = scene[observation.frame_index][1][observation.detection_index]
        assert observation.box.tolist() == np.array([x1, y1, x2, y2], dtype=np.float32).tolist()


@settings(deadline=None)
@given(scene=scenes)
def test_every_confirmed_track_ends_once_and_is_not_heard_of_again(
    scene: list[tuple[float, list[Row]]],
) -> None:
    ended: list[int] = []
    for update in played(scene):
        ended += update.ended
        assert not {o.track_number for o in update.observations} & set(ended)
    assert sorted(ended) == sorted(by_number(played(scene)))


@settings(deadline=None)
@given(scene=scenes)
def test_the_order_of_the_detections_does_not_matter(scene: list[tuple[float, list[Row]]]) -> None:
    def boxes(updates: list[TrackerUpdate]) -> list[list[tuple[int, int, list[float]]]]:
        return [
            [(o.track_number, o.frame_index, o.box.tolist()) for o in update.observations]
            for update in updates
        ]

    assert boxes(played(scene)) == boxes(played(scene, order=lambda rows: rows[::-1]))


@pytest.mark.shared
@pytest.mark.parametrize("stride", [1, 2, 4], ids=["25 fps", "12.5 fps", "6.25 fps"])
def test_real_walks_on_a_street_hardly_mix(shared_dir: Path, stride: int) -> None:
    truth = np.loadtxt(shared_dir / "data/mot_text/TUD-Stadtmitte/gt.txt", delimiter=",")
    tracker, owners = Tracker("street"), defaultdict(list)
    for index in range(1, 180, stride):
        people = truth[truth[:, 0] == index]
        rows = [(x, y, x + w, y + h, 0.9) for x, y, w, h in people[:, 2:6]]
        found = detections(index, rows, timestamp=index / 25, size=(640, 480), camera_id="street")
        for observation in tracker.update(found).observations:
            at = truth[truth[:, 0] == observation.frame_index]
            owners[observation.track_number].append(int(at[observation.detection_index, 1]))
    num_right = sum(max(map(ids.count, ids)) for ids in owners.values())
    assert num_right / sum(map(len, owners.values())) > 0.97
    assert len(owners) <= 15  # ten people, some hidden for long
