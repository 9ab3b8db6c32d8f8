from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from crosscam.cli_evaluate import benchmark_command, evaluate_command
from matcher.calibration import load_calibration
from reid.checkpoint import describe, save_safetensors
from reid.drawn_crops import drawn_crops
from reid.model import RGAResNet50
from reid.preprocess import preprocess
from training.features import load_features

GOLDEN = Path(__file__).parents[1] / "golden" / "ranking"


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    """Models this small are slower on several threads, and on a busy machine much slower."""
    torch.set_num_threads(1)


def run(*arguments: str | Path) -> tuple[int, str, str]:
    app = typer.Typer()
    app.command("evaluate")(evaluate_command)
    app.command("benchmark")(benchmark_command)
    result = CliRunner().invoke(app, [*map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def run_json(*arguments: str | Path) -> dict[str, Any]:
    code, out, err = run(*arguments, "--format", "json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV data set of 12 drawn people: an image each in two cameras, one with noise."""
    folder = tmp_path_factory.mktemp("people")
    lines = ["path,person,camera,split"]
    rng = np.random.default_rng(0)
    for person, crop in enumerate(drawn_crops(12, (64, 32))):
        for camera, split in enumerate(("query", "gallery")):
            name = f"{person}_{camera}.png"
            noisy = (crop + camera * rng.normal(0, 40, crop.shape)).clip(0, 255)
            cv2.imwrite(str(folder / name), noisy.astype(np.uint8))
            lines.append(f"{name},{person},{camera},{split}")
    (folder / "people.csv").write_text("\n".join(lines) + "\n")
    return folder / "people.csv"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights whose BatchNorm has seen drawn crops, else features die out."""
    torch.manual_seed(0)
    model = RGAResNet50(size=(64, 32), open_gates=True)
    with torch.no_grad():
        model.train()(torch.from_numpy(preprocess(drawn_crops(24, (64, 32), seed=9), (64, 32))))
    model.eval()
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_safetensors(path, model, describe(model))
    return path


def test_stored_features_are_scored_as_the_golden_file_says() -> None:
    expected = json.loads((GOLDEN / "ranking.json").read_text())

    found = run_json("evaluate", "--features", GOLDEN / "ranking.npz", "--rerank")

    assert found["num_valid_queries"] == expected["num_valid_queries"]
    for name in ("map_step", "map_trapezoid", "minp", "cmc"):
        assert found[name] == pytest.approx(expected[name], abs=1e-6)
    assert found["reranked"]["map_step"] == pytest.approx(
        expected["reranked"]["map_step"], abs=2e-3
    )


def test_reranking_and_single_shots_can_be_left_out() -> None:
    found = run_json(
        "evaluate", "--features", GOLDEN / "ranking.npz", "--no-rerank", "--no-single-shot"
    )

    assert found["reranked"] is None
    assert not any(name.startswith("single") for name in found)


def test_table_names_both_average_precisions() -> None:
    code, out, _ = run("evaluate", "--features", GOLDEN / "ranking.npz")

    assert code == 0
    assert "mAP step" in out
    assert "mAP trapezoid" in out
    assert "38.4 to 54.3" in out


def test_data_are_embedded_kept_reported_and_calibrated(people: Path, tmp_path: Path) -> None:
    found = run_json(
        "evaluate", "--data", f"csv:{people}", "--embedder", "histogram",
        "--features-out", tmp_path / "kept.npz", "--report", tmp_path / "report.html",
        "--calibration-out", tmp_path / "calibration.json",
    )  # fmt: skip

    assert found["num_valid_queries"] == 12
    assert found["cmc"]["1"] > 0.5
    assert load_features(tmp_path / "kept.npz").labels.query_ids.tolist() == list(range(12))
    assert "data:image/jpeg" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert load_calibration(tmp_path / "calibration.json").slope > 0
    again = run_json("evaluate", "--features", tmp_path / "kept.npz")
    assert again == found


def test_both_features_of_an_rga_model(people: Path, weights: Path, tmp_path: Path) -> None:
    both = run_json(
        "evaluate", "--data", f"csv:{people}", "--model", weights, "--feature", "both",
        "--precision", "fp32", "--device", "cpu", "--features-out", tmp_path / "kept.npz",
        "--report", tmp_path / "report.html",
    )  # fmt: skip
    after = run_json(
        "evaluate", "--data", f"csv:{people}", "--embedder", "torch", "--model", weights,
        "--precision", "fp32", "--device", "cpu",
    )  # fmt: skip

    assert sorted(both["features"]) == ["after_bn", "before_bn"]
    assert both["space"] == both["features"]["after_bn"]["space"] == after["space"]
    assert both["map_step"] == after["map_step"]
    assert {file.name for file in tmp_path.iterdir()} == {
        "kept.before_bn.npz",
        "kept.after_bn.npz",
        "report.html",
    }
    assert "Spatial attention by stage" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_flip_marks_the_space(people: Path) -> None:
    found = run_json("evaluate", "--data", f"csv:{people}", "--embedder", "histogram", "--flip")

    assert found["space"].endswith("+flip")


def test_benchmark_puts_embedders_into_one_table(
    people: Path, weights: Path, tmp_path: Path
) -> None:
    arguments = (
        "benchmark", "--data", f"csv:{people}", "--embedder", "histogram",
        "--embedder", f"torch={weights}", "--device", "cpu", "--report", tmp_path / "b.html",
    )  # fmt: skip

    code, out, err = run(*arguments)
    found = run_json(*arguments)

    assert code == 0, err
    assert "mAP trapezoid %" in out
    assert [row["name"] for row in found["embedders"]] == ["histogram", "torch=small.safetensors"]
    assert all(row["images_per_s"] > 0 for row in found["embedders"])
    assert (tmp_path / "b.html").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give --features FILE.npz"),
        (("--features", "a.npz", "--data", "csv:b"), "give --features FILE.npz"),
        (("--features", "a.npz", "--features-out", "b.npz"), "--features-out are for --data"),
        (("--features", "a.npz", "--flip"), "--flip, --allow-partial and --features-out"),
        (("--features", "/no/such.npz"), "/no/such.npz: cannot be read"),
        (("--data", "nonsense:/x", "--embedder", "histogram"), "nonsense"),
        (("--data", "csv:{people}", "--embedder", "onnx"), "--embedder onnx: it needs --model"),
        (
            ("--data", "csv:{people}", "--embedder", "histogram", "--feature", "both"),
            "--feature both is for RGA models",
        ),
        (("--data", "csv:{people}", "--model", "/no/such.xml"), "/no/such.xml: no such file"),
    ],
    ids=[
        "none",
        "two",
        "kept twice",
        "flipped",
        "no file",
        "layout",
        "no model",
        "both",
        "no weights",
    ],
)
def test_mistakes_are_told_in_a_line(people: Path, arguments: tuple[str, ...], said: str) -> None:
    given = [argument.replace("{people}", str(people)) for argument in arguments]

    code, _, err = run("evaluate", *given)

    assert code == 2
    assert said in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err


def test_unknown_kind_in_a_benchmark_is_told(people: Path) -> None:
    code, _, err = run("benchmark", "--data", f"csv:{people}", "--embedder", "tensorflow=a.pb")

    assert code == 2
    assert "unknown kind 'tensorflow'" in err


def test_real_crops_are_found_by_their_colours(shared_dir: Path) -> None:
    found = run_json(
        "evaluate", "--data", f"cuhk03-np-labeled:{shared_dir / 'data' / 'cuhk03'}",
        "--allow-partial", "--embedder", "histogram", "--no-single-shot", "--no-rerank",
    )  # fmt: skip

    assert (found["num_valid_queries"], found["num_gallery"]) == (832, 3200)
    assert 0.01 < found["map_step"] < found["cmc"]["20"] < 0.9
