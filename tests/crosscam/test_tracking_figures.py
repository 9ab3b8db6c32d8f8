"""Tiny cases by hand, and a real tracker's result whose figures the MOTChallenge devkit gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from crosscam.tracking_boxes import load_boxes, load_truth
from crosscam.tracking_figures import at_emission, count_switches, latency, tracking_figures
from crosscam.tracking_history import Placement
from crosscam.tracking_matches import find_stays, match_boxes
from query.exports import BoxRow
from streams.synthetic_truth import TruthBox

BOX = (0.0, 0.0, 10.0, 20.0)
ELSEWHERE = (50.0, 0.0, 60.0, 20.0)


def true(
    frame: int, person: int = 1, camera: str = "cam1", box: tuple[float, ...] = BOX
) -> TruthBox:
    x1, y1, x2, y2 = box
    return TruthBox(camera, frame, float(frame), person, (x1, y1, x2, y2), 1.0)


def found(
    frame: int, identity: str = "P1", camera: str = "cam1", box: tuple[float, ...] = BOX
) -> BoxRow:
    x1, y1, x2, y2 = box
    name = f"{camera}-{identity}"
    return BoxRow(camera, frame, float(frame), x1, y1, x2, y2, 0.9, name, identity)


def placed(tracklet_id: str, identity_id: str, at: float, *, is_first: bool = True) -> Placement:
    return Placement(tracklet_id, identity_id, at, is_first)


def test_a_perfect_result_scores_one_and_has_no_switches() -> None:
    truth = [true(0), true(1), true(2, camera="cam2")]

    figures = tracking_figures(truth, [found(0), found(1), found(2, camera="cam2")])

    assert (figures.score.idf1, figures.score.hota) == (1, 1)
    assert (figures.num_switches_within, figures.num_switches_across) == (0, 0)
    assert figures.new_identities_per_person == 1


def test_one_person_with_an_identity_in_each_camera() -> None:
    """3 of 4 boxes are of the better identity; one change when the person comes into cam2."""
    truth = [true(0), true(1), true(2), true(3, camera="cam2")]
    rows = [found(0), found(1), found(2), found(3, "P2", "cam2")]

    figures = tracking_figures(truth, rows)

    assert figures.score.idf1 == 0.75
    assert figures.score.ass_a == pytest.approx((3 * 0.75 + 1 * 0.25) / 4)
    assert figures.score.det_a == 1
    assert (figures.num_switches_within, figures.num_switches_across) == (0, 1)
    assert figures.new_identities_per_person == 2


def test_a_change_in_one_camera_is_a_switch_within() -> None:
    figures = tracking_figures([true(0), true(1)], [found(0), found(1, "P2")])

    assert (figures.num_switches_within, figures.num_switches_across) == (1, 0)


def test_somebody_who_comes_back_after_a_while_with_another_identity_is_a_switch_across() -> None:
    figures = tracking_figures([true(0), true(60)], [found(0), found(60, "P2")])

    assert (figures.num_switches_within, figures.num_switches_across) == (0, 1)


def test_two_cameras_at_once_count_one_switch_at_the_entry_and_no_more() -> None:
    """cam1 says P1 at 0 to 3, cam2 says P2 at 2 to 5: they alternate, the person came in once."""
    truth = [*(true(f) for f in range(4)), *(true(f, camera="cam2") for f in range(2, 6))]
    rows = [*(found(f) for f in range(4)), *(found(f, "P2", "cam2") for f in range(2, 6))]

    stays = find_stays(truth, match_boxes(truth, rows))

    assert count_switches(stays) == (0, 1)


def test_nobody_and_nothing_is_no_trouble() -> None:
    assert tracking_figures([], []).new_identities_per_person == 0
    assert tracking_figures([true(0)], []).score.idf1 == 0
    assert tracking_figures([], [found(0)]).score.idf1 == 0
    assert latency([], [], []).median_s is None


def test_a_box_beside_a_person_is_no_match() -> None:
    assert match_boxes([true(0)], [found(0, box=ELSEWHERE)]) == []


def test_a_hidden_person_is_not_asked_for() -> None:
    hidden = TruthBox("cam1", 0, 0.0, 1, BOX, 0.2)

    assert match_boxes([hidden], [found(0)]) == []
    assert find_stays([hidden], []) == []


def test_who_had_the_identity_before_keeps_it_if_both_boxes_fit() -> None:
    near = (0.0, 0.0, 10.0, 17.0)  # IoU 0.85 with BOX
    truth = [true(0), true(1)]
    rows = [found(0), found(1, "P1", box=near), found(1, "P2")]

    assert [match.identity_id for match in match_boxes(truth, rows)] == ["P1", "P1"]


def test_stays_end_where_the_person_was_away() -> None:
    stays = find_stays([true(0), true(2), true(5)], [])

    assert [(stay.started_at, stay.ended_at) for stay in stays] == [(0, 2), (5, 5)]


def test_at_emission_boxes_have_the_identity_of_the_first_decision() -> None:
    history = [placed("cam1-P1", "P9", 1.0), placed("cam1-P1", "P1", 2.0, is_first=False)]

    rows = at_emission([found(0), found(0, "P5")], history)

    assert [row.identity_id for row in rows] == ["P9", "P5"]


def test_latency_is_until_the_right_identity_was_known() -> None:
    """P1 is right (2 of 2 boxes in the end); it was P9 at 1 s and became P1 at 3.5 s."""
    truth, rows = [true(1), true(2)], [found(1), found(2)]
    history = [placed("cam1-P1", "P9", 2.0), placed("cam1-P1", "P1", 3.5, is_first=False)]

    soon = latency(truth, rows, history)

    assert (soon.num_stays, soon.num_right) == (1, 1)
    assert (soon.median_s, soon.p95_s) == (2.5, 2.5)


def test_an_identity_that_is_somebody_elses_is_never_right() -> None:
    """P1 is on person 1 for two frames and on person 2 for one: it is person 1's."""
    truth = [true(0), true(1), true(0, 2, "cam2")]
    rows = [found(0), found(1), found(0, "P1", "cam2")]
    history = [placed("cam1-P1", "P1", 1.0), placed("cam2-P1", "P1", 1.0)]

    soon = latency(truth, rows, history)

    assert (soon.num_stays, soon.num_right) == (2, 1)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "idf1", "idp", "idr", "switches", "people"),
    [
        ("TUD-Campus", 55.8, 73.0, 45.1, 7, 8),
        ("TUD-Stadtmitte", 64.5, 82.0, 53.1, 7, 10),
    ],
)
def test_a_trackers_result_has_the_figures_of_the_devkit(  # noqa: PLR0913, PLR0917
    name: str, idf1: float, idp: float, idr: float, switches: int, people: int, shared_dir: Path
) -> None:
    """The CEM tracker by the MOTChallenge Matlab devkit, as py-motmetrics quotes it."""
    folder = shared_dir / "data" / "mot_text" / name
    truth, rows = load_truth(folder / "gt.txt", 25), load_boxes(folder / "test.txt", 25)

    figures = tracking_figures(truth, rows)

    score = figures.score
    assert score.num_people == people
    assert 100 * score.idf1 == pytest.approx(idf1, abs=0.06)
    assert 100 * score.idp == pytest.approx(idp, abs=0.06)
    assert 100 * score.idr == pytest.approx(idr, abs=0.06)
    assert figures.num_switches_within + figures.num_switches_across == switches
