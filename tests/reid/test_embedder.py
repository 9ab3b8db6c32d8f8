"""The contract of `Embedder`, over all backends; and how one is chosen."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.schema import EmbedderSettings
from reid import shipped
from reid.drawn_crops import drawn_crops
from reid.embedder import Embedder, build_embedder, build_network_embedder, choose_embedder
from reid.errors import BackendError, CheckpointError, ReidError
from reid.unit_rows import least_cosine

BACKENDS: dict[str, tuple[str | None, dict[str, Any]]] = {
    "histogram": (None, {}),
    "torch": ("small_weights", {"precision": "fp32", "device": "cpu"}),
    "openvino": ("small_ir", {"precision": "fp32"}),
    "openvino_ir": ("foreign_ir", {"precision": "fp32"}),
    "onnx": ("small_onnx", {"device": "cpu"}),
}


@pytest.fixture(scope="module", params=BACKENDS)
def build(request: pytest.FixtureRequest) -> Callable[[], Embedder]:
    weights, settings = BACKENDS[request.param]
    path = None if weights is None else str(request.getfixturevalue(weights))
    return lambda: build_embedder(EmbedderSettings(weights=path, kind=request.param, **settings))


@pytest.fixture(scope="module")
def embedder(build: Callable[[], Embedder]) -> Iterator[Embedder]:
    built = build()
    yield built
    built.close()


def test_each_crop_gives_a_unit_row_of_the_stated_length(embedder: Embedder) -> None:
    rows = embedder.embed(drawn_crops(3))

    assert rows.shape == (3, embedder.dim)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)


def test_rows_are_in_the_order_of_the_crops(embedder: Embedder) -> None:
    crops = drawn_crops(5, (80, 40))

    rows = embedder.embed(crops)
    reverse = embedder.embed(crops[::-1])

    assert least_cosine(rows, reverse[::-1]) > 0.99999
    assert len(np.unique(rows.round(4), axis=0)) == 5


def test_no_crops_give_no_rows(embedder: Embedder) -> None:
    rows = embedder.embed([])

    assert rows.shape == (0, embedder.dim)
    assert rows.dtype == np.float32


def test_a_row_does_not_depend_on_its_batch(embedder: Embedder) -> None:
    crops = drawn_crops(11, (70, 30))

    together = embedder.embed(crops)
    alone = np.concatenate([embedder.embed([crop]) for crop in crops])

    assert least_cosine(together, alone) > 0.99999


def test_the_same_crops_give_the_same_bits(embedder: Embedder) -> None:
    crops = drawn_crops(4)

    np.testing.assert_array_equal(embedder.embed(crops), embedder.embed(crops))


def test_two_embedders_of_the_same_weights_agree(
    embedder: Embedder, build: Callable[[], Embedder]
) -> None:
    other = build()

    assert other.space == embedder.space
    assert least_cosine(other.embed(drawn_crops(2)), embedder.embed(drawn_crops(2))) > 0.99999
    other.close()


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (300, 1), (2, 3)], ids=str)
def test_crops_of_any_size_are_taken(embedder: Embedder, size: tuple[int, int]) -> None:
    crop = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)

    rows = embedder.embed([crop])

    assert np.linalg.norm(rows[0]) == pytest.approx(1, abs=1e-5)


def test_crops_that_are_views_are_taken_and_left_unchanged(embedder: Embedder) -> None:
    frame = drawn_crops(1, (120, 90))[0]
    frame.setflags(write=False)
    view = frame[10:100:1, 80:20:-1]

    np.testing.assert_array_equal(embedder.embed([view]), embedder.embed([view.copy()]))


@pytest.mark.parametrize(
    "crop",
    [
        np.zeros((8, 4, 3), np.float32),
        np.zeros((8, 4), np.uint8),
        np.zeros((8, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
    ids=["float", "grey", "alpha", "empty"],
)
def test_what_is_no_crop_is_refused(embedder: Embedder, crop: Any) -> None:
    good = drawn_crops(1)[0]

    with pytest.raises(ValueError, match="crop 1 of 2"):
        embedder.embed([good, crop])


def test_closing_twice_is_fine_and_a_closed_embedder_says_so(
    build: Callable[[], Embedder],
) -> None:
    built = build()

    built.close()
    built.close()

    with pytest.raises(ReidError, match="closed"):
        built.embed(drawn_crops(1))


def test_name_and_space_identify_the_backend_and_the_weights(embedder: Embedder) -> None:
    model, separator, weights = embedder.space.partition(":")

    assert embedder.name
    assert (bool(model), separator, bool(weights)) == (True, ":", True)


def test_backends_of_the_same_weights_share_a_space_and_agree(
    small_weights: Path, small_ir: Path, small_onnx: Path
) -> None:
    crops = drawn_crops(6, (90, 45))
    files = (small_weights, small_ir, small_onnx)
    embedders = [
        build_embedder(EmbedderSettings(weights=str(file), precision="fp32", device="cpu"))
        for file in files
    ]

    rows = [embedder.embed(crops) for embedder in embedders]

    assert len({embedder.space for embedder in embedders}) == 1
    assert min(least_cosine(rows[0], other) for other in rows[1:]) > 0.9999


def test_both_features_have_spaces_of_their_own(small_ir: Path) -> None:
    before, after = (
        build_embedder(EmbedderSettings(weights=str(small_ir), feature=feature))
        for feature in ("before_bn", "after_bn")
    )

    assert before.space != after.space
    assert not np.allclose(before.embed(drawn_crops(1)), after.embed(drawn_crops(1)))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.safetensors", "torch"),
        ("a.pth", "torch"),
        ("a.pth.tar", "torch"),
        ("a.PT", "torch"),
        ("a.onnx", "onnx"),
    ],
)
def test_auto_goes_by_the_kind_of_file(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / name).write_bytes(b"")

    choice = choose_embedder(EmbedderSettings(weights=str(tmp_path / name)))

    assert choice.kind == kind
    assert name in choice.reason


def test_auto_tells_our_ir_from_others(small_ir: Path, foreign_ir: Path) -> None:
    assert choose_embedder(EmbedderSettings(weights=str(small_ir))).kind == "openvino"
    assert choose_embedder(EmbedderSettings(weights=str(foreign_ir))).kind == "openvino_ir"


def test_without_weights_the_shipped_ones_embed(
    small_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / shipped.NAME).symlink_to(small_weights)
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)

    for kind in ("auto", "torch"):
        settings = EmbedderSettings.model_validate({"kind": kind, "device": "cpu"})
        embedder = build_embedder(settings)

        assert embedder.space.startswith("rga-")
        embedder.close()


def test_the_weights_that_we_ship_are_what_auto_takes() -> None:
    choice = choose_embedder(EmbedderSettings())

    assert choice.kind == "torch"
    assert shipped.NAME in choice.reason


def test_an_installation_without_weights_takes_the_histogram_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)

    with caplog.at_level(logging.WARNING):
        embedder = build_embedder(EmbedderSettings())

    assert embedder.space.startswith("histogram-v1:")
    assert "colours only" in choose_embedder(EmbedderSettings()).reason


def test_a_stated_kind_is_taken(foreign_ir: Path) -> None:
    settings = EmbedderSettings(kind="openvino_ir", weights=str(foreign_ir))

    assert choose_embedder(settings).kind == "openvino_ir"


@pytest.mark.parametrize("kind", ["auto", "torch", "openvino", "onnx", "openvino_ir"])
def test_missing_weights_are_named(kind: str, tmp_path: Path) -> None:
    settings = EmbedderSettings.model_validate(
        {"kind": kind, "weights": str(tmp_path / "away.pth")}
    )

    with pytest.raises(CheckpointError, match=r"away\.pth: no such file"):
        build_embedder(settings)


def test_a_kind_that_needs_weights_says_so() -> None:
    with pytest.raises(ReidError, match=r"embedder\.weights: not set"):
        build_embedder(EmbedderSettings(kind="onnx"))


def test_unknown_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")

    with pytest.raises(CheckpointError, match="unknown kind of file"):
        choose_embedder(EmbedderSettings(weights=str(tmp_path / "notes.txt")))


def test_int8_of_torch_weights_points_to_the_export(small_weights: Path) -> None:
    settings = EmbedderSettings(weights=str(small_weights), precision="int8")

    with pytest.raises(BackendError, match="crosscam export model"):
        build_embedder(settings)


@pytest.mark.parametrize("weights", ["small_ir", "foreign_ir"])
def test_openvino_refuses_a_gpu(weights: str, request: pytest.FixtureRequest) -> None:
    settings = EmbedderSettings(weights=str(request.getfixturevalue(weights)), device="cuda")

    with pytest.raises(BackendError, match="OpenVINO models run on the CPU"):
        build_embedder(settings)


def test_a_histogram_is_no_network(small_weights: Path) -> None:
    with pytest.raises(ReidError, match="has no weights"):
        build_network_embedder(EmbedderSettings(kind="histogram", weights=str(small_weights)))
