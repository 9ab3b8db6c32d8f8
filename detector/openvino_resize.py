"""Another input size for an OpenVINO model of the YOLO family that was exported for one fixed size.

Such an export holds its input size in constants: the targets of reshapes, the anchor centres and
the strides. A wide frame in a square input wastes nearly half of the work on padding, so those
constants are recomputed for the wanted size: only if every one of them is understood, else the
model stays as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from openvino import PartialShape
from openvino import opset8 as opset

STRIDES = (8, 16, 32)
"""Input pixels per cell of the three grids of a YOLO detector, in the order of its anchors."""

Size = tuple[int, int]
"""(width, height) in pixels."""


def resized(model: Any, size: Size) -> Any | None:
    """A copy of the model that takes an image of `size`, or None if the export cannot be changed.

    Args:
        model: An `openvino.Model` with one (1, 3, H, W) input; it is not changed.
        size: Wanted (width, height), multiples of the coarsest stride.
    """
    shape = model.input(0).get_partial_shape()
    if not shape.is_dynamic and tuple(shape.to_shape())[2:] == (size[1], size[0]):
        return model.clone()
    copy = model.clone()
    try:
        if shape[2].is_static and shape[3].is_static:
            _replace_constants(copy, (shape[3].get_length(), shape[2].get_length()), size)
            # Not `reshape`, which checks the model once more before it takes the new shape.
            copy.get_parameters()[0].set_partial_shape(PartialShape([1, 3, size[1], size[0]]))
            copy.validate_nodes_and_infer_types()
        else:
            copy.reshape([1, 3, size[1], size[0]])
    except RuntimeError:
        return None
    return copy


def _replace_constants(model: Any, old: Size, new: Size) -> None:
    """Recompute, in place, the constants that depend on the input size."""
    for node in model.get_ordered_ops():
        kind = node.get_type_name()
        if kind == "Reshape":
            target = node.input_value(1).get_node()
            if target.get_type_name() == "Constant":
                values = _reshape_target(target.data.reshape(-1).tolist(), old, new)
                node.input(1).replace_source_output(_constant(values, np.int64))
        elif kind == "Constant":
            grid = _grid_constant(node.data, old, new)
            if grid is not None:
                for target_input in node.output(0).get_target_inputs():
                    target_input.replace_source_output(_constant(grid, grid.dtype))


def _constant(values: Any, dtype: npt.DTypeLike) -> Any:
    return opset.constant(np.asarray(values, dtype=dtype)).output(0)


def _cells(size: Size) -> list[Size]:
    return [(size[0] // stride, size[1] // stride) for stride in STRIDES]


def _reshape_target(values: list[int], old: Size, new: Size) -> list[int]:
    """The target of a reshape with its spatial numbers, which come last, exchanged.

    >>> _reshape_target([1, 2, 128, 400], (640, 640), (640, 384))
    [1, 2, 128, 240]
    >>> _reshape_target([1, 128, 20, 20], (640, 640), (640, 384))
    [1, 128, 12, 20]
    """
    old_cells, new_cells = _cells(old), _cells(new)
    for (old_width, old_height), (new_width, new_height) in zip(old_cells, new_cells, strict=True):
        if values[-2:] == [old_height, old_width]:
            return [*values[:-2], new_height, new_width]
        if values[-1] == old_height * old_width:
            return [*values[:-1], new_height * new_width]
    if values[-1] == _num_anchors(old):
        return [*values[:-1], _num_anchors(new)]
    return values


def _num_anchors(size: Size) -> int:
    return sum(width * height for width, height in _cells(size))


def _grid_constant(data: npt.NDArray[Any], old: Size, new: Size) -> npt.NDArray[Any] | None:
    """The constant for the new size if `data` are anchor centres or strides of the old one."""
    for make in (_anchor_centres, _anchor_strides):
        expected = make(old)
        if data.size == expected.size and np.array_equal(data.reshape(expected.shape), expected):
            shape = [_num_anchors(new) if n == _num_anchors(old) else n for n in data.shape]
            return make(new).reshape(shape).astype(data.dtype)
    return None


def _anchor_centres(size: Size) -> npt.NDArray[np.float32]:
    """(2, A) x and y of every anchor in cells of its own grid."""
    grids = []
    for width, height in _cells(size):
        x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        grids.append(np.stack([x.ravel(), y.ravel()]))
    return np.concatenate(grids, axis=1).astype(np.float32)


def _anchor_strides(size: Size) -> npt.NDArray[np.float32]:
    """(1, A) input pixels per cell of every anchor."""
    counts = [width * height for width, height in _cells(size)]
    return np.repeat(np.array(STRIDES, dtype=np.float32), counts)[None]
