from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from training.datasets import DataName, inspect_data, join_training, open_data, parse_name
from training.errors import DataError
from training.samples import ReidData, Samples, no_samples


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("cuhk03:d", DataName("cuhk03-np-labeled", Path("d"))),
        ("cuhk03-classic-detected@19:d", DataName("cuhk03-classic-detected", Path("d"), 19)),
        ("csv:/a:b@c.csv", DataName("csv", Path("/a:b@c.csv"))),
    ],
    ids=["alias", "split", "colon-in-path"],
)
def test_a_name_has_a_layout_a_path_and_maybe_a_split(spec: str, name: DataName) -> None:
    assert parse_name(spec) == name


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("market:d", "no layout 'market', did you mean 'market1501'"),
        ("zzz:d", r"no layout 'zzz'\. Layouts: cuhk03-np-labeled, "),
        ("/some/folder", "no layout '/some/folder'"),
        ("csv", "no path in it; give LAYOUT:PATH, such as csv:data"),
        ("csv:", "no path in it"),
        ("csv@1:d", "csv has one split; leave out @1"),
        ("cuhk03-classic-labeled@x:d", "the split 'x' is no number"),
        ("folder:does-not-exist", "does-not-exist does not exist"),
    ],
)
def test_a_wrong_name_is_told_with_the_cure(spec: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        open_data(spec)


def test_partial_data_is_refused_unless_allowed_and_then_noted(np_cuhk03: Path) -> None:
    spec = f"cuhk03-np-labeled:{np_cuhk03}"

    with pytest.raises(DataError, match=r"is not whole.*--allow-partial"):
        open_data(spec)
    assert open_data(spec, allow_partial=True).notes[-1].startswith("partial data, figures do not")


def test_oddities_are_in_the_notes(tmp_path: Path, write_image: Callable[[Path], Path]) -> None:
    write_image(tmp_path / "train" / "1" / "1_a.jpg")

    data = open_data(f"folder:{tmp_path}")

    assert data.notes[0] == "train: 1 of 1 people have one image only"


def test_every_layout_is_read(np_cuhk03: Path) -> None:
    with pytest.raises(DataError, match="images_detected: no such folder"):
        inspect_data(f"cuhk03-np-detected:{np_cuhk03}")
    with pytest.raises(DataError, match="cuhk03_testsets"):
        inspect_data(f"cuhk03-classic-labeled:{np_cuhk03}")
    with pytest.raises(DataError, match="bounding_box_train"):
        inspect_data(f"market1501:{np_cuhk03}")
    with pytest.raises(DataError, match="mask_train_v2"):
        inspect_data(f"msmt17:{np_cuhk03}")
    with pytest.raises(DataError, match="cannot be read"):
        inspect_data(f"csv:{np_cuhk03}")


def trained(*labels: tuple[int, int]) -> ReidData:
    """A data set of (person, camera) to train on."""
    columns = np.array(labels, np.int64).reshape(-1, 2)
    paths = tuple(Path(f"{person}_{camera}.jpg") for person, camera in labels)
    train = Samples(paths, columns[:, 0], columns[:, 1])
    return ReidData("toy", train, no_samples(), no_samples())


def test_joined_people_and_cameras_stay_apart() -> None:
    joined = join_training([trained((5, 1), (7, 0)), trained(), trained((5, 1), (5, 0))])

    assert joined.num_persons == 3
    assert joined.persons.tolist() == [5, 7, 13, 13]
    assert [path.name for path in joined.paths] == ["5_1.jpg", "7_0.jpg", "5_1.jpg", "5_0.jpg"]
    first, second = set(joined.cameras[:2].tolist()), set(joined.cameras[2:].tolist())
    assert len(first) == len(second) == 2
    assert not first & second


@pytest.mark.parametrize("parts", [[], [trained()]], ids=["none", "empty"])
def test_nothing_joined_is_nothing(parts: list[ReidData]) -> None:
    assert len(join_training(parts)) == 0
