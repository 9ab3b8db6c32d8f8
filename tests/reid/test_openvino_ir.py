from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import openvino
import openvino.opset13 as ops
import pytest

from reid.embedder import Crop
from reid.errors import CheckpointError
from reid.openvino_ir import OpenvinoIrEmbedder
from reid.unit_rows import least_cosine


def saved(path: Path, inputs: list[list[int]], outputs: int) -> Path:
    parameters = [ops.parameter(shape, dtype=np.float32) for shape in inputs]
    node = ops.reduce_mean(parameters[0], [2, 3], keep_dims=False)
    model = openvino.Model([node] * outputs, parameters, "test")
    openvino.save_model(model, path, compress_to_fp16=False)
    return path


def test_the_model_is_given_bgr_pixels_in_0_to_255(foreign_ir: Path) -> None:
    """The model gives the means of 16 x 16 cells, channel by channel."""
    crop = np.random.default_rng(0).integers(0, 256, (64, 32, 3)).astype(np.uint8)

    features = OpenvinoIrEmbedder(foreign_ir).embed_raw([crop])

    expected = crop.reshape(4, 16, 2, 16, 3).mean((1, 3)).transpose(2, 0, 1).ravel()
    np.testing.assert_allclose(features[0], expected, rtol=1e-5)


def test_embeddings_are_the_features_at_unit_length(foreign_ir: Path) -> None:
    crop = np.full((64, 32, 3), (0, 3, 4), np.uint8)

    row = OpenvinoIrEmbedder(foreign_ir).embed([crop])[0]

    np.testing.assert_allclose(row, np.repeat([0, 0.6, 0.8], 8) / 8**0.5, atol=1e-6)


def test_space_is_the_name_and_the_hash_of_the_weights(foreign_ir: Path, tmp_path: Path) -> None:
    shutil.copy(foreign_ir, tmp_path / "other.xml")
    changed = bytearray(foreign_ir.with_suffix(".bin").read_bytes())
    (tmp_path / "other.bin").write_bytes(changed + b"\0")

    first = OpenvinoIrEmbedder(foreign_ir).space.split(":")
    other = OpenvinoIrEmbedder(tmp_path / "other.xml").space.split(":")

    assert (first[0], other[0]) == ("grid-means", "other")
    assert first[1] != other[1]


def test_a_model_of_dynamic_batch_is_taken(tmp_path: Path) -> None:
    path = saved(tmp_path / "dynamic.xml", [[-1, 3, 16, 8]], 1)
    crop = np.full((16, 8, 3), (2, 3, 6), np.uint8)

    row = OpenvinoIrEmbedder(path).embed([crop])[0]

    np.testing.assert_allclose(row, np.array([2, 3, 6]) / 7, atol=1e-6)


@pytest.mark.parametrize(
    ("inputs", "outputs", "found"),
    [
        ([[1, 1, 16, 8]], 1, "expected one image input"),
        ([[1, 3, -1, -1]], 1, "expected one image input"),
        ([[1, 3, 16, 8]], 2, "expected one output"),
    ],
    ids=["grey", "no size", "two outputs"],
)
def test_models_of_another_shape_are_refused(
    tmp_path: Path, inputs: list[list[int]], outputs: int, found: str
) -> None:
    path = saved(tmp_path / "a.xml", inputs, outputs)

    with pytest.raises(CheckpointError, match=found):
        OpenvinoIrEmbedder(path)


def test_a_detector_is_refused(shared_dir: Path) -> None:
    name = "person-detection-retail-0013"

    with pytest.raises(CheckpointError, match="take a re-identification model"):
        OpenvinoIrEmbedder(shared_dir / "weights/openvino" / name / f"{name}.xml")


@pytest.mark.parametrize("number", ["0277", "0288"])
def test_open_model_zoo_models_tell_real_people_apart(shared_dir: Path, number: str) -> None:
    """Rank-1 among 12 people of CUHK03, from view to view; the whole set is too slow here."""
    name = f"person-reidentification-retail-{number}"
    folder = shared_dir / "data/cuhk03/images_labeled"

    def crop(person: int, view: int) -> Crop:
        path = next(iter(sorted(folder.glob(f"1_{person:03d}_{view}_*.jpg"))))
        return np.asarray(cv2.imread(str(path)), np.uint8)

    people = range(2, 50, 4)
    embedder = OpenvinoIrEmbedder(shared_dir / "weights/openvino" / name / f"{name}.xml")
    first = embedder.embed([crop(person, 1) for person in people])
    second = embedder.embed([crop(person, 2) for person in people])

    assert embedder.dim == 256
    assert ((first @ second.T).argmax(1) == np.arange(len(people))).mean() >= 0.6
    assert least_cosine(first, second) > 0
