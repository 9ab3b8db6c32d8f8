from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import openvino
import openvino.opset13 as ops
import pytest
from typer.testing import CliRunner

from crosscam.cli import app
from reid.drawn_crops import drawn_crops


@pytest.fixture(scope="module")
def channel_means(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OpenVINO model whose feature is the mean of each channel of a 32 x 16 image."""
    pixels = ops.parameter([1, 3, 32, 16], dtype=np.float32)
    means = ops.reduce_mean(pixels, [2, 3], keep_dims=False)
    path = tmp_path_factory.mktemp("weights") / "means.xml"
    openvino.save_model(openvino.Model([means], [pixels], "means"), path, compress_to_fp16=False)
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number, crop in enumerate(drawn_crops(3, (32, 16))):
        cv2.imwrite(str(folder / f"{number}.png"), crop)
    return folder


def embed(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["embed", *map(str, arguments)])
    return result.exit_code, result.stdout + result.stderr


def test_raw_features_of_images_of_the_models_size_are_exact(
    channel_means: Path, images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.npz"

    code, said = embed(images, "--weights", channel_means, "--raw", "--out", out)

    assert code == 0, said
    expected = [crop.mean((0, 1)) for crop in drawn_crops(3, (32, 16))]
    with np.load(out) as arrays:
        assert arrays["names"].tolist() == ["0.png", "1.png", "2.png"]
        np.testing.assert_allclose(arrays["features"], expected, rtol=1e-5)


def test_features_have_unit_length(channel_means: Path, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"

    embed(images / "1.png", images / "0.png", "--weights", channel_means, "--out", out)

    with np.load(out) as arrays:
        assert arrays["names"].tolist() == ["1.png", "0.png"]
        assert np.linalg.norm(arrays["features"], axis=1) == pytest.approx([1, 1], abs=1e-6)


def test_a_bad_image_is_named_or_left_out(
    channel_means: Path, images: Path, tmp_path: Path
) -> None:
    (images / "bad.png").write_bytes(b"no image")
    out = tmp_path / "out.npz"

    refused = embed(images, "--weights", channel_means, "--out", out)
    was_written = out.exists()
    taken = embed(images, "--weights", channel_means, "--out", out, "--skip-bad")

    assert (refused[0], was_written) == (2, False)
    assert "bad.png" in refused[1]
    assert taken[0] == 0
    assert "1 left out" in taken[1]


@pytest.mark.parametrize(
    ("weights", "found"),
    [("away.pth", "no such file"), ("notes.txt", "unknown kind of file")],
)
def test_weights_that_cannot_be_used_are_named(
    images: Path, tmp_path: Path, weights: str, found: str
) -> None:
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")

    code, said = embed(images, "--weights", tmp_path / weights, "--out", tmp_path / "out.npz")

    assert code == 2
    assert found in said.replace("\n", " ")


def test_an_export_to_an_unknown_format_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["export", "model", "a.pth", "--out", str(tmp_path / "model.tflite")]
    )

    assert result.exit_code == 2
    assert "name it .xml for OpenVINO or .onnx for ONNX" in result.stderr
