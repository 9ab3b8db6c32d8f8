from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from detector.boxes import iou_matrix
from detector.errors import WeightsError
from detector.selection import Selection
from streams.frame import Frame

openvino = pytest.importorskip("openvino")

from detector.openvino import OpenvinoDetector  # noqa: E402 - needs openvino

if TYPE_CHECKING:
    from tests.detector.conftest import TinyModels

SELECTION = Selection(min_score=0.25, min_height_px=1)


def grey(size: tuple[int, int], level: int = 255) -> Frame:
    return Frame("cam1", 0, 0.0, np.full((size[1], size[0], 3), level, dtype=np.uint8))


def test_a_person_of_a_yolo_model_is_found_where_it_is(tiny_models: TinyModels) -> None:
    detector = OpenvinoDetector(tiny_models.openvino(), SELECTION)

    (people,) = detector.detect([grey((64, 64))])

    assert people.boxes.tolist() == [[8, 4, 24, 60]]
    assert people.scores.tolist() == pytest.approx([1.0])


def test_the_xml_may_be_named_instead_of_its_folder(tiny_models: TinyModels) -> None:
    detector = OpenvinoDetector(tiny_models.openvino() / "tiny.xml", SELECTION)

    assert detector.name == "openvino tiny on CPU"


def test_a_wide_frame_gets_a_wide_input(tiny_models: TinyModels) -> None:
    """A 128 x 64 frame fills a 64 x 32 input without padding: everything is twice as large."""
    detector = OpenvinoDetector(tiny_models.openvino(), SELECTION)

    (people,) = detector.detect([grey((128, 64))])

    assert people.boxes.tolist() == [[16, 8, 48, 64]]
    assert people.scores.tolist() == pytest.approx([1.0])


def test_a_model_that_only_takes_squares_gets_padded_frames_and_says_so_once(
    tiny_models: TinyModels, caplog: pytest.LogCaptureFixture
) -> None:
    """In a square input a 128 x 64 frame lies between grey bars: boxes begin 16 pixels higher."""
    detector = OpenvinoDetector(tiny_models.openvino(is_resizable=False), SELECTION)

    with caplog.at_level(logging.WARNING):
        (people,) = detector.detect([grey((128, 64))])
        detector.detect([grey((128, 64))])

    assert people.boxes.tolist() == [[16, 0, 48, 64]]
    assert people.scores.tolist() == pytest.approx([(1 + 114 / 255) / 2], abs=1e-3)
    assert len(caplog.records) == 1


def test_requests_side_by_side_keep_the_order(tiny_models: TinyModels) -> None:
    detector = OpenvinoDetector(tiny_models.openvino(), SELECTION, num_requests=3)
    levels = [255, 100, 0, 200, 150, 80, 250]

    found = detector.detect([grey((64, 64), level) for level in levels])

    scores = [people.scores.tolist() for people in found]
    assert scores == [
        pytest.approx([level / 255], abs=1e-3) if level >= 64 else [] for level in levels
    ]


def test_frames_of_many_shapes_compile_only_a_few_inputs(tiny_models: TinyModels) -> None:
    detector = OpenvinoDetector(tiny_models.openvino(), SELECTION, input_size_px=256)
    shapes = [(256, 32 * rows) for rows in range(1, 9)]

    found = detector.detect([grey(shape) for shape in shapes])

    assert len(found) == len(shapes)
    assert len(detector._engines) <= 5


def test_an_ssd_model_gets_the_stretched_frame(tiny_models: TinyModels) -> None:
    detector = OpenvinoDetector(tiny_models.ssd(), SELECTION)

    (people,) = detector.detect([grey((100, 200))])

    np.testing.assert_allclose(people.boxes, [[25, 20, 50, 180]], rtol=1e-5)


def test_a_model_without_metadata_is_taken_for_coco(tiny_models: TinyModels) -> None:
    """Then class 0, the dog of the tiny model, is the person."""
    detector = OpenvinoDetector(tiny_models.openvino(names=None), SELECTION)

    (people,) = detector.detect([grey((64, 64), level=0)])

    assert people.boxes.tolist() == [[30, 2, 50, 62]]


def test_a_model_without_people_is_refused(tiny_models: TinyModels) -> None:
    with pytest.raises(WeightsError, match=r"tiny\.xml.*none of the 2 classes means a person"):
        OpenvinoDetector(tiny_models.openvino(names={0: "cat", 1: "dog"}), SELECTION)


def cut_xml(folder: Path) -> None:
    file = folder / "tiny.xml"
    file.write_bytes(file.read_bytes()[:1000])


def cut_bin(folder: Path) -> None:
    file = folder / "tiny.bin"
    file.write_bytes(file.read_bytes()[:100])


def no_bin(folder: Path) -> None:
    (folder / "tiny.bin").unlink()


def no_xml(folder: Path) -> None:
    (folder / "tiny.xml").unlink()


def two_xml(folder: Path) -> None:
    shutil.copy(folder / "tiny.xml", folder / "other.xml")


def empty_xml(folder: Path) -> None:
    (folder / "tiny.xml").write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (cut_xml, "cannot read the model"),
        (cut_bin, "cannot read the model"),
        (empty_xml, "cannot read the model"),
        (no_bin, r"tiny\.bin is missing"),
        (no_xml, r"expected one \.xml in the folder, found 0"),
        (two_xml, r"expected one \.xml in the folder, found 2"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_damaged_weights_are_named(
    tiny_models: TinyModels, damage: Callable[[Path], None], text: str
) -> None:
    folder = tiny_models.openvino()
    damage(folder)

    with pytest.raises(WeightsError, match=rf"tiny_openvino_model.*{text}"):
        OpenvinoDetector(folder, SELECTION)


def test_weights_of_another_kind_are_named(tmp_path: Path) -> None:
    file = tmp_path / "x.onnx"
    file.touch()

    with pytest.raises(WeightsError, match=r"x\.onnx.*expected an OpenVINO \.xml"):
        OpenvinoDetector(file, SELECTION)


def shop_frames(shared: Path, num: int) -> list[Frame]:
    frames = []
    for camera in ("cam1", "cam2", "cam3"):
        video = cv2.VideoCapture(str(shared / "video" / "retail" / f"{camera}.mp4"))
        for index in range(num):
            video.set(cv2.CAP_PROP_POS_FRAMES, 60 * index)
            _, image = video.read()
            frames.append(Frame(camera, 60 * index, 0.0, np.asarray(image, dtype=np.uint8)))
        video.release()
    return frames


@pytest.mark.shared
def test_yolo_on_the_shop_finds_the_same_people_in_a_wide_input_as_in_a_square(
    shared_dir: Path,
) -> None:
    weights = shared_dir / "weights" / "yolo11n_int8_openvino_model"
    wide, square = (OpenvinoDetector(weights, Selection(min_score=0.4)) for _ in range(2))
    square._is_resizable = False
    frames = shop_frames(shared_dir, 2)

    num_found = num_all = 0
    for expected, found in zip(square.detect(frames), wide.detect(frames), strict=True):
        best = iou_matrix(expected.boxes, found.boxes).max(axis=1, initial=0)
        num_found += int((best > 0.8).sum())
        num_all += len(expected)

    assert (640, 384) in wide._engines
    assert num_all >= 12
    assert num_found >= 0.9 * num_all


@pytest.mark.shared
def test_retail_0013_finds_most_people_that_yolo_finds_in_the_shop(shared_dir: Path) -> None:
    folder = shared_dir / "weights"
    ssd = OpenvinoDetector(
        folder / "openvino" / "person-detection-retail-0013", Selection(min_score=0.3)
    )
    yolo = OpenvinoDetector(folder / "yolo11n_int8_openvino_model", Selection(min_score=0.5))
    frames = shop_frames(shared_dir, 2)

    num_found = num_all = 0
    for expected, found in zip(yolo.detect(frames), ssd.detect(frames), strict=True):
        best = iou_matrix(expected.boxes, found.boxes).max(axis=1, initial=0)
        num_found += int((best > 0.5).sum())
        num_all += len(expected)

    assert num_found >= 0.7 * num_all


@pytest.mark.shared
def test_an_embedder_is_no_detector(shared_dir: Path) -> None:
    folder = shared_dir / "weights" / "openvino" / "person-reidentification-retail-0277"

    with pytest.raises(WeightsError, match="not a classifier or an embedder"):
        OpenvinoDetector(folder, SELECTION)
