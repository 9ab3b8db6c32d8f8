from __future__ import annotations

import pytest

from matcher.keys import SiteKeys, camera_of


def test_what_belongs_to_a_camera_shares_a_slot() -> None:
    keys = SiteKeys("shop")
    names = [
        keys.progress("cam1"),
        keys.gaps("cam1"),
        keys.tracklet("cam1-1-2"),
        keys.thumbnails("cam1-1-2"),
        keys.sighting("cam1-1-2"),
    ]
    assert {name[name.index("{") : name.index("}") + 1] for name in names} == {"{c:cam1}"}
    assert len(set(names)) == len(names)


def test_sites_do_not_share_keys() -> None:
    assert SiteKeys("shop").events != SiteKeys("school").events
    assert SiteKeys("shop").sightings("P1") != SiteKeys("school").sightings("P1")


@pytest.mark.parametrize("site", ["", "a b", "a{b", "a}b", "a:b", "ä", "a\n"])
def test_site_name_that_could_break_out_of_a_key_is_refused(site: str) -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        SiteKeys(site)


@pytest.mark.parametrize("identity_id", ["", "P1}", "P1:sightings"])
def test_identity_that_could_break_out_of_a_key_is_refused(identity_id: str) -> None:
    with pytest.raises(ValueError, match="identity"):
        SiteKeys("shop").sightings(identity_id)


@pytest.mark.parametrize(
    ("tracklet_id", "camera_id"),
    [("cam1-0-7", "cam1"), ("front-door-12-3", "front-door"), ("a.b_c-1767261600-1", "a.b_c")],
)
def test_tracklet_id_names_its_camera(tracklet_id: str, camera_id: str) -> None:
    assert camera_of(tracklet_id) == camera_id


@pytest.mark.parametrize(
    "tracklet_id", ["", "cam1", "cam1-1", "-1-2", "cam1-x-2", "c}m-1-2", "cam1-1-²"]
)
def test_malformed_tracklet_id_is_refused(tracklet_id: str) -> None:
    with pytest.raises(ValueError, match="no tracklet id"):
        camera_of(tracklet_id)
