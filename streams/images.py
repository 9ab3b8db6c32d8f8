"""A folder of images as a recorded camera."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps, UnidentifiedImageError

from streams.errors import SourceCorruptError, SourceOpenError
from streams.frame import Frame, Image
from streams.sampler import FrameSampler
from streams.source import Sampling, SourceInfo

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
_FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_MAX_PIXELS = 64_000_000
_DEFAULT_FPS = 1.0


class ImageFolder:
    """The images of a folder, in natural order of their names (``img2`` before ``img10``).

    Image i is captured at `start_at` + i / fps, where fps is `sampling.max_fps`, else 1: a folder
    has no rate of its own, so the limit is taken as the rate, and every image counts. Files that
    are no images by their suffix are passed over; images that do not decode keep their index.
    """

    def __init__(
        self, camera_id: str, folder: Path, *, sampling: Sampling, start_at: float | None
    ) -> None:
        """List the folder.

        Args:
            camera_id: The camera's id.
            folder: The folder; folders in it are not looked into.
            sampling: Which images are kept.
            start_at: Capture time of the first image, Unix seconds; None: the last image's
                modification time minus the folder's length.

        Raises:
            SourceOpenError: It cannot be read, holds no images, or no image decodes (permanent).
        """
        self._camera_id = camera_id
        self._folder = folder
        self._stride = sampling.stride
        self._fps = sampling.max_fps or _DEFAULT_FPS
        try:
            self._paths = sorted(
                (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES),
                key=_natural_order,
            )
        except OSError as error:
            raise SourceOpenError(
                f"camera {camera_id}: {folder} cannot be read ({error.strerror})", is_permanent=True
            ) from error
        if not self._paths:
            raise SourceOpenError(
                f"camera {camera_id}: {folder} holds no images; "
                f"expected files that end in {', '.join(sorted(SUFFIXES))}",
                is_permanent=True,
            )
        if start_at is None:
            start_at = self._paths[-1].stat().st_mtime - (len(self._paths) - 1) / self._fps
        self._start_at = start_at
        self._num_read = 0
        self._bad: list[str] = []
        self._info = self._first_info()

    @property
    def camera_id(self) -> str:
        """The camera's id."""
        return self._camera_id

    @property
    def info(self) -> SourceInfo:
        """The size is that of the first image that decodes."""
        return self._info

    @property
    def num_clock_jumps(self) -> int:
        """Always 0: the clock is made of the index."""
        return 0

    @property
    def num_decode_errors(self) -> int:
        """Images that did not decode so far."""
        return len(self._bad)

    @property
    def num_read(self) -> int:
        """Images looked at so far."""
        return self._num_read

    def frames(self, start_index: int = 0) -> Iterator[Frame]:
        """The sampled images from an index on.

        Raises:
            SourceCorruptError: Images do not decode; raised at the end.
        """
        sampler = FrameSampler(Sampling(self._stride))
        for index, path in enumerate(self._paths):
            self._num_read += 1
            timestamp = self._start_at + index / self._fps
            if not sampler.keeps(index, timestamp) or index < start_index:
                continue
            try:
                image = read_image(path)
            except ValueError as error:
                self._bad.append(str(error))
                continue
            yield Frame(self._camera_id, index, timestamp, image)
        if self._bad:
            raise SourceCorruptError(
                f"camera {self._camera_id}: {len(self._bad)} of {len(self._paths)} images of "
                f"{self._folder} were left out, the first: {self._bad[0]}"
            )

    def close(self) -> None:
        """Nothing is held open."""

    def _first_info(self) -> SourceInfo:
        problem = ""
        for path in self._paths:
            try:
                height_px, width_px = read_image(path).shape[:2]
            except ValueError as error:
                problem = problem or str(error)
                continue
            return SourceInfo(
                codec="images",
                width_px=width_px,
                height_px=height_px,
                fps=self._fps,
                clock="file",
                is_live=False,
                num_frames=len(self._paths),
            )
        raise SourceOpenError(
            f"camera {self._camera_id}: no image of {self._folder} can be read, "
            f"the first: {problem}",
            is_permanent=True,
        )


def read_image(path: Path) -> Image:
    """(H, W, 3) uint8 BGR of an image file, upright; grey and palette images are converted.

    Raises:
        ValueError: It cannot be read, is damaged, or is too large (a small file can hold a huge
            image that would fill the memory).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PillowImage.DecompressionBombWarning)  # checked below
            with PillowImage.open(path, formats=_FORMATS) as image:
                if image.width * image.height > _MAX_PIXELS:
                    raise ValueError(
                        f"{path.name} has {image.width} x {image.height} pixels, more than "
                        f"{_MAX_PIXELS // 1_000_000} million"
                    )
                upright = ImageOps.exif_transpose(image)
                rgb = np.asarray(upright.convert("RGB"))
    except PillowImage.DecompressionBombError as error:
        raise ValueError(f"{path.name} has too many pixels") from error
    except UnidentifiedImageError as error:
        raise ValueError(f"{path.name} is no image") from error
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path.name} cannot be read ({error})") from error
    return np.ascontiguousarray(rgb[..., ::-1])


def _natural_order(path: Path) -> tuple[list[tuple[bool, int, str]], str]:
    parts = re.split(r"(\d+)", path.name.lower())
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts], path.name
