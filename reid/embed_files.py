"""Embed image files: `crosscam embed`."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from reid.embedder import Crop, RawEmbedder
from reid.errors import ReidError

logger = logging.getLogger(__name__)

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
MAX_PIXELS = 25_000_000
"""A larger image is refused by its header: a small file can unpack to gigabytes."""

_FORMATS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")
_BATCH = 32


@dataclass(frozen=True, slots=True, eq=False)
class FileFeatures:
    """Features of image files.

    Attributes:
        names: What each image is called, N of them (see `ImageFile`).
        features: (N, D) float32.
        space: The embedder's space.
        num_skipped: Images that could not be read.
    """

    names: tuple[str, ...]
    features: npt.NDArray[np.float32]
    space: str
    num_skipped: int


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image to embed.

    Attributes:
        name: The file's name, for a folder its path within that folder with forward slashes; the
            whole path where the short names of several files are the same.
        path: Where it is.
    """

    name: str
    path: Path


def find_images(paths: Sequence[Path]) -> list[ImageFile]:
    """The images that are meant by paths: in the order given, folders recursively and sorted.

    Raises:
        ReidError: A path does not exist, or a folder has no image.
    """
    files: list[ImageFile] = []
    for path in paths:
        if path.is_file():
            files.append(ImageFile(path.name, path))
        elif path.is_dir():
            files += _in_folder(path)
        else:
            raise ReidError(f"{path}: no such file or folder; name images, or folders of them")
    if len({file.name for file in files}) < len(files):
        return [ImageFile(file.path.as_posix(), file.path) for file in files]
    return files


def read_image(path: Path) -> Crop:
    """An image file as (h, w, 3) uint8 BGR, turned as its EXIF data says; transparency is dropped.

    Raises:
        ReidError: The file is missing, no image, damaged, or has more than 25 megapixels.
    """
    try:
        data = path.read_bytes()
        _check_header(path)
    except OSError as error:
        raise ReidError(f"image {path}: cannot be read: {error.strerror or error}") from error
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ReidError(f"image {path}: damaged ({error.err}); copy it again") from error
    if image is None:
        raise ReidError(f"image {path}: damaged; copy it again, or leave it out")
    return np.asarray(image, np.uint8)


def embed_files(
    embedder: RawEmbedder,
    files: Sequence[ImageFile],
    *,
    is_raw: bool = False,
    skip_bad: bool = False,
) -> FileFeatures:
    """The features of image files, in order; some images at a time are in memory.

    Args:
        embedder: What embeds them; it stays open.
        files: See `find_images`.
        is_raw: Leave the features as the network gives them.
        skip_bad: Log and leave out images that cannot be read.

    Raises:
        ReidError: An image cannot be read (without `skip_bad`), or the embedder failed.
    """
    embed = embedder.embed_raw if is_raw else embedder.embed
    names: list[str] = []
    blocks = [np.empty((0, embedder.dim), np.float32)]
    for batch in _batches(files, skip_bad=skip_bad):
        names += [name for name, _ in batch]
        blocks.append(embed([crop for _, crop in batch]))
    return FileFeatures(
        tuple(names), np.concatenate(blocks), embedder.space, len(files) - len(names)
    )


def save_features(found: FileFeatures, out: Path) -> None:
    """Write arrays `names`, `features` and `space`; the file appears whole or not at all.

    Raises:
        ReidError: The file cannot be written.
    """
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as stream:
            np.savez(
                stream,
                names=np.array(found.names, dtype=np.str_),
                features=found.features,
                space=np.array(found.space),
            )
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(out)
    except OSError as error:
        raise ReidError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _in_folder(folder: Path) -> list[ImageFile]:
    inside = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
    )
    if not inside:
        raise ReidError(
            f"{folder}: holds no image; looked for {', '.join(IMAGE_SUFFIXES)}, also in its folders"
        )
    return [ImageFile(path.relative_to(folder).as_posix(), path) for path in inside]


def _check_header(path: Path) -> None:
    """Refuse what is no image or unpacks to too much, before anything is unpacked."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as header:
                num_pixels = header.width * header.height
    except (UnidentifiedImageError, ValueError, SyntaxError) as error:
        raise ReidError(
            f"image {path}: not an image of a known kind ({', '.join(_FORMATS)})"
        ) from error
    except Image.DecompressionBombError:
        num_pixels = MAX_PIXELS + 1
    if num_pixels > MAX_PIXELS:
        raise ReidError(
            f"image {path}: over {MAX_PIXELS // 1_000_000} megapixels; crop or shrink it"
        )


def _batches(files: Sequence[ImageFile], *, skip_bad: bool) -> Iterator[list[tuple[str, Crop]]]:
    batch: list[tuple[str, Crop]] = []
    for file in files:
        try:
            batch.append((file.name, read_image(file.path)))
        except ReidError as error:
            if not skip_bad:
                raise
            logger.warning("left out: %s", error)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
