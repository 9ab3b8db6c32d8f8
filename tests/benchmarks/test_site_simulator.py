from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.crop_features import CropFeatures
from benchmarks.site_simulator import (
    SimulatedSite,
    SiteSize,
    decide_site,
    placements_of,
    simulate,
    told_topology,
)
from benchmarks.site_tracklets import Flaws, deviations
from config.schema import MatcherSettings
from matcher.matcher import build_matcher

SIZE = SiteSize(num_cameras=4, num_passages=120)
FLAWLESS = replace(SIZE, flaws=Flaws(broken_share=0, wrong_crop_share=0, noise=0))


def tracklet_ids(site: SimulatedSite) -> list[str]:
    return [each.final.tracklet_id for each in site.tracklets]


def test_one_seed_gives_one_site(people: CropFeatures) -> None:
    one, same, other = (simulate(people, "test", SIZE, seed) for seed in (5, 5, 6))

    assert tracklet_ids(one) == tracklet_ids(same)
    assert np.array_equal(one.features, same.features)
    assert not np.array_equal(one.features[:20], other.features[:20])


def test_only_people_of_the_wanted_split_walk(people: CropFeatures) -> None:
    assert set(simulate(people, "train", SIZE, 0).persons.tolist()) <= set(range(20))
    assert set(simulate(people, "test", SIZE, 0).persons.tolist()) <= set(range(100, 120))


def test_without_flaws_every_passage_is_one_tracklet_of_its_person(people: CropFeatures) -> None:
    site = simulate(people, "test", FLAWLESS, 0)

    assert len(site.tracklets) == 120
    assert len({each.passage for each in site.tracklets}) == 120
    for each in site.tracklets:
        mine = (people.test.persons == each.person) & (people.test.views == each.view)
        assert float((people.test.features[mine] @ each.final.feature).min()) > 0.9


def test_a_broken_track_gives_tracklets_one_after_the_other(people: CropFeatures) -> None:
    site = simulate(people, "test", replace(SIZE, flaws=Flaws(broken_share=1.0)), 0)

    parts: dict[int, list[tuple[float, float]]] = {}
    for each in site.tracklets:
        if each.is_part:
            span = (each.final.started_at, each.final.ended_at)
            parts.setdefault(each.passage, []).append(span)
    assert len(parts) > 40
    for spans in parts.values():
        assert len(spans) in (2, 3)
        assert all(one[1] < other[0] for one, other in pairwise(sorted(spans)))


def test_wrong_crops_are_as_frequent_as_wanted(people: CropFeatures) -> None:
    size = replace(SIZE, num_passages=1000, flaws=Flaws(broken_share=0, wrong_crop_share=0.2))

    site = simulate(people, "test", size, 0)

    share = np.mean([each.has_wrong_crop for each in site.tracklets])
    assert share == pytest.approx(0.2, abs=0.04)


def test_a_wrong_crop_makes_a_tracklet_less_like_its_person(people: CropFeatures) -> None:
    flaws = Flaws(broken_share=0, wrong_crop_share=1.0, noise=0)
    wrong = simulate(people, "test", replace(SIZE, flaws=flaws), 0)
    right = simulate(people, "test", FLAWLESS, 0)

    def likeness(site: SimulatedSite) -> float:
        means = {
            (person, view): people.test.features[
                (people.test.persons == person) & (people.test.views == view)
            ].mean(axis=0)
            for person in range(100, 120)
            for view in (0, 1)
        }
        return float(
            np.mean([means[each.person, each.view] @ each.final.feature for each in site.tracklets])
        )

    assert likeness(wrong) < likeness(right) - 0.05


def test_versions_are_published_as_a_worker_does(people: CropFeatures) -> None:
    for each in simulate(people, "test", SIZE, 0).tracklets:
        assert [v.version for v in each.versions] == list(range(1, len(each.versions) + 1))
        assert [v.is_final for v in each.versions] == [False] * (len(each.versions) - 1) + [True]
        assert all(a.emitted_at < b.emitted_at for a, b in pairwise(each.versions))
        assert all(a.quality <= b.quality for a, b in pairwise(each.versions))


def test_repeated_passages_are_moved_by_real_deviations_only(people: CropFeatures) -> None:
    found = deviations(people.test)

    assert found.shape == (160, 32)
    assert np.abs(found.mean(axis=0)).max() < 1e-6
    four = people.test.features[:4]
    assert np.allclose(found[:4], (four - four.mean(axis=0)) * np.sqrt(4 / 3), atol=1e-6)


def test_windows_are_decided_as_if_everything_came_at_once(people: CropFeatures) -> None:
    site = simulate(people, "test", SIZE, 0)
    settings = MatcherSettings()

    step_by_step = decide_site(build_matcher(settings, site.camera_ids), site)

    matcher = build_matcher(settings, site.camera_ids)
    for each in site.tracklets:
        for version in each.versions:
            matcher.offer(version)
    at_once = placements_of(matcher.last_steps())
    assert step_by_step == at_once
    assert {placement.tracklet_id for placement in at_once} == set(tracklet_ids(site))


def test_an_owner_can_tell_the_least_times_between_all_cameras() -> None:
    told = dict(told_topology(4))

    assert told == {
        ("cam1", "cam2"): 8.0,
        ("cam1", "cam3"): 11.3,
        ("cam1", "cam4"): 8.0,
        ("cam2", "cam3"): 8.0,
        ("cam2", "cam4"): 11.3,
        ("cam3", "cam4"): 8.0,
    }
