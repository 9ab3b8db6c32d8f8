from __future__ import annotations

import importlib.util
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import torch

from detector.errors import BackendError, WeightsError
from detector.selection import Selection
from detector.yolo import YoloDetector, check_pickle, torch_device, unchanged_process
from streams.frame import Frame

if TYPE_CHECKING:
    from tests.detector.conftest import TinyModels


needs_ultralytics = pytest.mark.skipif(
    importlib.util.find_spec("ultralytics") is None, reason="pip install 'crosscam[yolo]' to run it"
)
"""Not `importorskip`, which would import it unguarded."""


class Canary:
    """Its pickle creates a file when it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.file),)


def test_a_pickle_with_foreign_code_is_refused_and_not_run(tmp_path: Path) -> None:
    canary, file = tmp_path / "canary", tmp_path / "evil.pt"
    torch.save({"model": Canary(canary)}, file)

    with pytest.raises(WeightsError, match=r"evil\.pt.*would run foreign code.*mkdir"):
        YoloDetector(file, Selection())

    assert not canary.exists()


def test_code_hidden_behind_a_network_is_found(tmp_path: Path) -> None:
    canary, file = tmp_path / "canary", tmp_path / "evil.pt"
    torch.save({"model": torch.nn.Linear(1, 1), "date": Canary(canary)}, file)

    with pytest.raises(WeightsError, match="foreign code"):
        check_pickle(file)

    assert not canary.exists()


def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.pt"
    file.write_bytes(b"hello")

    with pytest.raises(WeightsError, match=r"x\.pt.*no torch checkpoint"):
        check_pickle(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"gone\.pt.*no torch checkpoint"):
        check_pickle(tmp_path / "gone.pt")


def test_a_checkpoint_with_a_damaged_middle_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.pt"
    torch.save({"a": torch.arange(10_000)}, file)
    content = bytearray(file.read_bytes())
    content[40_000:40_100] = bytes(100)
    file.write_bytes(content)

    with pytest.raises(WeightsError, match=r"x\.pt.*cannot be read.*wrong checksum"):
        check_pickle(file)


@needs_ultralytics
def test_a_checkpoint_without_a_network_is_named(tiny_models: TinyModels) -> None:
    file = tiny_models.folder / "x.pt"
    torch.save({"a": torch.zeros(3)}, file)

    with pytest.raises(WeightsError, match=r"x\.pt: ultralytics cannot load them"):
        YoloDetector(file, Selection())


@needs_ultralytics
def test_loading_leaves_the_process_as_it_was(tiny_models: TinyModels) -> None:
    weights = tiny_models.yolo()
    environment = dict(os.environ)
    threads = torch.get_num_threads(), cv2.getNumThreads()
    filters, safe = list(warnings.filters), set(torch.serialization.get_safe_globals())
    save, options = torch.save, np.get_printoptions()

    YoloDetector(weights, Selection())

    assert dict(os.environ) == environment
    assert (torch.get_num_threads(), cv2.getNumThreads()) == threads
    assert list(warnings.filters) == filters
    assert set(torch.serialization.get_safe_globals()) == safe
    assert torch.save is save
    assert np.get_printoptions() == options
    assert logging.getLogger("ultralytics").propagate
    assert "torchvision" not in sys.modules


@needs_ultralytics
def test_importing_leaves_the_functions_of_other_libraries_alone() -> None:
    code = (
        "import cv2, torch, PIL.Image\n"
        "from detector.yolo import unchanged_process\n"
        "before = PIL.Image.open, cv2.imread, cv2.imwrite, cv2.imshow, torch.save, torch.load\n"
        "with unchanged_process():\n"
        "    from ultralytics import YOLO\n"
        "after = PIL.Image.open, cv2.imread, cv2.imwrite, cv2.imshow, torch.save, torch.load\n"
        "print([f.__name__ for f, g in zip(before, after, strict=True) if f is not g])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_process_is_put_back_after_an_error() -> None:
    environment = dict(os.environ)

    def fail_inside() -> None:
        with unchanged_process():
            assert os.environ["ULTRALYTICS_SAFE_LOAD"] == "1"
            os.environ["LEFT_BEHIND"] = "1"
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail_inside()

    assert dict(os.environ) == environment


@needs_ultralytics
def test_large_batches_give_what_single_frames_give(tiny_models: TinyModels) -> None:
    detector = YoloDetector(
        tiny_models.yolo(), Selection(min_score=0, min_height_px=1), input_size_px=128
    )
    rng = np.random.default_rng(0)
    frames = [
        Frame("cam1", i, 0.0, rng.integers(0, 256, (72, 128, 3), dtype=np.uint8)) for i in range(9)
    ]

    together = detector.detect(frames)

    (alone,) = detector.detect(frames[8:])
    np.testing.assert_allclose(together[8].boxes[:20], alone.boxes[:20], atol=0.1)


def test_auto_is_a_device_that_is_there() -> None:
    assert torch_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("device", ["cuda:99", "tpu"])
def test_a_device_that_is_not_there_is_named(device: str) -> None:
    with pytest.raises(BackendError, match=rf"detector\.device.*{device}"):
        torch_device(device)


@needs_ultralytics
@pytest.mark.shared
def test_the_rebuilt_yolo11n_finds_the_people_of_the_shop(shared_dir: Path) -> None:
    detector = YoloDetector(
        shared_dir / "weights" / "yolo11n" / "yolo11n_rebuilt.pt", Selection(min_score=0.5)
    )
    video = cv2.VideoCapture(str(shared_dir / "video" / "retail" / "cam3.mp4"))
    video.set(cv2.CAP_PROP_POS_FRAMES, 140)
    _, image = video.read()
    video.release()

    (people,) = detector.detect([Frame("cam3", 0, 0.0, np.asarray(image, dtype=np.uint8))])

    assert len(people) >= 2
    assert "torchvision" not in sys.modules
