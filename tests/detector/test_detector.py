"""The contract of detectors over all backends, and the factory."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from config.schema import CameraSettings, DetectorSettings
from detector.detector import Detector, build_detector, choose_detector
from detector.errors import BackendError, DetectorError, WeightsError
from detector.weights import WeightsStore
from streams.frame import Frame

if TYPE_CHECKING:
    from tests.detector.conftest import TinyModels

CAMERAS = [
    CameraSettings.model_validate({"id": camera_id, "url": "unused"}) for camera_id in ("a", "b")
]


def settings(**values: object) -> DetectorSettings:
    return DetectorSettings.model_validate({"min_height_px": 1, **values})


def frame(camera_id: str, index: int, size: tuple[int, int], seed: int = 0) -> Frame:
    """A noisy picture of (width, height)."""
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Frame(camera_id, index, 100.0 + index / 10, noise)


def onnx(models: TinyModels) -> DetectorSettings:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    return settings(kind="onnx", weights=str(models.onnx()))


def openvino(models: TinyModels) -> DetectorSettings:
    pytest.importorskip("openvino")
    return settings(kind="openvino", weights=str(models.openvino()))


def openvino_ssd(models: TinyModels) -> DetectorSettings:
    pytest.importorskip("openvino")
    return settings(kind="openvino", weights=str(models.ssd()))


def yolo(models: TinyModels) -> DetectorSettings:
    return settings(kind="yolo", weights=str(models.yolo()), input_size_px=128, min_score=0)


def hog(_: TinyModels) -> DetectorSettings:
    return settings(kind="hog", min_score=0)


def motion(_: TinyModels) -> DetectorSettings:
    return settings(kind="motion", min_score=0)


def replay(models: TinyModels) -> DetectorSettings:
    file = models.folder / "det.txt"
    file.write_text("1,-1,0,0,30,400,0.5\n1,-1,50,-10,30,40,0.9\n2,-1,0,0,1,1,0.9\n")
    return settings(kind="replay", weights=str(file))


BACKENDS = [onnx, openvino, openvino_ssd, yolo, hog, motion, replay]


@pytest.fixture(params=BACKENDS, ids=lambda backend: backend.__name__)
def detector(request: pytest.FixtureRequest, tiny_models: TinyModels) -> Detector:
    make: Callable[[TinyModels], DetectorSettings] = request.param
    return build_detector(make(tiny_models), CAMERAS)


class TestContract:
    def test_no_frames_are_no_detections(self, detector: Detector) -> None:
        assert detector.detect([]) == []

    def test_detections_come_in_the_order_of_the_frames(self, detector: Detector) -> None:
        frames = [
            frame("a", 0, (160, 90)),
            frame("b", 0, (100, 200), seed=1),
            frame("a", 1, (160, 90), seed=2),
            frame("b", 1, (33, 47), seed=3),
        ]

        found = detector.detect(frames)

        assert [people.frame for people in found] == frames

    def test_boxes_lie_in_their_frame_and_the_best_score_is_first(self, detector: Detector) -> None:
        frames = [frame("a", i, (160, 90), seed=i) for i in range(3)]
        frames += [frame("b", i, (90, 160), seed=i) for i in range(3)]

        for people in detector.detect(frames):
            width, height = people.frame.size
            x1, y1, x2, y2 = people.boxes.T
            assert ((x1 >= 0) & (y1 >= 0) & (x2 <= width) & (y2 <= height)).all()
            assert ((x2 > x1) & (y2 > y1)).all()
            assert (np.diff(people.scores) <= 0).all()

    @pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1)], ids=str)
    def test_a_frame_of_one_pixel_is_no_trouble(
        self, detector: Detector, size: tuple[int, int]
    ) -> None:
        found = detector.detect([frame("a", 0, size), frame("a", 1, (160, 90))])

        assert [people.frame.size for people in found] == [size, (160, 90)]

    def test_frames_stay_as_they_were(self, detector: Detector) -> None:
        seen = frame("a", 0, (160, 90))
        before = seen.image.copy()

        detector.detect([seen])

        np.testing.assert_array_equal(seen.image, before)

    def test_a_detector_has_a_name(self, detector: Detector) -> None:
        assert detector.name.split()[0] in {"onnx", "openvino", "yolo", "hog", "motion", "replay"}

    def test_it_may_be_closed_twice_and_finds_nothing_afterwards(self, detector: Detector) -> None:
        detector.close()
        detector.close()

        with pytest.raises(DetectorError, match="closed"):
            detector.detect([frame("a", 0, (160, 90))])


def empty_store(tmp_path: Path) -> WeightsStore:
    return WeightsStore(tmp_path / "cache", known={})


def test_auto_without_weights_takes_motion_and_says_so_loudly(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="detector"):
        detector = build_detector(settings(), CAMERAS, empty_store(tmp_path))

    assert detector.name == "motion on CPU"
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "no weights" in record.getMessage()


def test_motion_that_was_asked_for_is_no_reason_to_shout(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="detector"):
        build_detector(settings(kind="motion"), CAMERAS, empty_store(tmp_path))

    assert [record.levelno for record in caplog.records] == [logging.INFO]


@pytest.mark.parametrize(
    ("name", "kind", "library"),
    [
        ("yolo11n.pt", "yolo", "ultralytics"),
        ("any.onnx", "onnx", "onnxruntime"),
        ("any.xml", "openvino", "openvino"),
        ("det.txt", "replay", "numpy"),
    ],
)
def test_auto_follows_the_kind_of_the_named_weights(
    tmp_path: Path, name: str, kind: str, library: str
) -> None:
    pytest.importorskip(library) if library != "ultralytics" else None
    (tmp_path / name).touch()

    choice = choose_detector(settings(weights=str(tmp_path / name)), empty_store(tmp_path))

    assert choice.kind == kind
    assert choice.weights == tmp_path / name
    assert name in choice.reason


def test_auto_takes_known_weights_that_lie_in_the_named_folder(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    folder = tmp_path / "weights" / "yolo11n_openvino_model"
    folder.mkdir(parents=True)
    (folder / "yolo11n.xml").touch()
    (tmp_path / "weights" / "yolo11n.pt").touch()

    choice = choose_detector(settings(), WeightsStore(tmp_path / "cache", (tmp_path / "weights",)))

    assert (choice.kind, choice.weights) == ("openvino", folder)


def test_auto_refuses_weights_that_it_does_not_know(tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.touch()

    with pytest.raises(WeightsError, match=r"model\.bin.*cannot tell.*\.onnx file"):
        choose_detector(settings(weights=str(file)), empty_store(tmp_path))


def test_weights_that_are_nowhere_are_an_error_not_a_fallback(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="Three ways"):
        choose_detector(settings(weights="/nowhere/x.pt"), empty_store(tmp_path))


@pytest.mark.parametrize("kind", ["onnx", "replay"])
def test_a_kind_that_needs_weights_says_which(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(WeightsError, match=rf"detector\.weights is needed for.*{kind}"):
        choose_detector(settings(kind=kind), empty_store(tmp_path))


def test_a_missing_library_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    file = tmp_path / "x.onnx"
    file.touch()

    with pytest.raises(BackendError, match=r"onnxruntime.*pip install 'crosscam\[onnx\]'"):
        choose_detector(settings(kind="onnx", weights=str(file)), empty_store(tmp_path))


def test_auto_passes_over_weights_whose_library_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    (tmp_path / "yolo11n.pt").touch()

    choice = choose_detector(settings(), WeightsStore(tmp_path / "cache", (tmp_path,)))

    assert choice.kind == "motion"


def test_openvino_has_no_cuda(tiny_models: TinyModels) -> None:
    pytest.importorskip("openvino")
    wanted = settings(kind="openvino", weights=str(tiny_models.openvino()), device="cuda")

    with pytest.raises(BackendError, match=r"detector\.device is 'cuda'"):
        build_detector(wanted, CAMERAS)


def test_the_regions_of_the_cameras_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "det.txt"
    file.write_text("1,-1,0,0,20,90,0.9\n1,-1,130,0,20,90,0.8\n")
    left = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]
    camera = CameraSettings.model_validate({"id": "a", "url": "unused", "exclude": [left]})
    detector = build_detector(settings(kind="replay", weights=str(file)), [camera])

    (people,) = detector.detect([frame("a", 0, (160, 90))])

    assert people.boxes.tolist() == [[130, 0, 150, 90]]


def test_score_height_and_overlap_of_the_settings_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "det.txt"
    file.write_text(
        "1,-1,0,0,20,90,0.9\n1,-1,1,0,20,90,0.8\n1,-1,50,0,20,90,0.2\n1,-1,90,0,9,9,1\n"
    )
    wanted = settings(kind="replay", weights=str(file), min_score=0.3, min_height_px=10)

    (people,) = build_detector(wanted, CAMERAS).detect([frame("a", 0, (160, 90))])

    assert people.boxes.tolist() == [[0, 0, 20, 90]]
