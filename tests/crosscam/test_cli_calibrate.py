"""`crosscam calibrate` and `crosscam topology` on a run that is over."""

from __future__ import annotations

import json
from pathlib import Path

import typer
from typer.testing import CliRunner, Result

from crosscam.cli_calibrate import calibrate_command
from crosscam.cli_topology import topology_command
from matcher.calibration import DEFAULT, load_calibration

app = typer.Typer()
app.command("calibrate")(calibrate_command)
app.command("topology")(topology_command)


def run(data: Path, arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments.split(), "--data", str(data)])


def test_calibrate_shows_the_threshold_and_what_is_missing(shop_data: Path) -> None:
    done = run(shop_data, "calibrate")

    assert done.exit_code == 0, done.output
    assert "test:1: 1 links, 0 of them confirmed" in done.stdout
    assert f"similarity {DEFAULT.one_percent:.3f}" in done.stdout
    assert "too few" in done.stdout


def test_calibrate_writes_what_the_matcher_loads_and_a_chart(
    shop_data: Path, tmp_path: Path
) -> None:
    file, chart, page = (tmp_path / name for name in ("c.json", "c.svg", "c.html"))

    for plot in (chart, page):
        done = run(shop_data, f"calibrate --out {file} --plot {plot} --format json")
        assert done.exit_code == 0, done.output

    (report,) = json.loads(done.stdout)
    assert report["space"] == "test:1"
    assert report["calibration"]["midpoint"] == DEFAULT.midpoint
    assert load_calibration(file) == DEFAULT
    assert chart.read_text("utf-8").startswith("<svg")
    assert "<svg" in page.read_text("utf-8")
    assert sorted(path.suffix for path in tmp_path.iterdir() if path.is_file()) == [
        ".html",
        ".json",
        ".svg",
        ".yaml",
    ]


def test_a_chart_of_another_kind_is_refused(shop_data: Path) -> None:
    done = run(shop_data, "calibrate --plot chart.png")

    assert done.exit_code == 2
    assert ".svg or .html" in done.stderr


def test_topology_lists_ways_and_draws_them(shop_data: Path, tmp_path: Path) -> None:
    """Only DEFAULT's careful calibration is known of the space: the one link is sure enough."""
    drawing = tmp_path / "ways.svg"

    done = run(shop_data, f"topology --svg {drawing} --format json")

    assert done.exit_code == 0, done.output
    (way,) = json.loads(done.stdout)
    assert (way["from_camera_id"], way["to_camera_id"], way["num_links"]) == ("a", "b", 1)
    assert 8.0 < way["median_s"] < 11.4  # it took 9.6 s
    assert ">a<" in drawing.read_text("utf-8")
    assert "from" in run(shop_data, "topology").stdout


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    for command in ("calibrate", "topology"):
        done = run(tmp_path, command)
        assert done.exit_code == 2
        assert "holds no run" in done.stderr
