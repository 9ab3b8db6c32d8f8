from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from training.cuhk03_new_protocol import read_new_protocol
from training.errors import DataError
from training.integrity import accepted

WriteSplit = Callable[..., None]
WriteImage = Callable[[Path], Path]
SPLIT = "cuhk03_new_protocol_config_labeled.mat"


def test_labels_cameras_and_order_are_those_of_the_split_file(np_cuhk03: Path) -> None:
    data = read_new_protocol(np_cuhk03, "labeled").data

    assert [path.name for path in data.train.paths] == [
        "1_001_1_01.jpg", "1_001_2_06.png", "2_001_1_01.png", "2_001_2_06.png",
    ]  # fmt: skip
    assert data.train.persons.tolist() == [1, 1, 844, 844]
    assert data.train.cameras.tolist() == [1, 2, 1, 2]
    assert data.query.persons.tolist() == [2, 1467]
    assert data.gallery.cameras.tolist() == [2, 2]


def test_counts_are_a_pair_and_part_against_the_official_ones(np_cuhk03: Path) -> None:
    (np_cuhk03 / "images_labeled" / "1_001_2_06.png").unlink()

    integrity = read_new_protocol(np_cuhk03, "labeled").integrity

    first, second = integrity.parts[0], integrity.parts[1]
    assert str(first) == "pair 1 train: 1 of 4145 images, 1 of 427 people"
    assert str(second) == "pair 2 train: 2 of 2265 images, 1 of 229 people"
    assert len(integrity.parts) == 15
    assert not integrity.is_whole


def test_images_that_the_split_does_not_name_are_a_problem(
    np_cuhk03: Path, write_image: WriteImage
) -> None:
    write_image(np_cuhk03 / "images_labeled" / "3_001_1_01.png")
    write_image(np_cuhk03 / "images_labeled" / "copy.png")

    (problem,) = read_new_protocol(np_cuhk03, "labeled").integrity.problems

    assert f"has 2 images that {SPLIT} does not name" in problem
    assert "3_001_1_01.png; copy.png" in problem


def test_a_split_of_other_images_is_refused(np_cuhk03: Path, write_image: WriteImage) -> None:
    for path in (np_cuhk03 / "images_labeled").iterdir():
        path.unlink()
    write_image(np_cuhk03 / "images_labeled" / "3_001_1_01.png")

    with pytest.raises(DataError, match=rf"{SPLIT}: none of the 8 images that it splits"):
        read_new_protocol(np_cuhk03, "labeled")


def column(*values: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint16]]:
    return np.array([values], np.uint16).T


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"filelist": None}, "lacks the arrays filelist"),
        ({"camId": column(1, 2)}, "8 names, 8 labels and 2 cameras differ"),
        ({"query_idx": column(5, 9)}, "query_idx goes beyond its 8 images"),
        ({"query_idx": column(0, 5)}, "query_idx goes beyond its 8 images"),
        ({"train_idx": np.empty((0, 1))}, "train_idx is empty"),
        ({"train_idx": np.array([[1.5]])}, "train_idx does not consist of whole numbers"),
        ({"train_idx": column(1, 6)}, "people of train are in query or gallery"),
        ({"filelist": np.array([["0002_c1s1_000451_03.jpg"]], object)}, "not of CUHK03"),
    ],
    ids=[
        "no-names", "short", "beyond", "zero", "empty", "fraction", "overlap", "other-data-set",
    ],
)  # fmt: skip
def test_a_split_file_of_another_kind_is_refused_by_what_is_wrong(
    np_cuhk03: Path, write_split: WriteSplit, changed: dict[str, object], said: str
) -> None:
    write_split(np_cuhk03 / SPLIT, **changed)

    with pytest.raises(DataError, match=rf"{SPLIT}: not the split file of these images: .*{said}"):
        read_new_protocol(np_cuhk03, "labeled")


@pytest.mark.parametrize("content", [b"", b"text", b"MATLAB 5.0 MAT-file" + bytes(300)])
def test_a_damaged_split_file_is_refused(np_cuhk03: Path, content: bytes) -> None:
    (np_cuhk03 / SPLIT).write_bytes(content)

    with pytest.raises(DataError, match=SPLIT):
        read_new_protocol(np_cuhk03, "labeled")


def test_a_missing_split_file_is_told_with_where_to_get_it(np_cuhk03: Path) -> None:
    (np_cuhk03 / SPLIT).unlink()

    with pytest.raises(DataError, match=rf"{SPLIT}: no such file.*person-re-ranking"):
        read_new_protocol(np_cuhk03, "labeled")


def test_missing_images_are_told_with_how_to_make_them(np_cuhk03: Path) -> None:
    with pytest.raises(DataError, match=r"images_detected: no such folder.*data prepare cuhk03"):
        read_new_protocol(np_cuhk03, "detected")


@pytest.mark.shared
def test_pair_1_of_the_real_labelled_crops_has_the_official_counts(shared_dir: Path) -> None:
    found = read_new_protocol(shared_dir / "data" / "cuhk03", "labeled")

    data = found.data
    assert (data.train.num_persons, len(data.train)) == (427, 4145)
    assert (data.query.num_persons, len(data.query)) == (416, 832)
    assert (data.gallery.num_persons, len(data.gallery)) == (416, 3200)
    whole = [part.part for part in found.integrity.parts if part.is_whole]
    assert whole == ["pair 1 train", "pair 1 query", "pair 1 gallery"]


@pytest.mark.shared
def test_partial_real_crops_are_refused_unless_partial_is_allowed(shared_dir: Path) -> None:
    found = read_new_protocol(shared_dir / "data" / "cuhk03", "detected")

    with pytest.raises(DataError, match=r"pair 1 train: 0 of 4145 images.*--allow-partial"):
        accepted(found, allow_partial=False)
    data = accepted(found, allow_partial=True)
    assert (len(data.train), len(data.query), len(data.gallery)) == (0, 724, 2805)


@pytest.mark.shared
def test_the_real_split_of_the_other_crops_is_refused(shared_dir: Path, np_cuhk03: Path) -> None:
    source = shared_dir / "data" / "cuhk03" / "cuhk03_new_protocol_config_detected.mat"
    (np_cuhk03 / SPLIT).write_bytes(source.read_bytes())

    with pytest.raises(DataError, match="the split of the detected crops, under the name of the"):
        read_new_protocol(np_cuhk03, "labeled")
