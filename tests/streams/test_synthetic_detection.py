"""Drawn people look like people: the real YOLO11n finds them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from streams.frame import Image
from streams.synthetic import SyntheticSite, TruthBox, render_frames

WEIGHTS = Path("weights/yolo11n_int8_openvino_model/yolo11n.xml")
WIDTH, HEIGHT = 640, 360
TOP = (640 - HEIGHT) // 2
Floats = npt.NDArray[np.float32]


@pytest.mark.shared
def test_yolo_finds_nine_of_ten_visible_people_and_nobody_else(shared_dir: Path) -> None:
    """Issue 2, section 3."""
    openvino = pytest.importorskip("openvino", reason="needs the openvino extra")
    model = openvino.Core().compile_model(
        str(shared_dir / WEIGHTS), "CPU", {"INFERENCE_NUM_THREADS": 1}
    )
    site = SyntheticSite(fps=1.0, size_px=(WIDTH, HEIGHT))
    num_people = num_found = num_frames = num_false = 0
    for camera_index in range(site.num_cameras):
        for image, truth in itertools.islice(render_frames(site, camera_index), 0, None, 2):
            boxes = _detect(model, image)
            clear = [item for item in truth if _is_clear(item)]
            num_frames += 1
            num_people += len(clear)
            num_found += sum(_overlap(item.box, boxes) >= 0.5 for item in clear)
            num_false += sum(
                _overlap((b[0], b[1], b[2], b[3]), np.array([item.box for item in truth])) < 0.3
                for b in boxes.tolist()
            )
    assert num_people > 40
    assert num_found >= 0.9 * num_people, f"{num_found} of {num_people} found"
    assert num_false <= 0.05 * num_frames, f"{num_false} false ones in {num_frames} frames"


def _is_clear(item: TruthBox) -> bool:
    x1, y1, x2, y2 = item.box
    is_inside = x1 > 0 and y1 > 0 and x2 < WIDTH and y2 < HEIGHT
    return is_inside and item.visibility >= 0.9 and y2 - y1 >= 60


def _detect(model: Any, image: Image) -> Floats:
    """(N, 4) boxes of people with a score of 0.25 or more."""
    square = np.full((640, 640, 3), 114, np.uint8)
    square[TOP : TOP + HEIGHT] = image
    pixels = square[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 255
    output = np.asarray(model(np.ascontiguousarray(pixels))[0])[0]  # (84, 8400)
    centres, sizes = output[:2], output[2:4]
    rows = np.concatenate((centres - sizes / 2, centres + sizes / 2, output[4:5])).T
    rows = rows[rows[:, 4] >= 0.25]
    kept: list[Floats] = []
    for row in rows[np.argsort(-rows[:, 4])]:
        row[[1, 3]] -= TOP
        if not kept or _overlap((row[0], row[1], row[2], row[3]), np.array(kept)) < 0.6:
            kept.append(row[:4])
    return np.array(kept, np.float32).reshape(-1, 4)


def _overlap(box: tuple[float, float, float, float], others: npt.NDArray[Any]) -> float:
    """Largest intersection over union with one of the (N, 4) others; 0 for none."""
    if others.size == 0:
        return 0.0
    x1, y1, x2, y2 = box
    width = np.minimum(others[:, 2], x2) - np.maximum(others[:, 0], x1)
    height = np.minimum(others[:, 3], y2) - np.maximum(others[:, 1], y1)
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    return float((shared / (areas + (x2 - x1) * (y2 - y1) - shared)).max())
