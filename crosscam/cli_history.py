"""`crosscam history`, `audit` and `explain`: what happened to identities, and why."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crosscam.cli_answers import FormatOption, cell, print_rows
from crosscam.cli_ask import opened_store
from crosscam.cli_moments import SinceOption, UntilOption, parse_moment
from crosscam.cli_options import DATA_OPTION, SITE_OPTION, reported_errors

if TYPE_CHECKING:
    from query.explanation import Explanation

_TITLES = ("event", "time", "what", "by", "which", "reason", "probability")


@reported_errors
def history_command(
    identity_id: Annotated[str, typer.Argument(help="An identity, e.g. P3.", metavar="ID")],
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    form: FormatOption = "table",
) -> None:
    """Show what happened to an identity: founded, linked, merged, split, confirmed, undone."""
    from query.history import history_of

    with opened_store(data, site_file) as (_, store):
        rows = [asdict(line) for line in history_of(store, identity_id)]
    print_rows(rows, _TITLES, form, empty="nothing happened")


@reported_errors
def audit_command(
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    since: SinceOption = None,
    until: UntilOption = None,
    form: FormatOption = "table",
) -> None:
    """List every correction: number, when, by whom, what and why; those of the matcher too."""
    from query.history import audit_log

    since_at, until_at = parse_moment(since), parse_moment(until)
    with opened_store(data, site_file) as (_, store):
        rows = [asdict(line) for line in audit_log(store, since=since_at, until=until_at)]
    print_rows(rows, _TITLES, form, empty="nothing was corrected")


@reported_errors
def explain_command(
    tracklet_id: Annotated[
        str, typer.Argument(help="A tracklet, e.g. cam1-1-42.", metavar="TRACKLET")
    ],
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    form: FormatOption = "table",
) -> None:
    """Explain why a tracklet belongs to its identity, and to no other."""
    from query.explanation import explain

    with opened_store(data, site_file) as (_, store):
        found = explain(store, tracklet_id)
    if form == "json":
        import json

        print(json.dumps(asdict(found), indent=2))
        return
    rows = [{"what": name, "value": cell(name, value)} for name, value in _facts(found).items()]
    print_rows(rows, ("what", "value"), form, empty="")


def _facts(found: Explanation) -> dict[str, Any]:
    """What is known, a line each."""
    sighting, reasons = found.sighting, found.sighting.reasons
    facts: dict[str, Any] = {
        "tracklet": sighting.tracklet_id,
        "identity": sighting.identity_id,
        "started_at": sighting.started_at,
        "ended_at": sighting.ended_at,
        "similarity": "founded it" if sighting.similarity is None else sighting.similarity,
        "probability": sighting.probability,
        "runner-up": sighting.runner_up_id,
        "its probability": sighting.runner_up_probability,
        "margin": found.margin,
    }
    if reasons is not None:
        facts |= {
            "its similarity": reasons.runner_up_similarity,
            "threshold": reasons.threshold,
            "odds of place and time": reasons.odds,
            "came from": reasons.travelled_from,
            "travel_s": reasons.travel_s,
            "compared with": " ".join(f"{n} {s:.3f}" for n, s in reasons.exemplars) or None,
        }
    facts["corrected by event"] = sighting.corrected_by
    if sighting.is_re_embedded:
        facts["feature"] = "computed again from the thumbnails"
    for number, text in enumerate(found.constraints, 1):
        facts[f"constraint {number}"] = text
    for line in found.corrections:
        facts[f"event {line.event}"] = f"{line.kind} by {line.by}: {line.what} ({line.why or '-'})"
    return facts
