"""Commands reach the one matcher of a site, whether it runs or not, and it respects them."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator

import pytest

from config.schema import MatcherSettings
from matcher import command_client
from matcher.audit import StreamAudit
from matcher.camera_progress import CameraProgress
from matcher.command_client import CommandClient
from matcher.connection import Connection
from matcher.errors import RefusedError, StoreError
from matcher.keys import SiteKeys
from matcher.matcher import build_matcher
from matcher.operator_command import CommandKind, OperatorCommand
from matcher.records import Message, encode_message
from matcher.service import MatchService
from matcher.store import FeatureStore, Retention
from matcher.topology import Topology
from matcher.tracklet import Tracklet
from matcher.tracklet_stream import append_commands

MakeTracklet = Callable[..., Tracklet]
MakeProgress = Callable[..., CameraProgress]

KEYS = SiteKeys("shop")
WEEK = Retention(identities_s=604_800.0, thumbnails_s=86_400.0, events_s=31_536_000.0)
CAMERAS = ["cam1", "cam2"]


class Site:
    """A store, one service at a time, and an operator."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.store = FeatureStore(url, "shop", retention=WEEK)
        self.connection = Connection(url)
        self.client = CommandClient(
            url, "shop", store=self.store, topology=lambda: Topology(CAMERAS)
        )
        self.service: MatchService | None = None
        self._num = 0

    def start(self) -> MatchService:
        self.stop()
        settings = MatcherSettings(window_s=1.0, overlap=True, corrections=False, learn=False)
        self.service = MatchService(
            self.url,
            "shop",
            matcher=build_matcher(settings, CAMERAS),
            store=FeatureStore(self.url, "shop", retention=WEEK),
            max_delay_s=3.0,
            camera_ids=CAMERAS,
        )
        return self.service

    def stop(self) -> None:
        if self.service is not None:
            self.service.close()
            self.service = None

    def step(self) -> None:
        assert self.service is not None
        for _ in range(3):
            self.service.step(0.0)

    def publish(self, *messages: Message) -> None:
        self.connection.execute_all(
            [command for m in messages for command in append_commands(KEYS, encode_message(m))]
        )

    def command(self, kind: CommandKind, *ids: str) -> OperatorCommand:
        self._num += 1
        return OperatorCommand(f"c{self._num}", kind, ids, "ann", "because", 100.0)

    def send(self, kind: CommandKind, *ids: str) -> None:
        self.client._stream.send(self.command(kind, *ids))

    def who(self) -> dict[str, str]:
        return {
            sighting.tracklet_id: identity.identity_id
            for identity in self.store.identities()
            for sighting in self.store.sightings(identity.identity_id)
        }

    def close(self) -> None:
        self.stop()
        self.client.close()
        self.store.close()
        self.connection.close()


@pytest.fixture
def site(server_url: str) -> Iterator[Site]:
    site = Site(server_url)
    yield site
    site.close()


@pytest.fixture
def walk(make_tracklet: MakeTracklet, make_progress: MakeProgress) -> Callable[..., list[Message]]:
    """A person past a camera, and both cameras' progress: ``walk("cam1-1-4", person=2)``."""

    def make(tracklet_id: str, person: int, *, version: int = 1) -> list[Message]:
        camera_id, _, number = tracklet_id.split("-")
        at = 5.0 * int(number)
        tracklet = make_tracklet(
            int(number), person=person, started_s=at, camera_id=camera_id, version=version
        )
        return [
            dataclasses.replace(tracklet, is_final=True),
            make_progress(at + 4.0),
            make_progress(at + 4.0, camera_id="cam2"),
        ]

    return make


Walk = Callable[..., list[Message]]


def three_people(site: Site, walk: Walk) -> None:
    """P1, P2 and P3, one tracklet each, decided."""
    for number in (1, 2, 3):
        site.publish(*walk(f"cam1-1-{number}", person=number))
    site.step()
    assert site.who() == {"cam1-1-1": "P1", "cam1-1-2": "P2", "cam1-1-3": "P3"}


def test_running_matcher_carries_out_and_links_to_the_merged_identity(
    site: Site, walk: Walk
) -> None:
    service = site.start()
    three_people(site, walk)
    stop = threading.Event()
    running = threading.Thread(target=service.run, args=(stop,))
    running.start()
    number = site.client.carry_out(site.command("merge", "P1", "P2"), timeout_s=30.0)
    with pytest.raises(RefusedError, match="are one identity already"):
        site.client.carry_out(site.command("merge", "P1", "P2"), timeout_s=30.0)
    stop.set()
    running.join()

    assert number == 4
    site.publish(*walk("cam2-1-6", person=1), *walk("cam2-1-8", person=2))
    site.step()
    assert site.who()["cam2-1-6"] == site.who()["cam2-1-8"] == "P2"


def test_without_a_matcher_the_operator_does_it(site: Site, walk: Walk) -> None:
    site.start()
    three_people(site, walk)
    site.stop()

    assert site.client.carry_out(site.command("merge", "P1", "P2"), timeout_s=0.0) == 4

    site.start()
    site.publish(*walk("cam2-1-6", person=1))
    site.step()
    assert site.who()["cam2-1-6"] == "P2"


def test_matcher_that_does_not_answer_is_not_waited_for_for_ever(
    site: Site, walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_client, "_LOOK_AGAIN_S", 0.01)
    site.start()
    three_people(site, walk)
    command = site.command("merge", "P1", "P2")
    with pytest.raises(StoreError, match=r"matcher.*did not answer within 0 s"):
        site.client.carry_out(command, timeout_s=0.1)
    assert site.store.resolve("P1") == "P1"
    site.step()
    assert site.client.carry_out(command, timeout_s=0.0) == 4


def test_separated_people_stay_apart_and_a_confirmed_tracklet_stays(site: Site, walk: Walk) -> None:
    """The third tracklet is nearly the same person as the first, in its later version."""
    site.start()
    three_people(site, walk)
    site.send("separate", "P1", "P3")
    site.send("confirm", "P2", "cam1-1-2")
    site.publish(*walk("cam1-1-3", person=1, version=2), *walk("cam1-1-2", person=1, version=2))
    site.step()

    assert site.who() == {"cam1-1-1": "P1", "cam1-1-2": "P2", "cam1-1-3": "P3"}


def test_confirmed_tracklet_stands_for_its_identity_however_unlike(site: Site, walk: Walk) -> None:
    site.start()
    three_people(site, walk)
    site.send("confirm", "P1", "cam1-1-2")
    site.publish(*walk("cam2-1-6", person=2), *walk("cam2-1-8", person=1))
    site.step()

    assert site.who()["cam2-1-6"] == site.who()["cam2-1-8"] == "P1"


def test_message_of_a_forgotten_person_does_not_bring_them_back(site: Site, walk: Walk) -> None:
    site.start()
    three_people(site, walk)
    late = walk("cam1-1-2", person=2, version=2)
    site.publish(*late[:1])  # read, and not decided yet
    site.step()
    site.send("forget", "P2")
    site.publish(*late, *walk("cam2-1-6", person=2))
    site.step()
    site.publish(*late)
    site.start()
    site.step()

    assert site.who() == {"cam1-1-1": "P1", "cam1-1-3": "P3", "cam2-1-6": "P4"}
    audit = StreamAudit(site.url, "shop")
    site.publish(*late)
    assert audit.report(site.store).is_clean
    audit.close()
    site.step()
    entries = site.connection.execute("XRANGE", KEYS.tracklets, "-", "+")
    assert not any(b"cam1-1-2" in fields[1] for _, fields in entries)
    assert site.connection.execute("XPENDING", KEYS.tracklets, "matcher")[0] == 0


COMMANDS: list[tuple[CommandKind, *tuple[str, ...]]] = [
    ("merge", "P1", "P2"),
    ("separate", "P2", "P3"),
    ("split", "P2", "cam2-1-5"),
    ("undo", "merge"),
    ("confirm", "P3", "cam2-1-7"),
    ("undo", "separate"),
    ("forget", "P3"),
]
"""An undo names the kind of what it takes back."""


def kinds(site: Site) -> dict[str, int]:
    """Number of the last correction of each kind, in order."""
    return {e.correction.kind: e.number for e in site.store.events() if e.correction is not None}


def told(site: Site, walk: Walk, *, is_restarted: bool) -> list[object]:
    """All that was decided between these commands, and who is who at the end."""
    site.connection.execute("FLUSHALL")
    site.start()
    three_people(site, walk)
    for round_, (kind, *ids) in enumerate(COMMANDS):
        site.send(kind, *(str(kinds(site).get(name, name)) for name in ids))
        site.step()
        if is_restarted:
            site.start()
        for person in (1, 2, 3):
            number = 4 + 3 * round_ + person
            site.publish(*walk(f"cam{1 + number % 2}-1-{number}", person=person))
            site.step()
    assert list(kinds(site)) == ["merge", "separate", "split", "undo", "confirm", "forgotten"]
    decisions: list[object] = [event.decisions for event in site.store.events()]
    return [*decisions, site.who(), site.store.links.constraints_now()]


def test_matcher_that_was_told_decides_as_one_that_is_restarted(site: Site, walk: Walk) -> None:
    told_alive = told(site, walk, is_restarted=False)
    told_again = told(site, walk, is_restarted=True)

    assert told_alive == told_again
    assert len(told_alive) == 3 + 7 + 21 + 2
