"""The matcher: links the tracklets of all cameras of a site to identities."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from config.schema import MatcherSettings
from matcher.camera_progress import CameraProgress
from matcher.decision import Decision
from matcher.tracklet import Tracklet


@dataclass(frozen=True, slots=True)
class MatchStats:
    """What happened so far, as counts since the start of the process.

    Attributes:
        num_decided: Tracklet versions that were decided.
        num_identities: Identities known now.
        num_duplicates: Versions that were pending or decided already.
        num_outdated: Versions older than one that was decided; they are dropped.
        num_late: Versions that arrived after their window had been decided.
        refused: Refused tracklets by reason.
    """

    num_decided: int
    num_identities: int
    num_duplicates: int
    num_outdated: int
    num_late: int
    refused: dict[str, int]


class Matcher:
    """Links tracklets to identities. Pure: no clock, no I/O, no threads; same messages, same decisions.

    One thread uses an instance.
    """

    def restore(
        self, decided: Iterable[tuple[Decision, Tracklet]], *, next_identity_number: int
    ) -> None:
        """Takes over what was decided before a restart; called once, before the first `offer`.

        Args:
            decided: The latest version of each tracklet with its decision, in order of decision.
            next_identity_number: Number of the next new identity.
        """
        raise NotImplementedError

    def offer(self, message: Tracklet | CameraProgress) -> None:
        """Takes a message into its window.

        A version that is pending or decided already, or older than a decided one, is ignored and counted;
        a tracklet of an unknown camera is refused and counted. None of these are `pending` afterwards.
        """
        raise NotImplementedError

    def decide(self, *, stalled: Collection[str] = ()) -> list[list[Decision]]:
        """Decides every window that all cameras have passed.

        Args:
            stalled: Live cameras that were not heard of for too long, by the caller's clock; like lost and
                ended ones they are not waited for.

        Returns:
            One list of decisions per window, oldest window first; the caller stores each list as a whole.
            Windows without a decision are left out.
        """
        raise NotImplementedError

    def flush(self) -> list[list[Decision]]:
        """Decides everything that is pending, waiting for no camera; the result is as of `decide`."""
        raise NotImplementedError

    @property
    def pending(self) -> frozenset[tuple[str, int]]:
        """(tracklet id, version) of those not yet decided; what has left it needs no second delivery."""
        raise NotImplementedError

    @property
    def stats(self) -> MatchStats:
        """Counts so far."""
        raise NotImplementedError


def build_matcher(settings: MatcherSettings, camera_ids: Sequence[str]) -> Matcher:
    """The matcher of a site.

    Args:
        settings: The site's `matcher` settings.
        camera_ids: All cameras of the site.

    Raises:
        ConfigError: `matcher.topology` names an unknown camera, or `matcher.calibration` cannot be read.
    """
    raise NotImplementedError
