"""What of a recording is damaged or missing, in words."""

from __future__ import annotations

from dataclasses import dataclass

_TOLERATED_SHARE = 0.02
_TOLERATED_FRAMES = 2


@dataclass(slots=True)
class Damage:
    """Errors met while a file was read; the first is kept, with the frame near which it is.

    Example:
        >>> damage = Damage()
        >>> str(damage)
        ''
        >>> damage.note("invalid data", 7)
        >>> str(damage)
        ', 1 errors, the first: invalid data near frame 7'
    """

    num_errors: int = 0
    first: str = ""

    def note(self, problem: str | None, index: int) -> None:
        """Count an error."""
        self.num_errors += 1
        self.first = self.first or f"{problem or 'error'} near frame {index}"

    def __str__(self) -> str:
        """The errors, to be put behind what was read; empty if there were none."""
        return f", {self.num_errors} errors, the first: {self.first}" if self.num_errors else ""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a file says of its length.

    Attributes:
        num_frames: Its frames; None if it does not say.
        length_s: Its seconds; None if it does not say.
        period_s: Seconds from frame to frame.
    """

    num_frames: int | None
    length_s: float | None
    period_s: float

    def what_is_missing(self, num_read: int, read_s: float) -> str:
        """Says what was declared and is not there; empty if it is all there.

        Frames and time must be missing, where both are declared: AVI also counts the frames that a
        recorder left out, and a last frame may be shown for long.

        Args:
            num_read: Frames read, damaged ones included.
            read_s: Seconds from the start to the last frame.

        Example:
            >>> Declared(100, 4.0, 0.04).what_is_missing(60, 2.36)
            '; it declares 100 frames and is cut off 1.6 s before its end'
            >>> Declared(100, 4.0, 0.04).what_is_missing(99, 3.92)
            ''
        """
        if self.length_s is None:
            return ""
        if self.num_frames is not None:
            tolerated = max(_TOLERATED_FRAMES, _TOLERATED_SHARE * self.num_frames)
            if self.num_frames - num_read <= tolerated:
                return ""
        missing_s = self.length_s - read_s
        if missing_s <= max(_TOLERATED_FRAMES * self.period_s, _TOLERATED_SHARE * self.length_s):
            return ""
        content = (
            f"{self.length_s:.1f} s" if self.num_frames is None else f"{self.num_frames} frames"
        )
        return f"; it declares {content} and is cut off {missing_s:.1f} s before its end"
