"""Tiny models whose answer a reader can check by head, for the tests of the backends.

The YOLO-like ones take (B, 3, H, W) RGB in [0, 1] and find one person at x 8-24, y 4-60 of the
input, whose score is the mean of the image, and one dog. The libraries that write models are
optional, so they are imported where they are used.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

SIDE_PX = 64
NAMES = {0: "dog", 1: "person"}
PERSON_BOX = (8.0, 4.0, 24.0, 60.0)
NUM_ANCHORS = 84
"""Cells of a 64 x 64 input at strides 8, 16 and 32."""


def rows_and_gains() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """(1, 6, 84) output for a black image, and what a white one adds."""
    rows = np.zeros((1, 6, NUM_ANCHORS), dtype=np.float32)
    gains = np.zeros_like(rows)
    rows[0, :4, 0] = 16, 32, 16, 56  # the person: cx, cy, w, h
    gains[0, 5, 0] = 1
    rows[0, :5, 1] = 40, 32, 20, 60, 0.9  # the dog
    return rows, gains


class TinyModels:
    """Writes the models into a folder.

    Attributes:
        folder: The test's own.
        random_yolo: A checkpoint as ultralytics writes it: YOLO11n with random weights.
    """

    def __init__(self, folder: Path, random_yolo: Callable[[], Path]) -> None:
        self.folder = folder
        self.yolo = random_yolo

    def onnx(
        self,
        name: str = "tiny.onnx",
        *,
        batch: int | str = "batch",
        side: int | str = SIDE_PX,
        names: dict[int, str] | None = NAMES,
    ) -> Path:
        """An ONNX model; a length that is a name is dynamic."""
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        rows, gains = rows_and_gains()
        graph = helper.make_graph(
            [
                helper.make_node("ReduceMean", ["images", "axes"], ["mean"], keepdims=0),
                helper.make_node("Unsqueeze", ["mean", "new_axes"], ["means"]),
                helper.make_node("Mul", ["means", "gains"], ["added"]),
                helper.make_node("Add", ["added", "rows"], ["output0"]),
            ],
            "tiny",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 3, side, side])],
            [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [batch, 6, NUM_ANCHORS])],
            [
                numpy_helper.from_array(np.array([1, 2, 3]), "axes"),
                numpy_helper.from_array(np.array([1, 2]), "new_axes"),
                numpy_helper.from_array(gains, "gains"),
                numpy_helper.from_array(rows, "rows"),
            ],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        if names is not None:
            helper.set_model_props(model, {"names": str(names)})
        onnx.save(model, self.folder / name)
        return self.folder / name

    def openvino(self, *, names: dict[int, str] | None = NAMES, is_resizable: bool = True) -> Path:
        """An OpenVINO folder of the YOLO family, with its metadata."""
        import openvino
        from openvino import opset8 as opset

        rows, gains = rows_and_gains()
        image = opset.parameter([1, 3, SIDE_PX, SIDE_PX], np.float32, "x")
        pixels = image
        if not is_resizable:  # a weight for every pixel ties the model to its size
            pixels = opset.multiply(image, opset.constant(np.ones((1, 3, SIDE_PX, SIDE_PX), "f4")))
        mean = opset.reduce_mean(pixels, opset.constant(np.array([1, 2, 3])), keep_dims=False)
        means = opset.unsqueeze(mean, opset.constant(np.array([1, 2])))
        output = opset.add(opset.multiply(means, opset.constant(gains)), opset.constant(rows))
        folder = self.folder / "tiny_openvino_model"
        folder.mkdir(parents=True, exist_ok=True)
        openvino.save_model(openvino.Model([output], [image], "tiny"), folder / "tiny.xml", False)
        if names is not None:
            (folder / "metadata.yaml").write_text(f"stride: 32\nnames: {names}\n")
        return folder

    def ssd(self) -> Path:
        """An OpenVINO model like person-detection-retail-0013: one person, left, one car."""
        import openvino
        from openvino import opset8 as opset

        rows = np.zeros((1, 1, 4, 7), dtype=np.float32)
        rows[0, 0, 0] = 0, 1, 0.0, 0.25, 0.1, 0.5, 0.9
        rows[0, 0, 1] = 0, 2, 0.9, 0.6, 0.1, 0.8, 0.9
        rows[0, 0, 2] = (
            -1,
            1,
            0.9,
            0.6,
            0.1,
            0.8,
            0.9,
        )  # the end of the list, and what lies behind it
        rows[0, 0, 3] = 0, 1, 0.9, 0.6, 0.1, 0.8, 0.9
        gains = np.zeros_like(rows)
        gains[0, 0, 0, 2] = 1 / 255
        image = opset.parameter([1, 3, 32, SIDE_PX], np.float32, "data")
        mean = opset.reduce_mean(image, opset.constant(np.array([1, 2, 3])), keep_dims=True)
        output = opset.add(opset.multiply(mean, opset.constant(gains)), opset.constant(rows))
        folder = self.folder / "ssd"
        folder.mkdir(parents=True, exist_ok=True)
        openvino.save_model(openvino.Model([output], [image], "ssd"), folder / "ssd.xml", False)
        return folder / "ssd.xml"


@pytest.fixture(scope="session")
def random_yolo(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Writes, once, a checkpoint as ultralytics does: YOLO11n with random weights."""
    file = tmp_path_factory.mktemp("yolo") / "random.pt"

    def write() -> Path:
        if not file.exists():
            import torch

            from detector.yolo import unchanged_process

            with unchanged_process():
                ultralytics = pytest.importorskip("ultralytics")
                torch.manual_seed(0)
                network = ultralytics.YOLO("yolo11n.yaml").model
                network.names[0] = "person"
                torch.save({"model": network.half()}, file)
        return file

    return write


@pytest.fixture
def tiny_models(tmp_path: Path, random_yolo: Callable[[], Path]) -> TinyModels:
    """Writes tiny models into the test's folder."""
    return TinyModels(tmp_path, random_yolo)
