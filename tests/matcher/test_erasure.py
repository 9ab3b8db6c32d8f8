"""A forgotten person leaves nothing but the fact."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matcher.append_only_file import rewrite
from matcher.command_desk import CommandDesk
from matcher.command_stream import CommandStream
from matcher.connection import Connection
from matcher.embedded import EmbeddedServer
from matcher.errors import RefusedError
from matcher.keys import SiteKeys
from matcher.operator_command import CommandKind, OperatorCommand
from matcher.reasons import LikeExemplar, Reasons
from matcher.records import encode_message, encode_thumbnails
from matcher.residue import ResidueSearch, search_files
from matcher.store import FeatureStore, Retention
from matcher.topology import Topology
from matcher.tracklet import Tracklet
from matcher.tracklet_stream import TrackletReader, append_commands

KEYS = SiteKeys("shop")
WEEK = Retention(identities_s=604_800.0, thumbnails_s=86_400.0, events_s=31_536_000.0)

See = Callable[..., Tracklet]


class Site:
    """A store whose commands are carried out at once."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection = Connection(url)
        self.store = FeatureStore(url, "shop", retention=WEEK)
        topology = Topology(["cam1", "cam2"])
        self._desk = CommandDesk(self.connection, KEYS, self.store, topology)
        self._stream = CommandStream(self.connection, KEYS)
        self._num = 0

    def give(self, kind: CommandKind, *ids: str) -> int:
        self._num += 1
        command_id = f"c{self._num}"
        self._stream.send(OperatorCommand(command_id, kind, ids, "ann", "as P2 asked", 100.0))
        self._desk.work()
        answer = self._stream.answer(command_id)
        assert answer is not None
        if answer.number is None:
            raise RefusedError(answer.refusal)
        return answer.number

    def who(self) -> dict[str, str]:
        return {
            sighting.tracklet_id: identity.identity_id
            for identity in self.store.identities()
            for sighting in self.store.sightings(identity.identity_id)
        }

    def close(self) -> None:
        self.store.close()
        self.connection.close()


def furnish(site: Site, see: See) -> None:
    """P1 and P2 with two tracklets each, P3 with one that was nearly P2; all in the stream."""
    reasons = Reasons(
        0.9, 0.5, 4.0, "cam1-1-3", (LikeExemplar("cam1-1-3", 0.7), LikeExemplar("cam1-1-1", 0.6))
    )
    messages = [
        see(site.store, "P1", "cam1-1-1"),
        see(site.store, "P1", "cam2-1-2"),
        see(site.store, "P2", "cam1-1-3"),
        see(site.store, "P2", "cam2-1-4"),
        see(
            site.store,
            "P3",
            "cam1-1-33",
            runner_up_id="P2",
            runner_up_probability=0.4,
            reasons=reasons,
        ),
    ]
    for message in messages:
        site.connection.execute_all(append_commands(KEYS, encode_message(message)))


@pytest.fixture
def site(server_url: str, see: See) -> Iterator[Site]:
    site = Site(server_url)
    furnish(site, see)
    yield site
    site.close()


def test_forgotten_person_is_nowhere(site: Site) -> None:
    search = ResidueSearch(site.url, "shop")
    traces = search.traces(site.store, "P2")
    assert (traces.num_features, traces.num_thumbnails) == (2, 2)
    assert traces.names == {"P2", "cam1-1-3", "cam2-1-4"}
    assert search.keys(traces).found

    number = site.give("forget", "P2")

    residue = search.keys(traces)
    search.close()
    assert residue.found == ()
    assert residue.num_places > 10
    assert set(site.who()) == {"cam1-1-1", "cam2-1-2", "cam1-1-33"}
    event = site.store.event(number)
    assert event is not None
    assert event.correction is not None
    assert (event.correction.kind, event.correction.subject_ids) == ("forgotten", ("P2",))
    assert not event.correction.effects
    assert site.store.links.forgotten() == traces.names
    assert site.connection.execute("XLEN", KEYS.tracklets) == 3
    with pytest.raises(RefusedError, match="P2 was forgotten"):
        site.give("merge", "P1", "P2")


def test_id_is_not_found_in_an_image_where_it_is_by_accident(site: Site, see: See) -> None:
    other = see(site.store, "P1", "cam1-1-8")
    record = encode_message(dataclasses.replace(other, version=2, thumbnails=(b"P2 and P2",)))
    site.connection.execute("XADD", KEYS.tracklets, "*", "record", record)
    site.connection.execute("SET", KEYS.thumbnails("cam1-1-8"), encode_thumbnails([b"\x00P2\x00"]))
    search = ResidueSearch(site.url, "shop")
    traces = search.traces(site.store, "P2")
    site.give("forget", "P2")
    assert search.keys(traces).found == ()
    search.close()


def test_others_lose_only_the_tie(site: Site) -> None:
    site.give("forget", "P2")

    sighting = site.store.sighting("cam1-1-33")
    assert sighting is not None
    assert (sighting.runner_up_id, sighting.runner_up_probability) == (None, None)
    assert sighting.reasons == Reasons(0.9, 0.5, None, None, (LikeExemplar("cam1-1-1", 0.6),))
    decision = next(site.store.events(after=4)).decisions[0]
    assert decision.runner_up_id is None
    assert decision.reasons == sighting.reasons
    assert [event.number for event in site.store.events()] == [1, 2, 3, 4, 5, 6]
    assert site.store.thumbnails("cam1-1-1")


def test_old_id_of_a_merged_person_forgets_the_whole_person(site: Site) -> None:
    site.give("merge", "P1", "P2")
    site.give("confirm", "P2", "cam2-1-2")
    search = ResidueSearch(site.url, "shop")
    traces = search.traces(site.store, "P1")

    site.give("forget", "P1")

    assert set(site.who()) == {"cam1-1-33"}
    assert search.keys(traces).found == ()
    search.close()
    assert site.store.links.aliases() == {}
    assert site.store.links.constraints() == {}
    merge = site.store.event(6)
    assert merge is not None
    assert merge.correction is not None
    assert (merge.correction.kind, merge.correction.why) == ("merge", "")
    assert not merge.correction.effects
    with pytest.raises(RefusedError, match="P1 was forgotten"):
        site.give("separate", "P1", "P3")


def test_tracklet_that_was_taken_for_the_person_once_keeps_its_own_past(site: Site) -> None:
    site.give("confirm", "P1", "cam1-1-3")
    site.give("forget", "P2")

    assert site.who()["cam1-1-3"] == "P1"
    decision = next(site.store.events(after=2)).decisions[0]
    assert (decision.tracklet_id, decision.identity_id) == ("cam1-1-3", "P1")
    restored = {d.tracklet_id: d.identity_id for d, _ in site.store.restore()}
    assert restored == site.who()


def test_letters_that_could_not_be_delivered_are_erased_too(
    site: Site, connection: Connection, see: See, shop: FeatureStore
) -> None:
    reader = TrackletReader(connection, KEYS, dead_letters_s=100.0)
    reader.open()
    mine = see(shop, "P2", "cam1-1-9")
    reader.set_aside("1-1", encode_message(mine), "no")
    reader.set_aside("1-2", encode_message(mine)[:-30], "cut off")
    reader.set_aside("1-3", b"rubbish", "rubbish")

    site.store.complete_cut_off()
    site.give("forget", "P2")

    assert connection.execute("XLEN", KEYS.dead_letters) == 1


def test_identity_numbers_are_not_given_again(site: Site) -> None:
    site.give("forget", "P3")
    site.give("split", "P1", "cam1-1-1")
    assert site.who()["cam1-1-1"] == "P4"


def test_file_of_the_server_holds_nothing_after_it_is_written_anew(
    server: EmbeddedServer, tmp_path: Path, see: See
) -> None:
    site = Site(server.url)
    furnish(site, see)
    search = ResidueSearch(server.url, "shop")
    traces, others = (search.traces(site.store, name) for name in ("P2", "P1"))
    folders = [tmp_path / "data" / "store", tmp_path / "data" / "spool"]
    assert search_files(folders, traces).found

    site.give("forget", "P2")
    assert search_files(folders, traces).found
    assert rewrite(site.connection, timeout_s=30.0)

    residue = search_files(folders, traces)
    assert residue.found == ()
    assert residue.num_places >= 3
    assert search_files(folders, others).found
    search.close()
    site.close()


orders = st.lists(
    st.sampled_from(
        [
            ("merge", "P1", "P2"),
            ("merge", "P2", "P1"),
            ("merge", "P3", "P2"),
            ("split", "P1", "cam1-1-1"),
            ("split", "P2", "cam1-1-3"),
            ("confirm", "P3", "cam1-1-1"),
            ("confirm", "P1", "cam1-1-3"),
            ("separate", "cam1-1-1", "cam1-1-33"),
            ("undo", "6"),
            ("undo", "7"),
        ]
    ),
    max_size=6,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(orders, st.sampled_from(["P1", "P2", "P3", "P4"]))
def test_whatever_was_corrected_before_nothing_is_left(
    server_url: str, see: See, given_orders: list[tuple[CommandKind, str, str]], person: str
) -> None:
    site = Site(server_url)
    site.connection.execute("FLUSHALL")
    furnish(site, see)
    for kind, *ids in given_orders:
        try:
            site.give(kind, *ids)
        except RefusedError:
            continue
    search = ResidueSearch(server_url, "shop")
    traces = search.traces(site.store, person)
    others = {t: i for t, i in site.who().items() if t not in traces.names}
    try:
        site.give("forget", person)
    except RefusedError:
        assert site.store.identity(site.store.resolve(person)) is None
    else:
        assert search.keys(traces).found == ()
        assert site.who() == others
        assert {d.tracklet_id: d.identity_id for d, _ in site.store.restore()} == others
    search.close()
    site.close()
