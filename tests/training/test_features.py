from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.errors import DataError
from training.features import FeatureSet, load_features, save_features
from training.ranking import Labelling

LABELS = Labelling(*map(np.array, ([1, 2], [1, 2, 3], [0, 0], [1, 1, 1])))
GOOD: dict[str, Any] = {
    "query_features": np.ones((2, 4), np.float32),
    "gallery_features": np.ones((3, 4), np.float16),
    "query_ids": np.array([1, 2]),
    "gallery_ids": np.array([1, 2, 3]),
    "query_cameras": np.array([0, 0], np.int32),
    "gallery_cameras": np.array([1, 1, 1]),
}


def stored(folder: Path, **changes: Any) -> Path:
    file = folder / "features.npz"
    arrays = GOOD | changes
    np.savez(file, **{name: value for name, value in arrays.items() if value is not None})
    return file


def test_arrays_of_any_number_type_are_read(tmp_path: Path) -> None:
    found = load_features(stored(tmp_path))

    assert found.query.dtype == found.gallery.dtype == np.dtype(np.float32)
    assert found.dim == 4
    assert found.labels.gallery_ids.tolist() == [1, 2, 3]
    assert (found.query_paths, found.space) == ((), "")
    assert not found.query.flags.writeable


def test_what_is_written_is_read(tmp_path: Path) -> None:
    query, gallery = np.eye(2, 4, dtype=np.float32), np.eye(3, 4, dtype=np.float32)
    paths = (Path("a b.png"), Path("ü.png"))
    features = FeatureSet(query, gallery, LABELS, query_paths=paths, space="demo:12")

    save_features(features, tmp_path / "kept.npz")
    found = load_features(tmp_path / "kept.npz")

    assert (found.query == query).all()
    assert (found.gallery == gallery).all()
    assert (found.query_paths, found.gallery_paths, found.space) == (paths, (), "demo:12")
    assert [file.name for file in tmp_path.iterdir()] == ["kept.npz"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"query_ids": None}, "has no array query_ids"),
        ({"query_features": np.ones(2)}, r"query_features: expected \(N, D\) numbers"),
        ({"query_features": np.ones((2, 0))}, r"expected \(N, D\) numbers with D >= 1"),
        ({"query_features": np.array([["a"], ["b"]])}, r"expected \(N, D\) numbers"),
        ({"query_features": np.ones((5, 4))}, "query_features: 5 features, but 2 labels"),
        ({"query_features": np.ones((2, 5))}, "query features have 5 dimensions, gallery feat"),
        ({"query_features": np.full((2, 4), np.nan)}, "row 0 is not finite .*2 such rows of 2"),
        ({"query_features": np.full((2, 4), 1e300)}, "row 0 is not finite"),
        ({"gallery_features": np.eye(3, 4) * [[1], [0], [1]]}, "row 1 is all zeros"),
        ({"query_ids": np.array([1.0, 2.0])}, "query_ids: expected integer labels"),
        ({"query_cameras": np.array([1])}, "query_ids has 2 labels, but query_cameras 1"),
        ({"query_paths": np.array(["one"])}, "query_paths: 1 for 2 images"),
        ({"query_paths": np.array([1, 2])}, r"query_paths: expected \(N,\) texts"),
        ({"query_ids": np.array([{}, {}], object)}, "no .npz file of features, or a damaged one"),
    ],
    ids=[
        "missing",
        "one axis",
        "no dimension",
        "text",
        "count",
        "dimensions",
        "nan",
        "too large",
        "zeros",
        "float labels",
        "cameras",
        "few paths",
        "number paths",
        "pickle",
    ],
)
def test_bad_arrays_are_named_with_their_file(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    file = stored(tmp_path, **changes)

    with pytest.raises(DataError, match=said) as error:
        load_features(file)

    assert str(file) in str(error.value)


@pytest.mark.parametrize(
    "content", [b"", b"no zip", b"PK\x03\x04" + b"x" * 40], ids=["empty", "text", "cut off"]
)
def test_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.npz"
    file.write_bytes(content)

    with pytest.raises(DataError, match=r"broken\.npz"):
        load_features(file)


def test_file_with_a_damaged_middle_is_refused(tmp_path: Path) -> None:
    file = stored(tmp_path)
    content = bytearray(file.read_bytes())
    content[150:160] = b"xxxxxxxxxx"
    file.write_bytes(content)

    with pytest.raises(DataError, match="damaged"):
        load_features(file)


def test_single_array_and_missing_file_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.ones(3))

    with pytest.raises(DataError, match="holds one array"):
        load_features(tmp_path / "one.npy")
    with pytest.raises(DataError, match=r"no\.npz: cannot be read: No such file"):
        load_features(tmp_path / "no.npz")
    with pytest.raises(DataError, match="cannot be read"):
        load_features(tmp_path)


def test_folder_that_is_not_there_cannot_be_written_to(tmp_path: Path) -> None:
    features = FeatureSet(np.ones((2, 1), np.float32), np.ones((3, 1), np.float32), LABELS)

    with pytest.raises(DataError, match="cannot be written: No such file"):
        save_features(features, tmp_path / "no" / "kept.npz")


def test_no_queries_is_a_feature_set(tmp_path: Path) -> None:
    none = {name: GOOD[name][:0] for name in ("query_features", "query_ids", "query_cameras")}

    assert load_features(stored(tmp_path, **none)).query.shape == (0, 4)
