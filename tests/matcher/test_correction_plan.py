"""What operators may do, what they may not, and that every correction can be taken back."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matcher.command_desk import CommandDesk
from matcher.command_stream import CommandStream
from matcher.connection import Connection
from matcher.constraints import Constraints
from matcher.correction import cannot, must
from matcher.errors import RefusedError
from matcher.keys import SiteKeys
from matcher.operator_command import Answer, CommandKind, OperatorCommand
from matcher.store import FeatureStore, Retention
from matcher.topology import CameraPair, Topology
from matcher.tracklet import Tracklet
from matcher.who_is_who import WhoIsWho

KEYS = SiteKeys("shop")
WEEK = Retention(identities_s=604_800.0, thumbnails_s=86_400.0, events_s=31_536_000.0)
CAMERAS = ["cam1", "cam2"]

See = Callable[..., Tracklet]


class Desk:
    """A store in which commands are carried out at once."""

    def __init__(self, url: str) -> None:
        self.connection = Connection(url)
        self.store = FeatureStore(url, "shop", retention=WEEK)
        pair = CameraPair(min_s=5.0)
        self.desk = CommandDesk(
            self.connection, KEYS, self.store, Topology(CAMERAS, [(("cam1", "cam2"), pair)])
        )
        self.stream = CommandStream(self.connection, KEYS)
        self._ids = itertools.count()

    def give(
        self, kind: CommandKind, *ids: str, is_forced: bool = False, command_id: str = ""
    ) -> int:
        """The number of the event.

        Raises:
            RefusedError: It was refused.
        """
        command_id = command_id or f"c{next(self._ids)}"
        command = OperatorCommand(command_id, kind, ids, "ann", "because", 100.0, is_forced)
        self.stream.send(command)
        self.desk.work()
        answer = self.stream.answer(command_id)
        assert answer is not None
        assert not self.stream.waiting()
        if answer.number is None:
            raise RefusedError(answer.refusal)
        return answer.number

    def who(self) -> dict[str, str]:
        """Identity by tracklet, as the indexes say."""
        return {
            sighting.tracklet_id: identity.identity_id
            for identity in self.store.identities()
            for sighting in self.store.sightings(identity.identity_id)
        }

    def close(self) -> None:
        self.store.close()
        self.connection.close()


@pytest.fixture
def desk(server_url: str, see: See) -> Iterator[Desk]:
    """P1: cam1-1-1, cam2-1-2, cam1-1-3; P2: cam1-1-4, cam2-1-5; P3: cam1-1-6."""
    desk = Desk(server_url)
    furnish(desk, see)
    yield desk
    desk.close()


def furnish(desk: Desk, see: See) -> None:
    for identity_id, *tracklet_ids in (
        ("P1", "cam1-1-1", "cam2-1-2", "cam1-1-3"),
        ("P2", "cam1-1-4", "cam2-1-5"),
        ("P3", "cam1-1-6"),
    ):
        for tracklet_id in tracklet_ids:
            see(desk.store, identity_id, tracklet_id)


def test_merged_identity_ends_and_its_id_leads_to_the_other(desk: Desk) -> None:
    last_seen_at = desk.store.identities()[0].last_seen_at
    number = desk.give("merge", "P1", "P2")

    assert number == 7
    assert set(desk.who().values()) == {"P2", "P3"}
    assert desk.store.resolve("P1") == "P2"
    assert desk.store.identity("P1") is None
    identity = desk.store.identity("P2")
    assert identity is not None
    assert (identity.num_sightings, identity.camera_ids) == (5, ("cam1", "cam2"))
    assert identity.last_seen_at > last_seen_at
    event = desk.store.event(number)
    assert event is not None
    assert event.correction is not None
    assert (event.correction.by, event.correction.why) == ("ann", "because")
    assert not event.correction.is_automatic
    sighting = desk.store.sighting("cam1-1-1")
    assert sighting is not None
    assert (sighting.identity_id, sighting.corrected_by, sighting.similarity) == ("P2", 7, 0.8)


def test_single_tracklet_of_a_merged_identity_counts_as_confirmed(desk: Desk) -> None:
    desk.give("merge", "P3", "P1")
    assert set(desk.store.links.constraints()) == {must("cam1-1-6", "P1")}
    with pytest.raises(RefusedError, match="cam1-1-6 was confirmed to be P1 by event 7"):
        desk.give("split", "P1", "cam1-1-6")
    desk.give("undo", "7")
    assert desk.store.links.constraints() == {}


def test_merging_by_an_old_id_merges_what_it_leads_to(desk: Desk) -> None:
    desk.give("merge", "P1", "P2")
    desk.give("merge", "P1", "P3")

    assert set(desk.who().values()) == {"P3"}
    assert desk.store.resolve("P1") == desk.store.resolve("P2") == "P3"
    assert desk.store.links.leading_to("P3") == ["P1", "P2"]


def test_split_tracklets_are_a_new_identity_that_is_somebody_else(desk: Desk) -> None:
    desk.give("split", "P1", "cam2-1-2", "cam1-1-3")

    assert desk.who()["cam2-1-2"] == desk.who()["cam1-1-3"] == "P4"
    assert desk.who()["cam1-1-1"] == "P1"
    assert desk.store.next_identity_number() == 5
    assert desk.store.links.constraints_now() == [cannot("P1", "P4")]
    with pytest.raises(RefusedError, match=r"P1 and P4 were declared to be different.*event 7"):
        desk.give("merge", "P4", "P1")


def test_confirmed_tracklet_comes_and_stays(desk: Desk) -> None:
    desk.give("confirm", "P1", "cam1-1-4")

    assert desk.who()["cam1-1-4"] == "P1"
    assert desk.store.links.constraints_now() == [must("cam1-1-4", "P1")]
    with pytest.raises(RefusedError, match="cam1-1-4 was confirmed to be P1 by event 7"):
        desk.give("split", "P1", "cam1-1-4")
    with pytest.raises(RefusedError, match="confirmed to be P1 already"):
        desk.give("confirm", "P1", "cam1-1-4")


def test_confirming_the_last_tracklet_lets_the_id_lead_on(desk: Desk) -> None:
    desk.give("confirm", "P1", "cam1-1-6")

    assert desk.store.resolve("P3") == "P1"
    desk.give("undo", "7")
    assert desk.store.resolve("P3") == "P3"
    assert desk.who()["cam1-1-6"] == "P3"


def test_constraints_follow_merged_ids(desk: Desk) -> None:
    desk.give("separate", "P1", "P2")
    desk.give("confirm", "P2", "cam1-1-4")
    desk.give("merge", "P2", "P3")

    assert desk.store.links.constraints_now() == [
        cannot("P1", "P3"),
        must("cam1-1-4", "P3"),
        must("cam1-1-6", "P3"),
    ]
    with pytest.raises(RefusedError, match=r"P1 and P2 were declared.*undo 7"):
        desk.give("merge", "P1", "P3")
    desk.give("undo", "9")
    assert desk.store.links.constraints_now() == [cannot("P1", "P2"), must("cam1-1-4", "P2")]


def test_separated_tracklets_are_never_joined(desk: Desk) -> None:
    desk.give("separate", "cam1-1-1", "cam1-1-4")

    for kind, *ids in (("merge", "P1", "P2"), ("confirm", "P1", "cam1-1-4")):
        with pytest.raises(RefusedError, match="different people by event 7"):
            desk.give(kind, *ids)  # type: ignore[arg-type]
    desk.give("confirm", "P1", "cam2-1-5")


@pytest.mark.parametrize(
    ("kind", "ids", "reason"),
    [
        ("merge", ["P1", "P1"], "merged with itself"),
        ("merge", ["P1", "P9"], "no identity 'P9'"),
        ("merge", ["P1", "cam1-1-4"], "no identity"),
        ("merge", ["P1"], "takes 2 ids"),
        ("split", ["P1"], "at least one tracklet"),
        ("split", ["P1", "cam1-1-4"], "cam1-1-4 is P2, not P1"),
        ("split", ["P3", "cam1-1-6"], "must leave at least one"),
        ("split", ["P1", "cam1-1-99"], "no tracklet 'cam1-1-99'"),
        ("split", ["P1", "nonsense"], "no tracklet id"),
        ("confirm", ["P9", "cam1-1-1"], "no identity 'P9'"),
        ("separate", ["P1", "P1"], "are one identity now"),
        ("separate", ["P1", "cam1-1-1"], "identities split P1"),
        ("separate", ["cam1-1-1", "cam2-1-2"], "are one identity now"),
        ("undo", ["3"], "window of the matcher's decisions"),
        ("undo", ["99"], "no event 99"),
        ("undo", ["x"], "number of one event"),
        ("forget", ["P9"], "no identity 'P9'"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    desk: Desk, kind: CommandKind, ids: list[str], reason: str
) -> None:
    before = desk.who()
    with pytest.raises(RefusedError, match=reason):
        desk.give(kind, *ids)
    assert desk.who() == before
    assert len(list(desk.store.events())) == 6


def test_identities_of_two_spaces_are_not_merged(desk: Desk, see: See) -> None:
    see(desk.store, "P4", "cam1-1-9", space="other:1")

    for kind, *ids in (("merge", "P4", "P1"), ("confirm", "P1", "cam1-1-9")):
        with pytest.raises(RefusedError, match=r"space other:1.*test:1"):
            desk.give(kind, *ids)  # type: ignore[arg-type]


@pytest.mark.parametrize(("tracklet_id", "started_s"), [("cam1-1-7", 10.5), ("cam2-1-7", 12.0)])
def test_what_place_and_time_forbid_needs_force_and_then_holds(
    desk: Desk, see: See, tracklet_id: str, started_s: float
) -> None:
    """P1 is in cam1 from 10 to 10.9; the way to cam2 takes 5 seconds."""
    see(desk.store, "P4", tracklet_id, started_s=started_s)

    with pytest.raises(RefusedError, match=f"{tracklet_id} and cam1-1-1 cannot be one person"):
        desk.give("merge", "P4", "P1")
    desk.give("merge", "P4", "P1", is_forced=True)

    assert desk.who()[tracklet_id] == "P1"
    assert set(desk.store.links.constraints()) == {must(tracklet_id, "P1"), must("cam1-1-1", "P1")}
    desk.give("undo", "8")
    assert desk.store.links.constraints() == {}


def test_undo_is_refused_when_later_events_built_on_it(desk: Desk) -> None:
    desk.give("merge", "P1", "P2")
    desk.give("merge", "P2", "P3")
    with pytest.raises(RefusedError, match=r"is P3 by now.*event 8 \(merge\): undo that first"):
        desk.give("undo", "7")
    desk.give("undo", "8")
    desk.give("undo", "7")
    assert set(desk.who().values()) == {"P1", "P2", "P3"}
    with pytest.raises(RefusedError, match="event 10 took it back"):
        desk.give("undo", "7")


def test_undo_is_refused_when_the_home_became_part_of_another(desk: Desk) -> None:
    desk.give("split", "P1", "cam1-1-3")
    desk.give("merge", "P1", "P2")
    with pytest.raises(RefusedError, match="P1 became part of P2 since event 7"):
        desk.give("undo", "7")


def test_tracklet_that_came_after_a_merge_stays_when_it_is_undone(desk: Desk, see: See) -> None:
    desk.give("merge", "P1", "P2")
    see(desk.store, "P2", "cam2-1-8")
    desk.give("undo", "7")
    assert desk.who()["cam2-1-8"] == "P2"
    assert desk.who()["cam1-1-1"] == "P1"


def test_command_that_is_sent_again_is_carried_out_once(desk: Desk) -> None:
    number = desk.give("split", "P1", "cam1-1-3", command_id="same")
    assert desk.give("split", "P1", "cam1-1-3", command_id="same") == number
    assert len(list(desk.store.events())) == 7
    assert desk.stream.answer("same") == Answer(number)


# --- any sequence of commands -------------------------------------------------------------------

identities = st.sampled_from([f"P{n}" for n in range(1, 8)])
tracklets = st.sampled_from(
    ["cam1-1-1", "cam2-1-2", "cam1-1-3", "cam1-1-4", "cam2-1-5", "cam1-1-6"]
)
names = st.one_of(identities, tracklets)
some_tracklets = st.lists(tracklets, min_size=1, max_size=3, unique=True)
commands = st.one_of(
    st.tuples(st.just("merge"), identities, identities),
    st.builds(lambda i, ts: ("split", i, *ts), identities, some_tracklets),
    st.builds(lambda i, ts: ("confirm", i, *ts), identities, some_tracklets),
    st.tuples(st.just("separate"), names, names),
    st.tuples(st.just("undo"), st.integers(7, 16).map(str)),
    st.tuples(st.just("see"), identities),
)


def stored(desk: Desk) -> tuple[dict[str, str], dict[str, str], object]:
    return desk.who(), desk.store.links.aliases(), desk.store.links.constraints()


def check(desk: Desk, num_tracklets: int) -> None:
    """What must always hold."""
    who = desk.who()
    assert len(who) == num_tracklets
    aliases = desk.store.links.aliases()
    assert not set(aliases) & set(who.values())
    for tracklet_id, identity_id in who.items():
        sighting = desk.store.sighting(tracklet_id)
        assert sighting is not None
        assert sighting.identity_id == identity_id
    for number in range(1, desk.store.next_identity_number()):
        assert desk.store.resolve(f"P{number}") in set(who.values())
    constraints = Constraints(desk.store.links.constraints_now())
    for tracklet_id, identity_id in who.items():
        assert not constraints.forbid(tracklet_id, identity_id, who.get)
        assert constraints.home(tracklet_id) in (None, identity_id)
    replayed = WhoIsWho()
    for event in desk.store.events():
        replayed.follow(event)
    assert {t: d.identity_id for t, d in replayed.decisions.items()} == who
    assert replayed.aliases == aliases
    assert replayed.constraints == desk.store.links.constraints()
    assert {i.identity_id: i for i in replayed.identities()} == {
        i.identity_id: i for i in desk.store.identities()
    }


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(commands, min_size=1, max_size=10))
def test_any_commands_leave_a_sound_store_and_each_can_be_undone_and_redone(
    server_url: str, see: See, given_commands: list[tuple[Any, ...]]
) -> None:
    desk = Desk(server_url)
    desk.connection.execute("FLUSHALL")
    furnish(desk, see)
    num_tracklets = 6
    for kind, *ids in given_commands:
        if kind == "see":
            if desk.store.identity(ids[0]) is not None:
                num_tracklets += 1
                see(desk.store, ids[0], f"cam1-1-{num_tracklets}")
            continue
        before = stored(desk)
        num_events = len(list(desk.store.events()))
        try:
            number = desk.give(kind, *ids)
        except RefusedError:
            assert stored(desk) == before
            assert len(list(desk.store.events())) == num_events
            continue
        check(desk, num_tracklets)
        after = stored(desk)
        undone = desk.give("undo", str(number))
        check(desk, num_tracklets)
        assert stored(desk)[0] == before[0]
        assert stored(desk)[1].items() >= before[1].items()
        assert set(stored(desk)[2]) == set(before[2])  # type: ignore[call-overload]
        desk.give("undo", str(undone))
        check(desk, num_tracklets)
        assert stored(desk)[:2] == after[:2]
    desk.close()
