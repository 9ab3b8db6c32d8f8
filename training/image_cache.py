"""All training images at the model's size in one array, decoded and resized once."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from reid.embed_files import read_image
from reid.errors import ReidError
from reid.preprocess import resize
from training.errors import DataError

logger = logging.getLogger(__name__)

ImageArray = npt.NDArray[np.uint8]
"""(N, H, W, 3) uint8 BGR."""

_MAX_NAMED = 5


def load_images(
    paths: Iterable[Path],
    size: tuple[int, int],
    *,
    file: Path | None = None,
    num_threads: int | None = None,
) -> ImageArray:
    """The images in order, resized by the rule that embedding uses; (0, H, W, 3) for none.

    Args:
        paths: Image files.
        size: (H, W).
        file: An .npy file to write and map instead of holding the array in memory: for data sets
            larger than memory, and for several processes of a machine.
        num_threads: That decode; None: one for each core.

    Raises:
        DataError: Images are missing or damaged; all are counted, the first ones named.
        OSError: `file` cannot be written.
    """
    paths = list(paths)
    shape = (len(paths), *size, 3)
    if file is None or not paths:
        images: ImageArray = np.empty(shape, np.uint8)
    else:
        images = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)

    def load(row: int) -> str:
        try:
            images[row] = resize(read_image(paths[row]), size)
        except ReidError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(num_threads or os.cpu_count()) as pool:
        problems = [problem for problem in pool.map(load, range(len(paths))) if problem]
    if problems:
        raise DataError(_damage(problems, len(paths)))
    if isinstance(images, np.memmap):
        images.flush()
    logger.info("%d images of %dx%d, %.0f MB", len(paths), *size, images.nbytes / 1e6)
    return images


def map_images(file: Path) -> ImageArray:
    """What `load_images` wrote to a file, mapped into memory, not writeable.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        images: ImageArray = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be mapped ({error}); delete it and start again") from error
    return images


def _damage(problems: list[str], num_images: int) -> str:
    named = "\n".join(f"  {problem}" for problem in problems[:_MAX_NAMED])
    more = len(problems) - _MAX_NAMED
    rest = f"\n  and {more} more" if more > 0 else ""
    return f"{len(problems)} of {num_images} training images cannot be used:\n{named}{rest}"
