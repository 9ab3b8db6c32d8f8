"""`crosscam doctor`: what this machine has, what it lacks, and one cure per finding."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from config.schema import DetectorSettings, EmbedderSettings

_OUR_PACKAGES = ("config", "streams", "detector", "reid", "matcher", "query", "crosscam")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What.
        text: What was found.
        cure: What to do; empty if nothing.
        is_fault: Something that is always needed does not work.
    """

    name: str
    text: str
    cure: str = ""
    is_fault: bool = False

    def __str__(self) -> str:
        """One line, and the cure on the next."""
        mark = "FAULT" if self.is_fault else ("-" if self.cure else "ok")
        cure = f"\n{'':8}cure: {self.cure}" if self.cure else ""
        return f"{mark:<7} {self.name}: {self.text}{cure}"


def examine() -> list[Finding]:
    """Look at everything; no examination raises."""
    findings: list[Finding] = []
    for examination in _EXAMINATIONS:
        try:
            findings += examination()
        except Exception as error:  # noqa: BLE001 - a broken library is what we are looking for
            name = examination.__name__.strip("_").replace("_", " ")
            findings.append(Finding(name, f"cannot be examined: {error}", is_fault=True))
    return findings


def _python() -> Iterator[Finding]:
    yield Finding("python", f"{sys.version.split()[0]} at {sys.prefix}")


def _our_packages() -> Iterator[Finding]:
    """A foreign package of the same name would be loaded silently in place of ours."""
    home = Path(__file__).resolve().parents[1]
    foreign = []
    for name in _OUR_PACKAGES:
        origin = importlib.import_module(name).__file__
        if origin is None or Path(origin).resolve().parents[1] != home:
            foreign.append(f"{name} from {origin}")
    if foreign:
        cure = "remove the package that brings it, or use a virtual environment of its own"
        yield Finding("our packages", f"not ours: {', '.join(foreign)}", cure, is_fault=True)
    else:
        yield Finding("our packages", f"all from {home}")


def _torch() -> Iterator[Finding]:
    torch = importlib.import_module("torch")
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU"
    yield Finding("torch", f"{torch.__version__}, {device}, {torch.get_num_threads()} threads")


def _decoding() -> Iterator[Finding]:
    av = importlib.import_module("av")
    has_h264 = "h264" in av.codecs_available
    cure = "" if has_h264 else "pip install --force-reinstall av (a build without H.264 was found)"
    yield Finding("decoding", f"PyAV {av.__version__}, H.264 {has_h264}", cure, not has_h264)


def _opencv() -> Iterator[Finding]:
    cv2 = importlib.import_module("cv2")
    has_hog = hasattr(cv2, "HOGDescriptor")
    cure = "" if has_hog else "pip install 'opencv-python<5' for the weight-free detectors"
    yield Finding("opencv", f"{cv2.__version__}, HOG person detector {has_hog}", cure)


def _optional_backends() -> Iterator[Finding]:
    for extra, package in (
        ("openvino", "openvino"),
        ("onnx", "onnxruntime"),
        ("yolo", "ultralytics"),
        ("score", "trackeval"),
    ):
        try:
            yield Finding(package, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(package, "not installed", f"pip install -e '.[{extra}]' if you want it")


def _store() -> Iterator[Finding]:
    find_server = importlib.import_module("matcher.embedded").find_server
    yield Finding("embedded store", str(find_server()))


def _choices() -> Iterator[Finding]:
    """What `kind: auto` takes on this machine."""
    detector = importlib.import_module("detector.detector").choose_detector(DetectorSettings())
    embedder = importlib.import_module("reid.embedder").choose_embedder(EmbedderSettings())
    yield Finding("detector auto", f"{detector.kind}: {detector.reason}")
    yield Finding("embedder auto", f"{embedder.kind}: {embedder.reason}")


def _weights_folder() -> Iterator[Finding]:
    folder = os.environ.get("CROSSCAM_WEIGHTS", "")
    if folder and not Path(folder).is_dir():
        yield Finding("CROSSCAM_WEIGHTS", f"no folder at {folder}", "export an existing folder")
    else:
        yield Finding("CROSSCAM_WEIGHTS", folder or "not set")


def _disk() -> Iterator[Finding]:
    free_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    cure = "free some space: the store needs about 6 GB a million tracklets" if free_gb < 2 else ""
    yield Finding("disk here", f"{free_gb:.0f} GB free", cure)


_EXAMINATIONS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python,
    _our_packages,
    _torch,
    _decoding,
    _opencv,
    _optional_backends,
    _store,
    _choices,
    _weights_folder,
    _disk,
)
