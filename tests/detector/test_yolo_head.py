from __future__ import annotations

import numpy as np
import pytest

from detector.errors import WeightsError
from detector.yolo_head import YoloHead, names_from_text, yolo_head


def test_an_anchor_counts_if_person_is_its_best_class() -> None:
    # Columns: a person, a weak person, a dog that is also a little of a person.
    output = np.array(
        [
            [50, 10, 70],  # centre x
            [60, 10, 70],  # centre y
            [20, 4, 10],  # width
            [40, 8, 10],  # height
            [0.9, 0.1, 0.4],  # person
            [0.2, 0.0, 0.8],  # dog
        ],
        dtype=np.float32,
    )

    boxes, scores = YoloHead("anchors", 2, 0).people(output, 0.25)

    assert boxes.tolist() == [[40, 40, 60, 80]]
    assert scores.tolist() == pytest.approx([0.9])


def test_further_rows_like_masks_are_no_classes() -> None:
    output = np.array([[5], [5], [2], [2], [0.5], [99.0]], dtype=np.float32)

    _, scores = YoloHead("anchors", 1, 0).people(output, 0.25)

    assert scores.tolist() == [0.5]


def test_end_to_end_rows_are_boxes_already() -> None:
    output = np.array([[1, 2, 3, 9, 0.8, 0], [1, 2, 3, 9, 0.9, 16], [0, 0, 0, 0, 0, 0]], np.float32)

    boxes, scores = YoloHead("end_to_end", 80, 0).people(output, 0.25)

    assert boxes.tolist() == [[1, 2, 3, 9]]
    assert scores.tolist() == pytest.approx([0.8])


def test_an_output_without_anchors_is_nobody() -> None:
    boxes, scores = YoloHead("anchors", 2, 0).people(np.empty((6, 0), dtype=np.float32), 0.25)

    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)


@pytest.mark.parametrize(
    ("shape", "names", "expected"),
    [
        ((1, 84, 8400), {}, YoloHead("anchors", 80, 0)),
        ((1, 84, -1), {}, YoloHead("anchors", 80, 0)),
        ((-1, 6, 8400), {0: "car", 1: "Person"}, YoloHead("anchors", 2, 1)),
        ((1, 300, 6), {0: "person", 1: "car"}, YoloHead("end_to_end", 2, 0)),
        ((1, 56, 8400), {0: "person"}, YoloHead("anchors", 1, 0)),
    ],
    ids=["coco", "dynamic", "own classes", "end to end", "key points"],
)
def test_the_layout_follows_from_shape_and_names(
    shape: tuple[int, ...], names: dict[int, str], expected: YoloHead
) -> None:
    assert yolo_head(shape, names, "x.onnx") == expected


@pytest.mark.parametrize(
    "shape",
    [(1, 1000), (1, 256), (1, 25200, 85), (1, 3, 10)],
    ids=["classes", "feature", "v5", "few"],
)
def test_another_kind_of_model_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(WeightsError, match=r"x\.onnx.*no detector of the YOLO family"):
        yolo_head(shape, {}, "x.onnx")


def test_a_model_without_people_is_refused() -> None:
    with pytest.raises(WeightsError, match=r"x\.onnx.*none of the 2 classes means a person"):
        yolo_head((1, 6, 8400), {0: "cat", 1: "dog"}, "x.onnx")


@pytest.mark.parametrize("text", ["", "no dict", "[1, 2]", "{'a': 1}", "(" * 500])
def test_metadata_that_holds_no_names_gives_none(text: str) -> None:
    assert names_from_text(text) == {}
