"""Operators' commands on a run that is over: no matcher runs, so the command does it itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from crosscam.cli_ask import trajectory_command
from crosscam.cli_forget import export_person_command, forget_command
from crosscam.cli_history import audit_command, explain_command, history_command
from crosscam.cli_identities import identities_app

app = typer.Typer()
app.add_typer(identities_app, name="identities")
for name, command in (
    ("trajectory", trajectory_command),
    ("history", history_command),
    ("audit", audit_command),
    ("explain", explain_command),
    ("forget", forget_command),
    ("export-person", export_person_command),
):
    app.command(name)(command)


def run(data: Path, arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments.split(), "--data", str(data)])


def answer(data: Path, arguments: str) -> Any:
    done = run(data, f"{arguments} --format json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def identities(data: Path, arguments: str = "") -> dict[str, int]:
    rows = answer(data, f"identities {arguments}")
    return {row["identity_id"]: row["num_sightings"] for row in rows}


def test_merge_and_undo(shop_data: Path) -> None:
    assert identities(shop_data) == {"P1": 2, "P2": 1, "P3": 1}

    done = run(shop_data, "identities merge P2 P1 --reason same --user ann")
    assert done.exit_code == 0, done.output
    assert done.stdout == "event 5: merge P2 into P1, 1 tracklet\n"
    assert identities(shop_data) == {"P1": 3, "P3": 1}
    assert identities(shop_data, "--as-of 4") == {"P1": 2, "P2": 1, "P3": 1}
    assert identities(shop_data, "--as-of 2") == {"P1": 2}

    way = run(shop_data, "trajectory P2")
    assert "P2 is part of P1" in way.stderr
    assert len(answer(shop_data, "trajectory P1")) == 3
    assert len(answer(shop_data, "trajectory P2 --as-of 4")) == 1

    done = run(shop_data, "identities undo 5 --user bob")
    assert done.stdout == "event 6: undo event 5, 1 tracklet\n"
    assert identities(shop_data) == {"P1": 2, "P2": 1, "P3": 1}

    log = answer(shop_data, "audit")
    assert [(row["event"], row["kind"], row["by"], row["why"]) for row in log] == [
        (5, "merge", "ann", "same"),
        (6, "undo", "bob", ""),
    ]


def test_split_confirm_separate_and_their_history(shop_data: Path) -> None:
    for arguments in (
        "identities split P1 b-1-2 --reason coat",
        "identities confirm P2 a-1-3",
        "identities separate P2 P3",
    ):
        assert run(shop_data, arguments).exit_code == 0

    assert identities(shop_data) == {"P1": 1, "P2": 1, "P3": 1, "P4": 1}
    happened = [(row["kind"], row["what"]) for row in answer(shop_data, "history P1")]
    assert happened == [
        ("founded", "a-1-1: P1"),
        ("linked", "b-1-2: P1"),
        ("split", "b-1-2: P1 to P4"),
    ]
    facts = answer(shop_data, "explain a-1-3")
    assert facts["constraints"] == ["P2 and P3 are two", "a-1-3 is P2"]
    assert facts["corrections"][0]["kind"] == "confirm"
    assert "a-1-3 is P2" in run(shop_data, "explain a-1-3").stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("identities merge P1 P1", "merged with itself"),
        ("identities merge P1 P9", "no identity 'P9'"),
        ("identities split P1 b-1-2 a-1-1", "must leave at least one"),
        ("identities undo 2", "window of the matcher's decisions"),
        ("trajectory P9", "no identity 'P9'"),
        ("trajectory P1 --as-of 99", "there is no event 99 yet"),
        ("trajectory P3 --as-of 1", "no identity 'P3' at that moment"),
        ("history P9", "no event that is kept names 'P9'"),
        ("explain a-1-99", "no sighting of 'a-1-99'"),
        ("explain nonsense", "no tracklet id"),
        ("forget P9 --reason x", "no identity 'P9'"),
    ],
)
def test_what_cannot_be_is_one_line_and_code_2(
    shop_data: Path, arguments: str, expected: str
) -> None:
    done = run(shop_data, arguments)
    assert done.exit_code == 2
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_forgotten_person_is_proved_to_be_nowhere(shop_data: Path, tmp_path: Path) -> None:
    run(shop_data, "identities merge P2 P1")
    out = tmp_path / "export"
    assert run(shop_data, f"export-person P2 --out {out}").exit_code == 0
    person = json.loads((out / "person.json").read_text("utf-8"))
    assert [s["tracklet_id"] for s in person["sightings"]] == ["a-1-1", "b-1-2", "a-1-3"]
    assert len(person["sightings"][0]["boxes"]) == 5
    assert person["ids_that_lead_to_it"] == ["P2"]
    assert len(list((out / "thumbnails").iterdir())) == 3
    again = run(shop_data, f"export-person P2 --out {out}")
    assert "is not empty" in again.stderr

    done = run(shop_data, "forget P2 --reason asked --user ann")

    assert done.exit_code == 0, done.output
    assert "3 features, 3 thumbnails" in done.stdout
    assert done.stdout.endswith("nothing is left\n")
    assert identities(shop_data) == {"P3": 1}
    assert "P2 was forgotten" in run(shop_data, "trajectory P2").stderr
    image = (out / "thumbnails" / "a-1-1-1.jpg").read_bytes()
    for file in (shop_data / "store").rglob("*"):
        assert not file.is_file() or image[-200:-100] not in file.read_bytes()
