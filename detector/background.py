"""The background of one static camera: what the picture looks like when nobody is in it.

Each pixel has a background colour, how much that colour scatters, and a candidate: the colour that
has been there since the pixel last changed. Foreground is what differs from the background by more
than its scatter and is no shadow of it. A candidate takes the background's place once it has stayed
as long as the background had been seen before, at most `hold_s`. So what a walker hid in the first
frames is learned within a second, and somebody who stops on floor that was seen for long stays
foreground for `hold_s`.

A change of exposure is a common factor of all pixels and is divided out.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from streams.frame import Image

Mask = npt.NDArray[np.bool_]
"""(H, W) bool."""
_Colours = npt.NDArray[np.float32]
"""(H, W, 3) float32, BGR in [0, 255]."""
_Plane = npt.NDArray[np.float32]
"""(H, W) float32."""


@dataclass(frozen=True, slots=True)
class BackgroundPolicy:
    """When a difference is foreground, and when the background follows.

    Attributes:
        contrast: Foreground differs by at least this many times the scatter of its pixel.
        min_scatter: Least scatter of a pixel, in grey levels.
        memory_s: Time over which the colour and the scatter of the background are averaged.
        settle_s: A candidate needs at least this long to become background.
        hold_s: And at most this long.
        shadow: A shadow keeps at least this share of the background's light.
        flood: Share of the picture above which foreground is a new scene or light, not people.
    """

    contrast: float = 4.5
    min_scatter: float = 4.5
    memory_s: float = 10.0
    settle_s: float = 0.7
    hold_s: float = 20.0
    shadow: float = 0.5
    flood: float = 0.7


class Background:
    """The background of one camera, learned as its frames come.

    Args:
        image: The first picture, (H, W, 3) uint8 BGR; taken as background until it is known better.
        timestamp: When it was taken, Unix seconds.
        policy: When a difference is foreground.
    """

    def __init__(self, image: Image, timestamp: float, policy: BackgroundPolicy) -> None:
        self._policy = policy
        self._last_at = timestamp
        self._foreground: Mask
        self._restart(image.astype(np.float32))

    def foreground(self, image: Image, timestamp: float) -> Mask:
        """Where the picture shows something before the background; learns from the picture.

        Args:
            image: (H, W, 3) uint8 BGR, of the first picture's size.
            timestamp: Unix seconds; only steps matter, one back or above a second counts as 0 or 1.
        """
        policy = self._policy
        step_s = min(max(timestamp - self._last_at, 0.0), 1.0)
        self._last_at = timestamp
        picture = image.astype(np.float32)
        self._colour *= _gain(picture, self._colour, self._foreground)
        difference = _difference(picture, self._colour)
        limit = policy.contrast * self._scatter
        foreground: Mask = difference > limit
        if foreground.mean() > policy.flood:
            self._restart(picture)
            return np.zeros_like(foreground)
        foreground &= ~_is_shadow(picture, self._colour, policy.shadow)
        self._learn_background(picture, difference, foreground, step_s)
        self._learn_candidates(picture, foreground, step_s)
        self._foreground = foreground
        return foreground.copy()

    def _restart(self, picture: _Colours) -> None:
        shape = picture.shape[:2]
        self._colour = picture.copy()
        self._scatter: _Plane = np.full(shape, 1.5 * self._policy.min_scatter, dtype=np.float32)
        self._seen_s: _Plane = np.zeros(shape, dtype=np.float32)
        self._candidate = picture.copy()
        self._candidate_s: _Plane = np.zeros(shape, dtype=np.float32)
        self._foreground = np.zeros(shape, dtype=bool)

    def _learn_background(
        self, picture: _Colours, difference: _Plane, foreground: Mask, step_s: float
    ) -> None:
        policy = self._policy
        visible = (~foreground).astype(np.uint8)
        self._seen_s[~foreground] += step_s
        # While little was seen the average is over all of it: 1 / n, then an exponential one.
        weight = min(step_s / policy.memory_s, 1.0)
        cv2.accumulateWeighted(picture, self._colour, max(weight, 0.02), mask=visible)
        # The mean absolute deviation of a Gaussian is 0.8 sigma. Foreground counts a little, so
        # that a pixel that flickers all the time becomes dull, but one that people pass does not.
        deviation = np.minimum(difference / 0.8, 1.5 * self._scatter)
        cv2.accumulateWeighted(deviation, self._scatter, weight)
        self._scatter = self._scatter.clip(policy.min_scatter, 4 * policy.min_scatter)

    def _learn_candidates(self, picture: _Colours, foreground: Mask, step_s: float) -> None:
        """Let colours that stayed long enough become the background."""
        policy = self._policy
        moved = _difference(picture, self._candidate)
        is_same = moved < policy.contrast * self._scatter
        self._candidate_s += step_s
        self._candidate_s[~is_same | ~foreground] = 0
        cv2.accumulateWeighted(picture, self._candidate, 0.2, mask=is_same.astype(np.uint8))
        np.copyto(self._candidate, picture, where=~is_same[:, :, None])
        patience_s = self._seen_s.clip(policy.settle_s, policy.hold_s)
        is_settled = foreground & (self._candidate_s >= patience_s)
        np.copyto(self._colour, self._candidate, where=is_settled[:, :, None])
        self._seen_s[is_settled] = 0
        self._candidate_s[is_settled] = 0


def _difference(a: _Colours, b: _Colours) -> _Plane:
    """The largest difference of the three channels."""
    blue, green, red = cv2.split(cv2.absdiff(a, b))
    return np.asarray(cv2.max(cv2.max(blue, green), red), dtype=np.float32)


def _gain(picture: _Colours, colour: _Colours, foreground: Mask) -> float:
    """The factor of exposure between background and picture, from a sparse grid of pixels."""
    sparse = (slice(None, None, 6), slice(None, None, 6))
    now, before = picture[sparse].sum(axis=2), colour[sparse].sum(axis=2)
    is_usable = ~foreground[sparse] & (before > 60) & (before < 700) & (now < 700)
    if is_usable.sum() < 30:
        return 1.0
    return float(np.clip(np.median(now[is_usable] / before[is_usable]), 0.8, 1.25))


def _is_shadow(picture: _Colours, colour: _Colours, darkest: float) -> Mask:
    """Where the picture is the background with less light: darker by one factor in all channels."""
    light, full_light = picture.sum(axis=2) + 1, colour.sum(axis=2) + 1
    ratio = light / full_light
    tint = _difference(picture, colour * ratio[:, :, None])
    result: Mask = (ratio >= darkest) & (ratio < 1.0) & (tint < 0.05 * full_light / 3 + 4)
    return result
