from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from streams.errors import SourceCorruptError, SourceOpenError
from streams.frame import Frame, Image
from streams.images import ImageFolder, read_image
from streams.source import Sampling

START_AT = 1_767_261_600.0
Draw = Callable[[int], Image]


def save(path: Path, image: Image) -> None:
    PillowImage.fromarray(np.ascontiguousarray(image[..., ::-1])).save(path)


def opened(folder: Path, sampling: Sampling | None = None) -> ImageFolder:
    return ImageFolder("cam", folder, sampling=sampling or Sampling(), start_at=START_AT)


def test_images_come_in_natural_order_one_a_second(
    tmp_path: Path, numbered_image: Draw, number_of: Callable[[Image], int]
) -> None:
    for number in (0, 1, 2, 9, 10, 11):
        save(tmp_path / f"img{number}.png", numbered_image(number))
    (tmp_path / "notes.txt").write_text("not an image")
    source = opened(tmp_path)
    assert (source.info.codec, source.info.fps, source.info.num_frames) == ("images", 1.0, 6)
    frames = list(source.frames())
    source.close()
    assert [number_of(frame.image) for frame in frames] == [0, 1, 2, 9, 10, 11]
    assert [frame.index for frame in frames] == list(range(6))
    assert [frame.timestamp - START_AT for frame in frames] == [0, 1, 2, 3, 4, 5]
    assert source.num_clock_jumps == 0
    assert source.num_read == 6


def test_the_rate_limit_is_the_rate_of_a_folder(tmp_path: Path, numbered_image: Draw) -> None:
    for number in range(10):
        save(tmp_path / f"{number:04}.png", numbered_image(number))
    frames = list(opened(tmp_path, Sampling(stride=3, max_fps=10)).frames(start_index=1))
    assert [frame.index for frame in frames] == [3, 6, 9]
    times = [frame.timestamp - START_AT for frame in frames]
    assert times == pytest.approx([0.3, 0.6, 0.9])


def test_sizes_may_change_from_image_to_image(tmp_path: Path) -> None:
    sizes = [(4, 6), (20, 10), (1, 1)]
    for number, (height, width) in enumerate(sizes):
        save(tmp_path / f"{number}.png", np.full((height, width, 3), number, np.uint8))
    frames = list(opened(tmp_path).frames())
    assert [frame.image.shape[:2] for frame in frames] == sizes


def test_without_a_start_time_the_last_image_is_as_old_as_its_file(
    tmp_path: Path, numbered_image: Draw
) -> None:
    for number in range(3):
        save(tmp_path / f"{number}.png", numbered_image(number))
        os.utime(tmp_path / f"{number}.png", (START_AT, START_AT))
    source = ImageFolder("cam", tmp_path, sampling=Sampling(), start_at=None)
    assert [frame.timestamp for frame in source.frames()] == [START_AT - 2, START_AT - 1, START_AT]


def test_damaged_images_keep_their_index_and_are_told_at_the_end(
    tmp_path: Path, numbered_image: Draw
) -> None:
    for number in range(4):
        save(tmp_path / f"{number}.jpg", numbered_image(number))
    whole = (tmp_path / "1.jpg").read_bytes()
    (tmp_path / "1.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "2.jpg").write_bytes(b"")
    frames: list[Frame] = []
    source = opened(tmp_path)
    with pytest.raises(SourceCorruptError, match=r"2 of 4 images .* the first: 1\.jpg"):
        frames.extend(source.frames())
    assert [frame.index for frame in frames] == [0, 3]
    assert source.num_decode_errors == 2


@pytest.mark.parametrize("files", [{}, {"notes.txt": b"x"}], ids=["empty", "no images"])
def test_a_folder_without_images_is_refused(files: dict[str, bytes], tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceOpenError, match=r"holds no images; expected files that end in \.bmp"):
        opened(tmp_path)


def test_a_folder_of_which_no_image_decodes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(SourceOpenError, match=r"no image of .*the first: a\.png is no image"):
        opened(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceOpenError, match="cannot be read"):
        opened(tmp_path / "nowhere")


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "CMYK"])
def test_all_kinds_of_images_become_bgr(mode: str, tmp_path: Path) -> None:
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    PillowImage.new("RGB", (5, 3), (255, 255, 255)).convert(mode).save(path)
    image = read_image(path)
    assert image.shape == (3, 5, 3)
    assert image.min() >= 250


def test_colours_are_blue_green_red(tmp_path: Path) -> None:
    PillowImage.new("RGB", (2, 2), (10, 20, 30)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png")[0, 0].tolist() == [30, 20, 10]


def test_photos_are_turned_upright(tmp_path: Path) -> None:
    picture = PillowImage.new("RGB", (4, 2), (0, 0, 0))
    exif = PillowImage.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert read_image(tmp_path / "a.jpg").shape == (4, 2, 3)


@pytest.mark.parametrize("side", [9000, 60000])
def test_a_small_file_with_a_huge_image_is_refused_before_it_fills_the_memory(
    side: int, tmp_path: Path
) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(png)
    with pytest.raises(ValueError, match=r"bomb\.png has .*pixels"):
        read_image(tmp_path / "bomb.png")
