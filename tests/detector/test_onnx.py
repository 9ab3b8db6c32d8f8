from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from detector.errors import BackendError, WeightsError
from detector.selection import Selection
from streams.frame import Frame

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from detector.onnx import OnnxDetector  # noqa: E402 - needs onnxruntime

if TYPE_CHECKING:
    from tests.detector.conftest import TinyModels

SELECTION = Selection(min_score=0.25, min_height_px=1)


def grey(size: tuple[int, int], level: int = 255) -> Frame:
    return Frame("cam1", 0, 0.0, np.full((size[1], size[0], 3), level, dtype=np.uint8))


@pytest.mark.parametrize("batch", [1, 2, "batch"], ids=["one", "two", "dynamic"])
def test_frames_are_found_in_order_whatever_the_batch(
    tiny_models: TinyModels, batch: int | str
) -> None:
    detector = OnnxDetector(tiny_models.onnx(batch=batch), SELECTION)
    levels = [255, 0, 128]

    found = detector.detect([grey((64, 64), level) for level in levels])

    assert [people.boxes.tolist() for people in found] == [[[8, 4, 24, 60]], [], [[8, 4, 24, 60]]]
    assert found[2].scores.tolist() == pytest.approx([128 / 255], abs=1e-4)


def test_a_fixed_input_gets_padded_frames(tiny_models: TinyModels) -> None:
    """In a 64 x 64 input a 128 x 64 frame is halved and lies 16 pixels below the upper edge."""
    detector = OnnxDetector(tiny_models.onnx(), SELECTION)

    (people,) = detector.detect([grey((128, 64))])

    assert people.boxes.tolist() == [[16, 0, 48, 64]]


def test_a_dynamic_input_gets_the_shape_of_the_frame(tiny_models: TinyModels) -> None:
    detector = OnnxDetector(tiny_models.onnx(side="side"), SELECTION, input_size_px=128)

    (people,) = detector.detect([grey((256, 64))])

    assert people.scores.tolist() == pytest.approx([1.0])
    assert people.boxes.tolist() == [[16, 8, 48, 64]]


def test_a_model_without_names_is_taken_for_coco(tiny_models: TinyModels) -> None:
    detector = OnnxDetector(tiny_models.onnx(names=None), SELECTION)

    (people,) = detector.detect([grey((64, 64), level=0)])

    assert people.boxes.tolist() == [[30, 2, 50, 62]]


def test_a_model_without_people_is_refused(tiny_models: TinyModels) -> None:
    with pytest.raises(WeightsError, match=r"tiny\.onnx.*none of the 2 classes means a person"):
        OnnxDetector(tiny_models.onnx(names={0: "cat", 1: "dog"}), SELECTION)


@pytest.mark.parametrize("kept", [0, 20, 300], ids=["empty", "header", "half"])
def test_a_truncated_file_is_named(tiny_models: TinyModels, kept: int) -> None:
    file = tiny_models.onnx()
    file.write_bytes(file.read_bytes()[:kept])

    with pytest.raises(WeightsError, match=r"tiny\.onnx.*cannot read the model"):
        OnnxDetector(file, SELECTION)


def test_a_text_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.onnx"
    file.write_text("hello")

    with pytest.raises(WeightsError, match=r"x\.onnx.*cannot read the model"):
        OnnxDetector(file, SELECTION)


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="CUDA is here"
)
def test_a_device_that_is_not_there_is_named(tiny_models: TinyModels) -> None:
    with pytest.raises(BackendError, match=r"detector\.device is 'cuda:1'.*set detector\.device"):
        OnnxDetector(tiny_models.onnx(), SELECTION, device="cuda:1")
