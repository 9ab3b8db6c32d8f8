from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import openvino
import pytest
import torch

from reid.checkpoint import load_model
from reid.drawn_crops import drawn_crops
from reid.errors import BackendError, CheckpointError
from reid.exported_info import SECTION
from reid.openvino_embedder import OpenvinoEmbedder
from reid.openvino_model import OpenvinoModel, PixelScale
from reid.preprocess import preprocess
from reid.unit_rows import least_cosine

CAPABILITIES = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@pytest.mark.parametrize("feature", ["before_bn", "after_bn"])
def test_raw_features_are_those_of_torch(
    small_weights: Path, small_ir: Path, feature: Literal["before_bn", "after_bn"]
) -> None:
    crops = drawn_crops(3, (100, 50), seed=4)
    model, info = load_model(small_weights)
    with torch.inference_mode():
        both = model(torch.from_numpy(preprocess(crops, info.size)))

    found = OpenvinoEmbedder(small_ir, precision="fp32", feature=feature).embed_raw(crops)

    expected = getattr(both, feature).numpy()
    assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < 5e-3


def test_space_is_that_of_the_weights(small_weights: Path, small_ir: Path) -> None:
    _, info = load_model(small_weights)

    embedder = OpenvinoEmbedder(small_ir, feature="before_bn")

    assert embedder.space == info.with_feature("before_bn").space
    assert embedder.dim == 2048


def test_a_feature_does_not_depend_on_its_batch_by_a_single_bit(small_ir: Path) -> None:
    crops = drawn_crops(5)
    embedder = OpenvinoEmbedder(small_ir)

    np.testing.assert_array_equal(embedder.embed(crops)[2], embedder.embed(crops[2:3])[0])


def test_an_ir_of_others_is_refused_with_the_kind_that_takes_it(foreign_ir: Path) -> None:
    with pytest.raises(CheckpointError, match="openvino_ir"):
        OpenvinoEmbedder(foreign_ir)


def test_int8_of_an_fp32_file_points_to_the_export(small_ir: Path) -> None:
    with pytest.raises(BackendError, match="--precision int8"):
        OpenvinoEmbedder(small_ir, precision="int8")


@pytest.mark.skipif("BF16" in CAPABILITIES, reason="this CPU has bf16; runs on CPUs without")
def test_bf16_on_a_cpu_without_it_says_what_there_is(small_ir: Path) -> None:
    with pytest.raises(BackendError, match="this CPU has FP32"):
        OpenvinoEmbedder(small_ir, precision="bf16")


@pytest.mark.skipif("BF16" not in CAPABILITIES, reason="needs a CPU with bf16 (AVX-512 BF16, AMX)")
def test_bf16_agrees_with_fp32(small_ir: Path) -> None:
    crops = drawn_crops(8)

    exact = OpenvinoEmbedder(small_ir, precision="fp32").embed(crops)
    quick = OpenvinoEmbedder(small_ir, precision="bf16").embed(crops)

    assert least_cosine(exact, quick) > 0.99


def test_auto_takes_fp32_where_a_quicker_precision_disagrees(
    small_ir: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bf16 is made to disagree by answering with other crops; a CPU without it computes in fp32."""
    drawn = iter([drawn_crops(8), drawn_crops(8, seed=1)])
    monkeypatch.setattr("reid.openvino_model._supported", lambda *_: "bf16")
    run = OpenvinoModel.run
    monkeypatch.setattr(OpenvinoModel, "run", lambda self, _: run(self, next(drawn)))

    with caplog.at_level(logging.WARNING):
        model = OpenvinoModel(small_ir, PixelScale(is_rgb=True), output="after_bn")

    assert model.precision == "fp32"
    assert "running in fp32" in caplog.text


def test_openvino_tells_its_vendor_nothing() -> None:
    code = (
        "import sys, reid.openvino_model, nncf, openvino.tools.ovc.telemetry_utils as ovc;"
        "print(sys.modules['openvino_telemetry'], ovc.tm.__name__, type(nncf.telemetry.telemetry))"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.startswith("None openvino.tools.ovc.telemetry_stub")
    assert "MagicMock" in said.stdout


def test_a_missing_bin_is_named(small_ir: Path, tmp_path: Path) -> None:
    shutil.copy(small_ir, tmp_path / "a.xml")

    with pytest.raises(CheckpointError, match=r"a\.bin is missing"):
        OpenvinoEmbedder(tmp_path / "a.xml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"away\.xml: no such file"):
        OpenvinoEmbedder(tmp_path / "away.xml")


@pytest.mark.parametrize("text", ["", "<net", "<a/>"], ids=["empty", "cut", "other"])
def test_damaged_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    (tmp_path / "a.bin").write_bytes(b"")

    with pytest.raises(CheckpointError, match="damaged or no IR"):
        OpenvinoEmbedder(tmp_path / "a.xml")


def test_a_truncated_bin_is_refused(small_ir: Path, tmp_path: Path) -> None:
    shutil.copy(small_ir, tmp_path / "a.xml")
    data = small_ir.with_suffix(".bin").read_bytes()
    (tmp_path / "a.bin").write_bytes(data[: len(data) // 2])

    with pytest.raises((CheckpointError, BackendError), match=r"a\.xml"):
        OpenvinoEmbedder(tmp_path / "a.xml")


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [("model", "{", "description is damaged"), ("precision", "fp7", "names the precision 'fp7'")],
    ids=["model", "precision"],
)
def test_a_damaged_description_is_refused(
    small_ir: Path, tmp_path: Path, key: str, value: str, found: str
) -> None:
    model = openvino.Core().read_model(small_ir)
    model.set_rt_info(value, [SECTION, key])
    openvino.save_model(model, tmp_path / "a.xml", compress_to_fp16=False)

    with pytest.raises(CheckpointError, match=found):
        OpenvinoEmbedder(tmp_path / "a.xml")
