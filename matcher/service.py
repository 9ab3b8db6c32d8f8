"""The match service: stream → matcher → store → acknowledgement, for one site.

Between two windows it carries out what operators want.

One process at a time is active (`Lease`). It reads what was delivered before and not acknowledged,
restores the matcher from the store, and goes on where the last one was cut off: a message is
acknowledged when everything that follows from it is stored.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Collection

from matcher.camera_progress import CameraGap, CameraProgress
from matcher.camera_watch import CameraWatch
from matcher.command_desk import CommandDesk
from matcher.connection import Connection
from matcher.correction import Correction
from matcher.errors import MatcherError, OtherMatcherError, StoreError, StoreUnavailableError
from matcher.keys import SiteKeys
from matcher.lease import Lease
from matcher.match_status import MatchStatus
from matcher.matcher import Matcher, Step
from matcher.records import encode_message
from matcher.store import FeatureStore, TrackletKey
from matcher.tracklet import Tracklet
from matcher.tracklet_stream import READ_COUNT, Entry, TrackletReader

logger = logging.getLogger(__name__)

TRIM_EVERY_S = 30.0
SWEEP_EVERY_S = 3600.0
STATUS_EVERY_S = 1.0
BLOCK_S = 0.25
WAIT_S = 0.5
"""Between two looks at a lease that another matcher holds."""

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
DRAIN_S = 30.0
"""Longest time that a stopped service goes on with what is in the stream."""


class MatchService:
    """Drives the matcher of one site; call it from one thread."""

    def __init__(  # noqa: PLR0913 (each is another part or fact of the site)
        self,
        url: str,
        site: str,
        *,
        matcher: Matcher,
        store: FeatureStore,
        max_delay_s: float,
        camera_ids: Collection[str] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connects at the first step.

        Args:
            url: Of the store.
            site: Name of the site.
            matcher: New, empty.
            store: Of the same URL and site.
            max_delay_s: A live camera that is silent for longer is not waited for.
            camera_ids: All cameras of the site.
            now: A clock in seconds; only its differences are used.

        Raises:
            StoreError: The URL cannot be used.
        """
        keys = SiteKeys(site)
        self._matcher = matcher
        self._store = store
        self._connection = Connection(url)
        self._reader = TrackletReader(
            self._connection, keys, dead_letters_s=store.retention.identities_s
        )
        token = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._lease = Lease(url, keys.lease, token)
        self._now = now
        self._watch = CameraWatch(camera_ids, max_delay_s=max_delay_s, started_at=now())
        self._held: dict[str, TrackletKey] = {}
        """Entries that are read and not acknowledged, by their id."""
        self._tracklets: dict[TrackletKey, Tracklet] = {}
        """What the held entries brought."""
        self._steps: deque[Step] = deque()
        """Decided, and not known to be stored."""
        self._desk = CommandDesk(self._connection, keys, store, matcher.topology)
        self._followed = 0
        """Number of the last event that the matcher knows."""
        self._forgotten: frozenset[str] = frozenset()
        """Tracklets, and identities, that must not come back."""
        self._has_stale_file = False
        """The store's file holds bytes of somebody who was forgotten."""
        self._recalled: list[CameraProgress] = []
        """How far the cameras were before this life, for when all pending entries are read."""
        self._is_restored = False
        self._is_caught_up = False
        self._state = ""
        self._num_identities = 0
        self._num_tracklets = 0
        self._num_decisions = 0
        self._trim_at = self._sweep_at = self._status_at = float("-inf")

    def run(
        self,
        stop: threading.Event,
        *,
        until_ended: bool = False,
        on_status: Callable[[MatchStatus], None] = lambda _: None,
    ) -> None:
        """Works until `stop` is set, then finishes what is in the stream.

        While the store is away, or another matcher is active, it waits and tries again.

        Args:
            stop: Ends the work.
            until_ended: Also end when every camera has ended and all of it is decided.
            on_status: Called about once a second.

        Raises:
            OtherMatcherError: Another matcher took the site over while this one slept.
        """
        pause_s = FIRST_PAUSE_S
        while not stop.is_set() and not (until_ended and self.is_finished):
            try:
                self.step(BLOCK_S)
                pause_s = FIRST_PAUSE_S
                if not self._is_restored:
                    stop.wait(WAIT_S)
            except OtherMatcherError:
                raise
            except StoreError as error:
                self._enter("away", f"the store is away: {error}")
                stop.wait(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            if self._now() - self._status_at >= STATUS_EVERY_S:
                self._status_at = self._now()
                on_status(self.status)
        self._finish()
        on_status(self.status)

    def step(self, block_s: float) -> int:
        """One round: reads, decides, stores, acknowledges.

        Args:
            block_s: Longest wait for messages.

        Returns:
            The number of decisions stored; 0 while another matcher is active.

        Raises:
            OtherMatcherError: Another matcher took the site over.
            StoreError: The store cannot be used now; call again, nothing is lost.
        """
        try:
            return self._round(block_s) if self._is_active() else 0
        except StoreError:
            self._reader.rewind()
            raise

    @property
    def is_finished(self) -> bool:
        """Every camera has ended, and everything that was published was read."""
        return self._is_restored and self._is_caught_up and self._watch.have_all_ended(self._now())

    @property
    def status(self) -> MatchStatus:
        """How it is doing."""
        return MatchStatus(
            num_identities=self._num_identities,
            num_tracklets=self._num_tracklets,
            num_pending=len(self._held),
            num_decisions=self._num_decisions,
            num_poison=self._reader.num_poison,
            is_active=self._is_restored and self._lease.is_held,
            is_connected=self._state in ("active", "waiting"),
        )

    def close(self) -> None:
        """Gives the lease back and disconnects; what is not stored stays in the stream."""
        self._lease.release()
        self._connection.close()

    def _round(self, block_s: float) -> int:
        self._desk.complete()
        self._follow()
        num_stored = self._store_steps()
        self._desk.work()
        self._follow()
        entries = self._reader.read(block_s)
        self._is_caught_up = len(entries) < READ_COUNT and not self._reader.has_pending
        self._take(entries)
        if not self._reader.has_pending:
            stalled = self._watch.stalled(self._now()) if self._is_caught_up else ()
            self._steps.extend(self._matcher.steps(stalled=stalled))
        num_stored += self._store_steps()
        self._acknowledge()
        self._keep_house()
        return num_stored

    def _is_active(self) -> bool:
        """We are the site's matcher, with everything restored that was decided before."""
        if not self._lease.acquire():
            if self._is_restored:
                raise OtherMatcherError(
                    f"another matcher ({self._lease.holder()}) took over the site: end one of them"
                )
            self._enter("waiting", f"another matcher ({self._lease.holder()}) is active: waiting")
            return False
        if not self._is_restored:
            self._restore()
        self._enter("active", "matching")
        return True

    def _restore(self) -> None:
        self._reader.open()
        self._store.complete_cut_off()
        decided = list(self._store.restore())
        next_number = self._store.next_identity_number()
        constraints = self._store.links.constraints_now()
        forgotten = self._store.links.forgotten()
        progress = [self._store.consumed_progress(name) for name in self._store.camera_ids()]
        self._num_identities = self._store.num_identities()
        # From here on nothing can fail: the matcher takes this only once.
        self._matcher.restore(decided, next_identity_number=next_number)
        self._matcher.respect(constraints)
        self._forgotten = forgotten
        self._followed = self._store.last_event
        self._recalled = [p for p in progress if p is not None and self._watch.recall(p)]
        self._num_tracklets = len(decided)
        self._is_restored = True

    def _take(self, entries: list[Entry]) -> None:
        """Hands new messages to the matcher and keeps what the store must know of them."""
        if not self._reader.has_pending:
            # Not before the pending tracklets: the matcher must find them on time, as they were.
            for progress in self._recalled:
                self._matcher.offer(progress)
            self._recalled = []
        consumed: dict[str, CameraProgress] = {}
        self._discard_forgotten(entries)
        for entry in entries:
            match entry.message:
                case Tracklet() as tracklet if tracklet.tracklet_id in self._forgotten:
                    pass
                case Tracklet() as tracklet:
                    self._take_tracklet(entry.entry_id, tracklet)
                case CameraProgress() as progress:
                    if self._watch.hear(progress, self._now()):
                        self._matcher.offer(progress)
                        consumed[progress.camera_id] = progress
                case CameraGap() as gap:
                    self._store.put_gap(gap)
        for progress in consumed.values():
            self._store.put_consumed_progress(progress)
        self._reader.acknowledge(
            [entry.entry_id for entry in entries if not isinstance(entry.message, Tracklet)]
        )

    def _take_tracklet(self, entry_id: str, tracklet: Tracklet) -> None:
        if entry_id in self._held:
            return
        try:
            self._matcher.offer(tracklet)
        except MatcherError as error:
            self._reader.set_aside(entry_id, encode_message(tracklet), str(error))
            return
        key = (tracklet.tracklet_id, tracklet.version)
        self._held[entry_id] = key
        self._tracklets.setdefault(key, tracklet)

    def _discard_forgotten(self, entries: list[Entry]) -> None:
        """Removes what came of people after they were forgotten."""
        late = [
            entry.entry_id
            for entry in entries
            if isinstance(entry.message, Tracklet) and entry.message.tracklet_id in self._forgotten
        ]
        if late:
            self._store.discard(late)
            self._has_stale_file = True
            logger.info("%d messages of people who were forgotten are dropped", len(late))

    def _follow(self) -> None:
        """Tells the matcher what operators corrected."""
        if self._store.last_event == self._followed:
            return
        for event in self._store.events(self._followed):
            correction = event.correction
            if correction is not None and not correction.is_automatic:
                self._tell(correction)
            self._followed = event.number
        self._matcher.respect(self._store.links.constraints_now())
        self._num_identities = self._store.num_identities()

    def _tell(self, correction: Correction) -> None:
        if correction.kind == "forgotten":
            self._forgotten = self._store.links.forgotten()
            self._matcher.forget(self._forgotten)
            self._has_stale_file = True
            self._trim_at = float("-inf")
            return
        moves = correction.effects.moves
        tracklets: dict[str, Tracklet] = {}
        for identity_id in sorted({name for m in moves for name in (m.from_id, m.to_id)}):
            tracklets |= self._store.tracklets(identity_id)
        self._matcher.follow(correction, tracklets)

    def _store_steps(self) -> int:
        num_stored = 0
        while self._steps:
            step = self._steps[0]
            if isinstance(step, Correction):
                self._store.correct(step)
            else:
                self._store.commit(step, self._tracklets)
                num_stored += len(step)
                self._num_tracklets += sum(decision.is_first for decision in step)
            self._steps.popleft()
            self._followed = self._store.last_event
        if num_stored:
            self._num_decisions += num_stored
            self._num_identities = self._store.num_identities()
        return num_stored

    def _acknowledge(self) -> None:
        """Lets go of every entry that waits for nothing any more."""
        if not self._held:
            return
        pending = self._matcher.pending
        done = [entry_id for entry_id, key in self._held.items() if key not in pending]
        self._reader.acknowledge(done)
        for entry_id in done:
            self._tracklets.pop(self._held.pop(entry_id), None)

    def _keep_house(self) -> None:
        now = self._now()
        if now - self._trim_at >= TRIM_EVERY_S:
            self._reader.trim()
            self._trim_at = now
            self._renew_file()
        if now - self._sweep_at >= SWEEP_EVERY_S:
            self._store.sweep()
            reached_at = self._watch.slowest_watermark()
            if reached_at is not None:
                self._matcher.expire(reached_at - self._store.retention.identities_s)
            self._sweep_at = now

    def _renew_file(self) -> None:
        """Lets the server write its file anew if it holds what it should not."""
        if not self._has_stale_file:
            return
        try:
            self._store.rewrite_file()
        except StoreUnavailableError:
            raise
        except StoreError as error:
            logger.warning(
                "bytes of somebody who was forgotten stay in the store's file: %s", error
            )
        self._has_stale_file = False

    def _finish(self) -> None:
        """Decides what is in the stream now, without waiting for any camera."""
        deadline = self._now() + DRAIN_S
        pause_s = FIRST_PAUSE_S
        while self._is_restored:
            try:
                self.step(0.0)
                if self._is_caught_up or self._now() > deadline:
                    self._steps.extend(self._matcher.last_steps())
                    self._store_steps()
                    self._acknowledge()
                    return
            except OtherMatcherError:
                raise
            except StoreError as error:
                self._enter("away", f"the store is away: {error}")
                if pause_s > LONGEST_PAUSE_S:
                    logger.warning("what waits in the stream will be linked at the next start")
                    return
                time.sleep(pause_s)
                pause_s *= 2

    def _enter(self, state: str, text: str) -> None:
        """Says a change of state, once."""
        if state != self._state:
            level = logging.WARNING if state == "away" else logging.INFO
            logger.log(level, "%s", text)
            self._state = state
