"""Which cameras the matcher need not wait for, by the clock of the service."""

from __future__ import annotations

from collections.abc import Collection

from matcher.camera_progress import CameraProgress

FIRST_WORD_S = 60.0
"""A camera that never said anything is waited for this long: its worker may be loading a model."""


class CameraWatch:
    """Notes what every camera said last, and when."""

    def __init__(
        self, camera_ids: Collection[str], *, max_delay_s: float, started_at: float
    ) -> None:
        """Nobody has said anything yet.

        Args:
            camera_ids: All cameras of the site; others are ignored. Empty: whoever speaks.
            max_delay_s: A live camera that is silent for longer is stalled.
            started_at: Now, by the clock that all other calls use.
        """
        self._camera_ids = frozenset(camera_ids)
        self._silent = set(camera_ids)
        self._max_delay_s = max_delay_s
        self._started_at = started_at
        self._newest: dict[str, CameraProgress] = {}
        self._heard_at: dict[str, float] = {}

    def recall(self, progress: CameraProgress) -> bool:
        """Takes what a camera said before this process began; False: it is not of the site."""
        if self._camera_ids and progress.camera_id not in self._camera_ids:
            return False
        self._newest[progress.camera_id] = progress
        return True

    def hear(self, progress: CameraProgress, now: float) -> bool:
        """Takes what a camera says.

        Returns:
            False if it says nothing new: it was delivered again, or the camera is not of the site.
        """
        if self._camera_ids and progress.camera_id not in self._camera_ids:
            return False
        self._silent.discard(progress.camera_id)
        self._heard_at[progress.camera_id] = now
        known = self._newest.get(progress.camera_id)
        if known is not None and _age(progress) < _age(known):
            return False
        self._newest[progress.camera_id] = progress
        return True

    def stalled(self, now: float) -> set[str]:
        """Cameras that are not waited for: live ones that fell silent, and those that never spoke.

        A recorded camera is waited for as long as it takes, so that its identities do not depend on
        the speed of this machine.
        """
        stalled = {
            camera_id
            for camera_id, progress in self._newest.items()
            if progress.is_live
            and now - self._heard_at.get(camera_id, self._started_at) > self._max_delay_s
        }
        if now - self._started_at > FIRST_WORD_S:
            stalled |= self._silent - self._newest.keys()
        return stalled

    def slowest_watermark(self) -> float | None:
        """Stream time that every running camera has reached; None if none is running."""
        running = (p.watermark_at for p in self._newest.values() if p.state == "running")
        return min(running, default=None)

    def have_all_ended(self, now: float) -> bool:
        """Every camera has said that it ended.

        One that ended before this process began may be starting again: it is believed after
        `FIRST_WORD_S` of silence.
        """
        if not self._newest or self._silent - self._newest.keys():
            return False
        is_patient = now - self._started_at > FIRST_WORD_S
        return all(
            progress.state == "ended" and (camera_id in self._heard_at or is_patient)
            for camera_id, progress in self._newest.items()
        )


def _age(progress: CameraProgress) -> tuple[int, float]:
    return progress.epoch, progress.watermark_at
