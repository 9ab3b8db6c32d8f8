"""Where a detector's weights are: the given path, the cache, a named folder, or a download."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from detector.errors import WeightsError

logger = logging.getLogger(__name__)

_ULTRALYTICS = "https://github.com/ultralytics/assets/releases/download/v8.3.0"
_OPEN_MODEL_ZOO = (
    "https://storage.openvinotoolkit.org/repositories/open_model_zoo/2022.1/models_bin/3"
)
_TIMEOUT_S = 30.0
_CHUNK = 1 << 20
_MAX_DOWNLOAD = 1 << 30
"""Bytes of a file that are downloaded at most."""


@dataclass(frozen=True, slots=True)
class DownloadableFile:
    """A file that may be downloaded.

    Attributes:
        url: Where it is.
        digest: Its SHA-256 (64 hex digits), or SHA-384 (96) where its publisher gives that.
    """

    url: str
    digest: str


KNOWN_WEIGHTS: Mapping[str, tuple[DownloadableFile, ...]] = {
    "person-detection-retail-0013": (
        DownloadableFile(
            f"{_OPEN_MODEL_ZOO}/person-detection-retail-0013/FP16/person-detection-retail-0013.xml",
            "3c8f83c3ef3c31d41dc1e91c6c43537d231f25e9a4e610ade3e4a8bf73a896aa"
            "64c86d6d8e3431578173ea5876da9284",
        ),
        DownloadableFile(
            f"{_OPEN_MODEL_ZOO}/person-detection-retail-0013/FP16/person-detection-retail-0013.bin",
            "89cb1d9735d508b6d047fbafbed06babc3373d4da21cdb67873fed828aefdcf2"
            "97b3594ef8219bf54b22af912b20f2d1",
        ),
    ),
    "yolo11n.pt": (
        DownloadableFile(
            f"{_ULTRALYTICS}/yolo11n.pt",
            "0ebbc80d4a7680d14987a577cd21342b65ecfd94632bd9a8da63ae6417644ee1",
        ),
    ),
    "yolo11s.pt": (
        DownloadableFile(
            f"{_ULTRALYTICS}/yolo11s.pt",
            "85a76fe86dd8afe384648546b56a7a78580c7cb7b404fc595f97969322d502d5",
        ),
    ),
}
"""Names that can be downloaded: one file, or a folder of several. The YOLO weights are AGPL-3.0."""

AUTO_PATTERNS = (
    "yolo*_openvino_model",
    "yolo*.onnx",
    "yolo*.pt",
    "person-detection-retail-0013",
)
"""What `auto` looks for when no weights are named, best first."""


@dataclass(frozen=True, slots=True)
class WeightsStore:
    """The places where weights are looked for.

    Attributes:
        cache: Folder that downloads go to.
        folders: Further folders, in order.
        known: Names that can be downloaded.
    """

    cache: Path
    folders: tuple[Path, ...] = ()
    known: Mapping[str, tuple[DownloadableFile, ...]] = field(default_factory=lambda: KNOWN_WEIGHTS)

    def find(self, weights: str) -> Path:
        """The file or folder that `weights`, a path or a name, means; known names are downloaded.

        Raises:
            WeightsError: It is nowhere and cannot be downloaded; the text names the ways to provide
                it.
        """
        path = Path(weights).expanduser()
        if path.exists():
            return path
        found = self._in_folders(path.name)
        if found:
            return found[0]
        if path.name not in self.known:
            raise self._missing(weights, f"it is not one of the known {', '.join(self.known)}")
        try:
            return download(path.name, self.known[path.name], self.cache)
        except OSError as error:
            raise self._missing(weights, f"the download failed: {error}") from error

    def find_any(self, patterns: Sequence[str] = AUTO_PATTERNS) -> list[Path]:
        """What is there of these name patterns, in their order; nothing is downloaded."""
        return [path for pattern in patterns for path in self._in_folders(pattern)]

    def _in_folders(self, pattern: str) -> list[Path]:
        """Matches in the cache, then in the folders and down to two levels below them."""
        found = sorted(self.cache.glob(pattern))
        for folder in self.folders:
            for depth in ("", "*/", "*/*/"):
                found += sorted(folder.glob(depth + pattern))
        return found

    def _missing(self, weights: str, why: str) -> WeightsError:
        name = Path(weights).name
        return WeightsError(
            f"detector weights {weights!r} were not found and cannot be downloaded ({why}). "
            f"Three ways to provide them: (1) set detector.weights to the path of the file; "
            f"(2) put {name} into {self.cache}; "
            f"(3) put it into a folder and set CROSSCAM_WEIGHTS to that folder"
        )


def weights_store(environment: Mapping[str, str] | None = None) -> WeightsStore:
    """The places of this machine: the user's cache folder, then ``$CROSSCAM_WEIGHTS``.

    Args:
        environment: Where the variables are looked up; the process environment by default.
    """
    variables = os.environ if environment is None else environment
    home_cache = variables.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folders = variables.get("CROSSCAM_WEIGHTS", "").split(os.pathsep)
    return WeightsStore(
        Path(home_cache) / "crosscam", tuple(Path(folder) for folder in folders if folder)
    )


def download(name: str, files: Sequence[DownloadableFile], folder: Path) -> Path:
    """Fetch the files of `name` into `folder`; gives the file or, of several, their folder.

    Nothing is left behind that is not complete and verified.

    Raises:
        WeightsError: A file is other than its checksum says.
        OSError: The network or the disk failed.
    """
    target = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as temporary:
        place = Path(temporary) / name
        is_folder = len(files) > 1
        if is_folder:
            place.mkdir()
        for file in files:
            logger.warning("downloading %s", file.url)
            _fetch(file, place / Path(file.url).name if is_folder else place)
        if is_folder and target.exists():
            shutil.rmtree(target)
        place.replace(target)
    return target


def _fetch(file: DownloadableFile, target: Path) -> None:
    digest = hashlib.sha384() if len(file.digest) == 96 else hashlib.sha256()
    num_bytes = 0
    with (
        urllib.request.urlopen(file.url, timeout=_TIMEOUT_S) as response,  # noqa: S310 - our own URLs
        target.open("wb") as output,
    ):
        while chunk := response.read(_CHUNK):
            num_bytes += len(chunk)
            if num_bytes > _MAX_DOWNLOAD:
                raise WeightsError(f"{file.url} is larger than {_MAX_DOWNLOAD >> 20} MB: not taken")
            digest.update(chunk)
            output.write(chunk)
    if digest.hexdigest() != file.digest:
        raise WeightsError(
            f"{file.url}: the download has the checksum {digest.hexdigest()}, expected "
            f"{file.digest}; it was thrown away. Try again, or provide the file yourself"
        )
