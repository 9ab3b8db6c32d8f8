from __future__ import annotations

import pytest

from benchmarks.crop_features import CropFeatures
from benchmarks.site_errors import QUESTIONS, answers, answers_table, mean_answers
from benchmarks.site_simulator import SimulatedSite, SiteSize, simulate


@pytest.fixture(scope="module")
def site(people: CropFeatures) -> SimulatedSite:
    return simulate(people, "test", SiteSize(4, 150), 0)


def test_with_the_truth_every_answer_is_right(site: SimulatedSite) -> None:
    truth = {each.final.tracklet_id: str(each.person) for each in site.tracklets}

    rows = answers(site, truth)

    assert [row.question for row in rows] == list(QUESTIONS)
    assert sum(row.num for row in rows[:6]) == len(site.tracklets)
    assert all(row.right == 1 for row in rows if row.num)


def test_where_nobody_is_linked_all_but_the_first_are_split(site: SimulatedSite) -> None:
    alone = {each.final.tracklet_id: each.final.tracklet_id for each in site.tracklets}

    first, *others = answers(site, alone)[:6]

    assert (first.num, first.right) == (site.num_people, 1)
    assert all(row.split == 1 for row in others if row.num)


def test_where_all_are_one_those_of_others_are_wrong(site: SimulatedSite) -> None:
    one = {each.final.tracklet_id: "P1" for each in site.tracklets}

    first = answers(site, one)[0]

    assert first.wrong == pytest.approx(1 - 1 / site.num_people)


def test_the_mean_weighs_tracklets(site: SimulatedSite) -> None:
    truth = {each.final.tracklet_id: str(each.person) for each in site.tracklets}
    alone = {name: name for name in truth}

    mean = mean_answers([answers(site, truth), answers(site, alone)])

    assert mean[1].num == 2 * answers(site, truth)[1].num
    assert mean[1].right == mean[1].split == 0.5
    assert answers_table(mean).count("\n") == len(QUESTIONS) + 1
