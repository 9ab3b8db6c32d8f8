from __future__ import annotations

import logging
import shutil
from pathlib import Path

import openvino
import pytest

import reid.export
from config.schema import EmbedderSettings
from reid.drawn_crops import drawn_crops
from reid.embedder import build_network_embedder
from reid.errors import CheckpointError, ExportError
from reid.export import export_model
from reid.exported_info import ExportedInfo, Precision, is_exported_ir
from reid.model_info import ModelInfo
from reid.openvino_embedder import OpenvinoEmbedder

SIZE = (64, 32)


def test_openvino_file_has_both_features_any_batch_and_our_description(small_ir: Path) -> None:
    model = openvino.Core().read_model(small_ir)

    assert [port.any_name for port in model.outputs] == ["before_bn", "after_bn"]
    assert str(model.input(0).partial_shape) == "[?,3,64,32]"
    assert is_exported_ir(small_ir)
    assert small_ir.with_suffix(".bin").is_file()


@pytest.mark.parametrize("fixture", ["small_ir", "small_onnx"])
def test_nothing_but_the_model_is_left_beside_it(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(fixture).parent

    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_fp16_halves_the_weights_agrees_and_is_checked_on_drawn_crops_where_none_are_given(
    small_weights: Path, small_ir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        report = export_model(small_weights, tmp_path / "half.xml", precision="fp16")

    sizes = [path.with_suffix(".bin").stat().st_size for path in (small_ir, report.file)]
    assert sizes[1] < 0.55 * sizes[0]
    assert report.cosine >= 0.999
    assert report.num_crops > 0
    assert "drawn crops only" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["small.xml", "small.onnx"])
def test_int8_runs_keeps_the_space_and_is_refused_where_it_disagrees(
    small_weights: Path,
    small_ir: Path,
    tmp_path: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Random weights give drawn crops nearly the same feature, so int8 cannot meet the real bar."""
    crops = drawn_crops(24, SIZE, seed=9)
    with pytest.raises(ExportError, match="Give more crops"):
        export_model(small_weights, tmp_path / name, precision="int8", check_crops=crops)
    monkeypatch.setitem(reid.export.MIN_COSINE, "int8", 0.3)

    report = export_model(small_weights, tmp_path / name, precision="int8", check_crops=crops)

    embedder = build_network_embedder(EmbedderSettings(weights=str(report.file), precision="int8"))
    assert report.num_crops == 12
    assert "int8" in embedder.name
    assert embedder.space == OpenvinoEmbedder(small_ir).space


@pytest.mark.slow
def test_fp16_onnx_agrees(small_weights: Path, tmp_path: Path) -> None:
    report = export_model(small_weights, tmp_path / "a.onnx", precision="fp16")

    assert report.cosine >= 0.999


def test_a_model_that_disagrees_is_not_written(
    small_weights: Path, small_ir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The features of torch are swapped among the crops, so that nothing can agree with them."""

    def write(*arguments: object) -> None:
        file = next(argument for argument in arguments if isinstance(argument, Path))
        shutil.copy(small_ir, file)
        shutil.copy(small_ir.with_suffix(".bin"), file.with_suffix(".bin"))

    monkeypatch.setattr(reid.export, "_write_openvino", write)
    original = reid.export._torch_features
    monkeypatch.setattr(
        reid.export,
        "_torch_features",
        lambda model, info, crops: original(model, info, crops[::-1]),
    )
    out = tmp_path / "a.xml"
    out.write_text("what was there before", encoding="utf-8")

    with pytest.raises(ExportError, match="agrees with torch to a cosine of"):
        export_model(small_weights, out, check_crops=drawn_crops(4, SIZE))

    assert [path.name for path in tmp_path.iterdir()] == ["a.xml"]
    assert out.read_text(encoding="utf-8") == "what was there before"


@pytest.mark.parametrize(
    ("name", "precision", "found"),
    [("a.bin", "fp32", "unknown format"), ("a.onnx", "bf16", "no bf16")],
)
def test_impossible_wishes_are_refused_before_any_work(
    tmp_path: Path, name: str, precision: Precision, found: str
) -> None:
    with pytest.raises(ExportError, match=found):
        export_model(tmp_path / "away.pth", tmp_path / name, precision=precision)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"away\.pth"):
        export_model(tmp_path / "away.pth", tmp_path / "a.xml")


def test_a_folder_that_cannot_be_made_is_named(small_weights: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ExportError, match="cannot be written"):
        export_model(small_weights, tmp_path / "file" / "a.xml")


def test_description_survives_as_strings() -> None:
    exported = ExportedInfo(ModelInfo("s", (64, 32), "ab" * 32, training_data="<&\"'>"), "int8")

    assert ExportedInfo.from_strings(exported.to_strings(), Path("a.xml")) == exported
