from __future__ import annotations

import dataclasses
import itertools
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from config.schema import MatcherSettings
from matcher import lease as lease_module
from matcher import service as service_module
from matcher.audit import AuditReport, StreamAudit
from matcher.camera_progress import CameraGap, CameraProgress
from matcher.connection import Argument, Command, Connection
from matcher.correction import Constraint
from matcher.decision import Decision
from matcher.embedded import EmbeddedServer
from matcher.errors import OtherMatcherError, SpaceError, StoreError, StoreUnavailableError
from matcher.keys import SiteKeys
from matcher.match_status import MatchStatus
from matcher.matcher import Matcher, Step, build_matcher
from matcher.publisher import Publisher
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


class LikenessMatcher:
    """Equal features are one identity; windows of a second; otherwise the contract of `Matcher`."""

    def __init__(self, camera_ids: Sequence[str]) -> None:
        self._watermarks = dict.fromkeys(camera_ids, float("-inf"))
        self._pending: dict[tuple[str, int], Tracklet] = {}
        self._decided: dict[str, int] = {}
        self._identities: dict[bytes, str] = {}
        self._next_number = 1
        self.topology = Topology(camera_ids)

    def restore(
        self, decided: Iterable[tuple[Decision, Tracklet]], *, next_identity_number: int
    ) -> None:
        for decision, tracklet in decided:
            self._decided[decision.tracklet_id] = decision.version
            self._identities.setdefault(tracklet.feature.tobytes(), decision.identity_id)
        self._next_number = next_identity_number

    def offer(self, message: Tracklet | CameraProgress) -> None:
        if isinstance(message, CameraProgress):
            is_over = message.state in ("lost", "ended")
            self._watermarks[message.camera_id] = float("inf") if is_over else message.watermark_at
            return
        if message.space != "test:1":
            raise SpaceError(f"space {message.space!r} is not ours")
        if message.version > self._decided.get(message.tracklet_id, 0):
            self._pending[message.tracklet_id, message.version] = message

    def respect(self, constraints: Iterable[Constraint]) -> None:
        assert not list(constraints)

    def steps(self, *, stalled: Collection[str] = ()) -> list[Step]:
        waited_for = [at for name, at in self._watermarks.items() if name not in stalled]
        return [*self._decide_before(min(waited_for, default=float("inf")))]

    def last_steps(self) -> list[Step]:
        return [*self._decide_before(float("inf"))]

    def expire(self, _: float) -> int:
        return 0

    @property
    def pending(self) -> frozenset[tuple[str, int]]:
        return frozenset(self._pending)

    def _decide_before(self, horizon: float) -> list[list[Decision]]:
        due = [t for t in self._pending.values() if t.emitted_at // 1 + 1 <= horizon]
        due.sort(key=lambda t: (t.emitted_at // 1, t.tracklet_id, t.version))
        windows = itertools.groupby(due, lambda t: t.emitted_at // 1)
        return [[self._decision(tracklet) for tracklet in group] for _, group in windows]

    def _decision(self, tracklet: Tracklet) -> Decision:
        likeness = tracklet.feature.tobytes()
        is_new = likeness not in self._identities
        if is_new:
            self._identities[likeness] = f"P{self._next_number}"
            self._next_number += 1
        is_first = tracklet.tracklet_id not in self._decided
        self._decided[tracklet.tracklet_id] = tracklet.version
        del self._pending[tracklet.tracklet_id, tracklet.version]
        return Decision(
            tracklet_id=tracklet.tracklet_id,
            version=tracklet.version,
            camera_id=tracklet.camera_id,
            started_at=tracklet.started_at,
            ended_at=tracklet.ended_at,
            is_final=tracklet.is_final,
            identity_id=self._identities[likeness],
            is_new=is_new,
            is_first=is_first,
            similarity=None if is_new else 1.0,
            probability=0.9,
            runner_up_id=None,
            runner_up_probability=None,
            decided_at=tracklet.emitted_at // 1 + 1,
        )


@pytest.fixture(autouse=True)
def brief_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "LEASE_S", 2.0)
    monkeypatch.setattr(service_module, "LONGEST_PAUSE_S", 0.2)
    monkeypatch.setattr(service_module, "WAIT_S", 0.05)
    monkeypatch.setattr(service_module, "BLOCK_S", 0.05)


class Site:
    """A store, and services on it as they come and go."""

    def __init__(self, url: str, camera_ids: Sequence[str] = ("cam1", "cam2")) -> None:
        self.url = url
        self.camera_ids = camera_ids
        self.store = FeatureStore(url, "shop", retention=WEEK)
        self.connection = Connection(url)
        self._services: list[MatchService] = []

    def service(
        self, *, now: Callable[[], float] = time.monotonic, matcher: Matcher | None = None
    ) -> MatchService:
        service = MatchService(
            self.url,
            "shop",
            matcher=matcher or cast("Matcher", LikenessMatcher(self.camera_ids)),
            store=FeatureStore(self.url, "shop", retention=WEEK),
            max_delay_s=3.0,
            camera_ids=self.camera_ids,
            now=now,
        )
        self._services.append(service)
        return service

    def publish(self, *messages: Message) -> None:
        self.connection.execute_all(
            [command for m in messages for command in append_commands(KEYS, encode_message(m))]
        )

    def who(self) -> dict[str, list[str]]:
        """Tracklets by identity."""
        return {
            identity.identity_id: [
                s.tracklet_id for s in self.store.sightings(identity.identity_id)
            ]
            for identity in self.store.identities()
        }

    def num_pending(self) -> int:
        return int(self.connection.execute("XPENDING", KEYS.tracklets, "matcher")[0])

    def audit(self) -> AuditReport:
        audit = StreamAudit(self.url, "shop")
        report = audit.report(self.store)
        audit.close()
        return report

    def close(self) -> None:
        for service in self._services:
            service.close()
            service._store.close()
            service._connection.close()
        self.store.close()
        self.connection.close()


@pytest.fixture
def site(server_url: str) -> Iterator[Site]:
    site = Site(server_url)
    yield site
    site.close()


@pytest.fixture
def messages(make_tracklet: MakeTracklet, make_progress: MakeProgress) -> list[Message]:
    """Two people who walk past two cameras, and the end of both files."""
    return [
        make_tracklet(1, person=1, started_s=0.0),
        make_progress(2.0),
        make_progress(2.0, camera_id="cam2"),
        make_tracklet(1, person=1, started_s=0.0, version=2),
        make_tracklet(2, person=2, started_s=3.0),
        make_tracklet(1, person=1, started_s=5.0, camera_id="cam2"),
        make_progress(6.5),
        make_progress(6.5, camera_id="cam2"),
        make_tracklet(2, person=2, started_s=8.0, camera_id="cam2"),
        CameraGap("cam1", 1.0, 2.0, "silent"),
        make_progress(10.0, state="ended"),
        make_progress(10.0, camera_id="cam2", state="ended"),
    ]


WHO = {"P1": ["cam1-1-1", "cam2-1-1"], "P2": ["cam1-1-2", "cam2-1-2"]}


def test_published_tracklets_become_identities(site: Site, messages: list[Message]) -> None:
    site.publish(*messages)
    service = site.service()
    statuses: list[MatchStatus] = []
    service.run(threading.Event(), until_ended=True, on_status=statuses.append)
    assert site.who() == WHO
    assert site.num_pending() == 0
    assert site.audit().is_clean
    assert site.store.gaps("cam1") == [CameraGap("cam1", 1.0, 2.0, "silent")]
    last = statuses[-1]
    assert (last.num_identities, last.num_tracklets, last.num_decisions) == (2, 4, 5)
    assert (last.num_pending, last.num_poison) == (0, 0)
    assert last.is_active
    assert last.is_connected


def test_tracklet_is_decided_when_every_camera_has_passed_it_and_acknowledged_then(
    site: Site, make_tracklet: MakeTracklet, make_progress: MakeProgress
) -> None:
    service = site.service()
    site.publish(make_tracklet(1), make_progress(5.0))
    assert service.step(0.0) == 0
    assert site.num_pending() == 1
    assert service.status.num_pending == 1
    site.publish(make_progress(5.0, camera_id="cam2"))
    assert service.step(0.0) == 1
    assert site.num_pending() == 0


def test_message_delivered_twice_is_applied_once(
    site: Site, messages: list[Message], make_tracklet: MakeTracklet
) -> None:
    site.publish(*messages[:4], *messages[1:], make_tracklet(1, person=1))
    site.service().run(threading.Event(), until_ended=True)
    report = site.audit()
    assert report.is_clean
    assert report.num_repeated == 2
    assert report.num_published == report.num_decided == 5
    assert site.who() == WHO
    assert site.num_pending() == 0


class DyingConnection:
    """A connection that carries out so many commands; then the process is dead."""

    def __init__(self, connection: Connection, budget: Iterator[int]) -> None:
        self._connection = connection
        self._budget = budget

    def execute(self, *command: Argument) -> Any:
        return self.execute_all([command])[0]

    def execute_all(self, commands: Sequence[Command]) -> list[Any]:
        replies = []
        for command in commands:
            if next(self._budget, None) is None:
                raise StoreUnavailableError("dead")
            replies.append(self._connection.execute(*command))
        return replies

    def close(self) -> None:
        self._connection.close()


def let_die(service: MatchService, after: int) -> None:
    """Steps until so many commands were carried out."""
    budget = iter(range(after))
    service._store.close()
    dying = cast("Connection", DyingConnection(service._connection, budget))
    store = service._store
    service._reader._connection = dying
    store._connection = store._events._connection = store._projection._connection = dying
    try:
        for _ in range(20):
            service.step(0.0)
    except StoreError:
        pass
    service._lease.release()


@pytest.mark.parametrize("stride", [3, 7, 23, 40])
def test_service_that_dies_at_any_command_is_followed_by_one_that_finishes(
    site: Site, messages: list[Message], stride: int
) -> None:
    """Each life is a little longer than the last, until one gets through."""
    site.publish(*messages)
    for after in range(5, 200, stride):
        let_die(site.service(), after)
    final = site.service()
    final.step(0.0)
    final.step(0.0)
    assert site.who() == WHO
    assert site.audit().is_clean
    assert site.num_pending() == 0


def crossing_walks(make_tracklet: MakeTracklet, make_progress: MakeProgress) -> list[Message]:
    """Six people on both cameras, in versions; cam2 comes in bursts, far behind cam1."""
    first: list[tuple[float, Message]] = []
    second: list[tuple[float, Message]] = []
    for step in range(24):
        person, at = step % 6, 2.0 * step
        for version, delay in ((1, 0.0), (2, 0.7)):
            one = make_tracklet(step, person=person, started_s=at + delay, version=version)
            two = make_tracklet(
                step, person=person, started_s=at + 5.0 + delay, version=version, camera_id="cam2"
            )
            here, there = (dataclasses.replace(t, is_final=version == 2) for t in (one, two))
            first.append((at + delay, here))
            second.append((5.0 * (at // 15) * 3 + 20.0, there))
        first.append((at + 1.9, make_progress(at + 1.9)))
        second.append((5.0 * (at // 15) * 3 + 20.0, make_progress(at + 6.9, camera_id="cam2")))
    ends: list[tuple[float, Message]] = [
        (1000.0, make_progress(100.0, state="ended")),
        (1000.0, make_progress(100.0, camera_id="cam2", state="ended")),
    ]
    return [message for _, message in sorted([*first, *second, *ends], key=lambda pair: pair[0])]


@pytest.mark.parametrize("stride", [11, 17])
def test_real_matcher_decides_the_same_however_often_its_service_dies(
    site: Site, make_tracklet: MakeTracklet, make_progress: MakeProgress, stride: int
) -> None:
    messages = crossing_walks(make_tracklet, make_progress)

    def real_service() -> MatchService:
        settings = MatcherSettings(window_s=1.0, overlap=True)
        return site.service(matcher=build_matcher(settings, site.camera_ids))

    site.publish(*messages)
    undisturbed = real_service()
    undisturbed.run(threading.Event(), until_ended=True)
    undisturbed.close()
    expected = [event.decisions for event in site.store.events()]
    assert len(site.who()) == 6
    site.connection.execute("FLUSHALL")

    for life, start in enumerate(range(0, len(messages), 9)):
        site.publish(*messages[start : start + 9])
        let_die(real_service(), 20 + stride * (life % 7))
    final = real_service()
    final.run(threading.Event(), until_ended=True)
    assert [event.decisions for event in site.store.events()] == expected
    assert site.audit().is_clean
    assert site.num_pending() == 0


def test_restarted_service_goes_on_with_numbers_and_identities(
    site: Site, messages: list[Message]
) -> None:
    site.publish(*messages[:3])
    first = site.service()
    first.step(0.0)
    first.close()
    site.publish(*messages[3:10])
    second = site.service()
    second.step(0.0)
    assert second.status.num_tracklets == 2
    second.close()
    site.publish(*messages[10:])
    third = site.service()
    third.step(0.0)  # what was pending
    third.step(0.0)  # what is new
    assert site.who() == WHO


def test_watermarks_outlive_a_restart(
    site: Site, make_tracklet: MakeTracklet, make_progress: MakeProgress
) -> None:
    site.publish(make_progress(9.0), make_progress(9.0, camera_id="cam2"))
    first = site.service()
    first.step(0.0)
    first.close()
    site.publish(make_tracklet(1))
    assert site.service().step(0.0) == 1


def test_poison_is_put_aside_and_counted(site: Site, messages: list[Message]) -> None:
    site.publish(*messages[:3])
    site.connection.execute("XADD", KEYS.tracklets, "*", "record", b"rubbish")
    site.publish(*messages[3:])
    service = site.service()
    service.run(threading.Event(), until_ended=True)
    assert service.status.num_poison == 1
    assert site.who() == WHO
    assert site.num_pending() == 0


def test_tracklet_that_the_matcher_cannot_take_is_put_aside(
    site: Site, messages: list[Message], make_tracklet: MakeTracklet
) -> None:
    site.publish(dataclasses.replace(make_tracklet(9), space="other:2"), *messages)
    service = site.service()
    service.run(threading.Event(), until_ended=True)
    assert service.status.num_poison == 1
    assert site.who() == WHO
    letters = site.connection.execute("XRANGE", KEYS.dead_letters, "-", "+")
    assert b"other:2" in letters[0][1][3]


def test_second_service_waits_and_says_so_and_takes_over(
    site: Site, messages: list[Message], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first, second = site.service(), site.service()
    site.publish(*messages[:3])
    assert first.step(0.0) == 1
    site.publish(*messages[3:])
    assert second.step(0.0) == 0
    assert second.step(0.0) == 0
    assert not second.status.is_active
    assert caplog.text.count("another matcher") == 1
    first.close()
    assert second.step(0.0) == 4
    assert second.status.is_active
    assert site.who() == WHO


def test_service_that_overslept_its_lease_stops(site: Site, messages: list[Message]) -> None:
    service = site.service()
    site.publish(*messages[:3])
    service.step(0.0)
    site.connection.execute("SET", KEYS.lease, "another")
    while service.status.is_active:
        time.sleep(0.05)
    with pytest.raises(OtherMatcherError, match="another"):
        service.run(threading.Event())


def test_live_camera_that_falls_silent_holds_the_others_up_only_for_its_delay(
    site: Site, make_tracklet: MakeTracklet, make_progress: MakeProgress
) -> None:
    clock = [100.0]
    service = site.service(now=lambda: clock[0])
    site.publish(
        make_progress(0.0, is_live=True), make_progress(0.0, camera_id="cam2", is_live=True)
    )
    service.step(0.0)
    site.publish(make_tracklet(1), make_progress(5.0, is_live=True))
    clock[0] = 102.0
    assert service.step(0.0) == 0
    clock[0] = 103.5
    assert service.step(0.0) == 1


def test_stopped_service_finishes_what_is_in_the_stream(
    site: Site, messages: list[Message]
) -> None:
    stop = threading.Event()
    service = site.service()
    site.publish(*messages[:3])
    service.step(0.0)
    site.publish(*messages[3:9])  # nobody has said that cam1 and cam2 are past the last one
    stop.set()
    service.run(stop)
    assert site.who() == WHO
    assert site.num_pending() == 0


def test_stopped_service_that_never_was_active_ends_at_once() -> None:
    site = Site("unix:///no/such.socket")
    stop = threading.Event()
    stop.set()
    site.service().run(stop)
    site.close()


def test_store_away_at_the_start_and_in_the_middle_loses_nothing(
    tmp_path: Path, messages: list[Message], caplog: pytest.LogCaptureFixture
) -> None:
    server = EmbeddedServer(tmp_path)
    url = server.start()

    def kill() -> None:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)

    kill()
    site = Site(url)
    service = site.service()
    stop = threading.Event()
    statuses: list[MatchStatus] = []
    running = threading.Thread(
        target=service.run, args=(stop,), kwargs={"until_ended": True, "on_status": statuses.append}
    )
    running.start()
    publisher = Publisher(url, "shop", spool_folder=tmp_path / "spool", spool_max_mb=16)
    for message in messages:
        publisher.publish(message)
        time.sleep(0.1)
        if message in (messages[3], messages[8]):
            server.ensure_alive()
            time.sleep(0.3)
            kill()
    server.ensure_alive()
    assert publisher.flush(10)
    running.join(15)
    assert not running.is_alive()
    publisher.close()
    assert site.who() == WHO
    assert site.audit().is_clean
    assert "store is away" in caplog.text
    site.close()
    server.stop()


def test_audit_finds_what_is_lost_and_what_is_misplaced(
    site: Site, messages: list[Message], make_tracklet: MakeTracklet
) -> None:
    site.publish(*messages)
    site.service().run(threading.Event(), until_ended=True)
    site.publish(make_tracklet(7))
    site.connection.execute("DEL", KEYS.tracklet("cam1-1-2"))
    site.connection.execute("ZREM", KEYS.sightings("P1"), "cam1-1-1")
    report = site.audit()
    assert not report.is_clean
    assert report.lost == (("cam1-1-7", 1),)
    assert report.not_stored == ("cam1-1-2",)
    assert report.misplaced == ("cam1-1-1",)
    assert report.decided_twice == ()
