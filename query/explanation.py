"""Why a tracklet belongs to its identity: the decision, its rivals, and what was ruled since."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.keys import camera_of
from matcher.sighting import Sighting
from matcher.store import FeatureStore
from query.errors import UnknownIdError
from query.history import Happening, audit_log


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a tracklet belongs to its identity.

    Attributes:
        sighting: With its reasons, as far as they were kept.
        margin: Probability above that of the runner-up; None if there was none.
        constraints: Those in force that name the tracklet or its identity, in words.
        corrections: Those that named the tracklet, oldest first.
    """

    sighting: Sighting
    margin: float | None
    constraints: tuple[str, ...]
    corrections: tuple[Happening, ...]


def explain(store: FeatureStore, tracklet_id: str) -> Explanation:
    """Explains a sighting.

    Raises:
        UnknownIdError: No sighting of this tracklet is kept.
        StoreError: The store cannot be reached or refuses.
    """
    try:
        camera_of(tracklet_id)
    except ValueError as error:
        raise UnknownIdError(str(error)) from error
    sighting = store.sighting(tracklet_id)
    if sighting is None:
        if store.links.is_forgotten(tracklet_id):
            raise UnknownIdError(f"{tracklet_id} was forgotten")
        raise UnknownIdError(
            f"no sighting of {tracklet_id!r}: `crosscam trajectory ID` lists those of an identity"
        )
    rival = sighting.runner_up_probability
    concerned = {tracklet_id, sighting.identity_id}
    named = {
        event.number
        for event in store.events()
        if event.correction is not None and tracklet_id in event.correction.names()
    }
    return Explanation(
        sighting=sighting,
        margin=None if rival is None else sighting.probability - rival,
        constraints=tuple(
            f"{c.one} is {c.other}" if c.kind == "must" else f"{c.one} and {c.other} are two"
            for c in store.links.constraints_now()
            if not concerned.isdisjoint(c.names)
        ),
        corrections=tuple(line for line in audit_log(store) if line.event in named),
    )
