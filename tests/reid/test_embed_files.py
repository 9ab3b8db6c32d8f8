from __future__ import annotations

import logging
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from reid.drawn_crops import drawn_crops
from reid.embed_files import (
    FileFeatures,
    ImageFile,
    embed_files,
    find_images,
    read_image,
    save_features,
)
from reid.embedder import Crop
from reid.errors import ReidError


class MeanEmbedder:
    """The mean colour of a crop; raw in 0-255, else of unit length."""

    name = "mean"
    space = "mean:0"
    dim = 3

    def __init__(self) -> None:
        self.batches: list[int] = []

    def embed_raw(self, crops: Sequence[Crop]) -> npt.NDArray[np.float32]:
        self.batches.append(len(crops))
        return np.array([crop.mean((0, 1)) for crop in crops], np.float32).reshape(-1, 3)

    def embed(self, crops: Sequence[Crop]) -> npt.NDArray[np.float32]:
        rows = self.embed_raw(crops)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    def close(self) -> None:
        pass


def write_image(path: Path, colour: tuple[int, int, int] = (3, 0, 4)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (5, 8), colour[::-1]).save(path)
    return path


def test_folders_are_read_recursively_and_sorted(tmp_path: Path) -> None:
    for name in ("b.png", "a/z.jpg", "a/c.PNG", "notes.txt"):
        path = tmp_path / name
        write_image(path) if path.suffix != ".txt" else path.write_text("x", encoding="utf-8")

    files = find_images([tmp_path])

    assert [file.name for file in files] == ["a/c.PNG", "a/z.jpg", "b.png"]


def test_files_and_folders_keep_their_order(tmp_path: Path) -> None:
    last = write_image(tmp_path / "last.png")
    write_image(tmp_path / "in" / "first.png")

    files = find_images([last, tmp_path / "in"])

    assert files == [
        ImageFile("last.png", last),
        ImageFile("first.png", tmp_path / "in" / "first.png"),
    ]


def test_names_that_clash_become_whole_paths(tmp_path: Path) -> None:
    paths = [write_image(tmp_path / folder / "a.png") for folder in ("x", "y")]

    files = find_images([tmp_path / "x", tmp_path / "y"])

    assert [file.name for file in files] == [path.as_posix() for path in paths]


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReidError, match="away: no such file or folder"):
        find_images([tmp_path / "away"])


def test_a_folder_without_images_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReidError, match="holds no image"):
        find_images([tmp_path])


def test_pixels_are_bgr_and_exact(tmp_path: Path) -> None:
    crop = drawn_crops(1, (30, 20))[0]
    cv2.imwrite(str(tmp_path / "a.png"), crop)

    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), crop)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "I;16", "1", "LA"])
def test_images_of_any_mode_become_three_channels(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (5, 8)).save(tmp_path / "a.png")

    image = read_image(tmp_path / "a.png")

    assert image.shape == (8, 5, 3)
    assert image.dtype == np.uint8


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"GIF89a"], ids=["empty", "text", "cut", "gif"]
)
def test_what_is_no_image_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data)

    with pytest.raises(ReidError, match=r"a\.png: not an image"):
        read_image(path)


def test_a_damaged_image_is_named(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.png")
    data = path.read_bytes()
    path.write_bytes(data[:45])

    with pytest.raises(ReidError, match=r"a\.png: damaged"):
        read_image(path)


@pytest.mark.parametrize("side", [5_001, 12_000, 100_000])
def test_an_image_that_would_unpack_to_too_much_is_refused_by_its_header(
    tmp_path: Path, side: int
) -> None:
    path = write_image(tmp_path / "bomb.png")
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", side, side)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)

    with pytest.raises(ReidError, match=r"bomb\.png: over 25 megapixels"):
        read_image(path)


def test_features_come_in_the_order_of_the_files_over_all_batches(tmp_path: Path) -> None:
    for value in range(1, 41):
        write_image(tmp_path / f"{value:02d}.png", (0, 0, value))
    embedder = MeanEmbedder()

    found = embed_files(embedder, find_images([tmp_path]), is_raw=True)

    assert found.features[:, 2].tolist() == list(range(1, 41))
    assert found.names[:2] == ("01.png", "02.png")
    assert embedder.batches == [32, 8]


def test_features_have_unit_length_unless_raw_is_wanted(tmp_path: Path) -> None:
    files = find_images([write_image(tmp_path / "a.png")])

    unit = embed_files(MeanEmbedder(), files).features
    raw = embed_files(MeanEmbedder(), files, is_raw=True).features

    np.testing.assert_allclose(unit, [[0.6, 0, 0.8]], atol=1e-6)
    np.testing.assert_allclose(raw, [[3, 0, 4]])


def test_a_bad_image_ends_it_or_is_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_image(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no")
    files = find_images([tmp_path])

    with pytest.raises(ReidError, match=r"b\.png"):
        embed_files(MeanEmbedder(), files)
    with caplog.at_level(logging.WARNING):
        found = embed_files(MeanEmbedder(), files, skip_bad=True)

    assert (found.names, len(found.features), found.num_skipped) == (("a.png",), 1, 1)
    assert "b.png" in caplog.text


def test_no_files_give_no_features() -> None:
    found = embed_files(MeanEmbedder(), [])

    assert found.features.shape == (0, 3)


def test_saved_arrays_are_read_without_pickle(tmp_path: Path) -> None:
    found = FileFeatures(("a.png", "ü.png"), np.eye(2, dtype=np.float32), "mean:0", 0)

    save_features(found, tmp_path / "out.npz")

    with np.load(tmp_path / "out.npz", allow_pickle=False) as arrays:
        assert arrays["names"].tolist() == ["a.png", "ü.png"]
        np.testing.assert_array_equal(arrays["features"], np.eye(2))
        assert str(arrays["space"]) == "mean:0"
    assert [path.name for path in tmp_path.iterdir()] == ["out.npz"]


def test_a_folder_that_is_not_there_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    found = FileFeatures((), np.empty((0, 3), np.float32), "mean:0", 0)

    with pytest.raises(ReidError, match="cannot be written"):
        save_features(found, tmp_path / "away" / "out.npz")

    assert list(tmp_path.iterdir()) == []
