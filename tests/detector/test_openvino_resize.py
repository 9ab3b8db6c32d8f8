from __future__ import annotations

import numpy as np
import pytest

openvino = pytest.importorskip("openvino")

from openvino import opset8 as opset  # noqa: E402

from detector.openvino_resize import resized  # noqa: E402 - needs openvino


def grid_model(offset: float = 0.0) -> object:
    """A model as exporters write it for 64 x 64, with anchor centres and cells as constants.

    Its output is, per cell of the strides 8, 16 and 32: the cell's centre plus the mean of its
    pixels.
    """
    image = opset.parameter([1, 3, 64, 64], np.float32, "x")
    cells = []
    centres = []
    for stride in (8, 16, 32):
        pooled = opset.avg_pool(
            image, [stride] * 2, [0, 0], [0, 0], [stride] * 2, exclude_pad=True, auto_pad="valid"
        )
        cells.append(opset.reshape(pooled, np.array([1, 3, (64 // stride) ** 2]), False))
        x, y = np.meshgrid(np.arange(64 // stride) + 0.5, np.arange(64 // stride) + 0.5)
        centres.append(np.stack([x.ravel(), y.ravel(), y.ravel() * 0]))
    grid = np.concatenate(centres, axis=1)[None, :2].astype(np.float32) + np.float32(offset)
    joined = opset.concat(cells, 2)
    means = opset.strided_slice(joined, [0, 0, 0], [1, 2, 84], [1, 1, 1], [1, 0, 1], [1, 0, 1])
    return openvino.Model([opset.add(means, opset.constant(grid))], [image], "grid")


def outputs(
    model: object, width: int, height: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    compiled = openvino.Core().compile_model(model, "CPU")
    image = np.ones((1, 3, height, width), dtype=np.float32)
    return np.asarray(compiled(image)[0])


def test_the_grid_of_a_fixed_export_is_recomputed() -> None:
    model = resized(grid_model(), (64, 32))

    found = outputs(model, 64, 32)[0] - 1  # without the mean of an image of ones

    # 8 x 4 cells of stride 8, 4 x 2 of 16, 2 x 1 of 32.
    assert found.shape == (2, 42)
    assert found[:, 0].tolist() == [0.5, 0.5]
    assert found[:, 31].tolist() == [7.5, 3.5]
    assert found[:, 39].tolist() == [3.5, 1.5]
    assert found[:, 41].tolist() == [1.5, 0.5]


def test_the_model_itself_stays_as_it_was() -> None:
    model = grid_model()

    resized(model, (64, 32))

    assert outputs(model, 64, 64).shape == (1, 2, 84)


def test_the_same_size_is_a_copy() -> None:
    assert outputs(resized(grid_model(), (64, 64)), 64, 64).shape == (1, 2, 84)


def test_a_constant_that_is_not_understood_leaves_the_model_as_it_is() -> None:
    assert resized(grid_model(offset=0.25), (64, 32)) is None
