"""The description that travels with weights."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reid.model_info import ModelInfo
from reid.preprocess import Preprocessing

INFO = ModelInfo(
    variant="s",
    size=(384, 128),
    weights_hash="0123456789abcdef" * 4,
    feature="before_bn",
    preprocessing=Preprocessing(mean=(0.5, 0.5, 0.5)),
    training_data="CUHK03-NP",
)


def test_json_brings_it_back() -> None:
    assert ModelInfo.from_json(INFO.to_json()) == INFO


def test_the_two_features_are_two_spaces() -> None:
    other = INFO.with_feature("after_bn")

    assert INFO.space == "rga-s-384x128-before_bn:0123456789ab"
    assert other.space == "rga-s-384x128-after_bn:0123456789ab"


@pytest.mark.parametrize(
    "change",
    [
        {"variant": "x"},
        {"feature": "middle"},
        {"size": [1, 2, 3]},
        {"size": None},
        {"size": [250, 128]},
        {"size": [0, 128]},
        {"model": "osnet"},
        {"colour": "red"},
        {"preprocessing": {"mean": [0, 0, 0], "std": [1, 1, 0], "resize": "area_linear"}},
        {"preprocessing": {"mean": [0, 0, 0], "std": [1, 1, 1], "resize": "nearest"}},
        {"preprocessing": {"mean": 3}},
    ],
    ids="-".join,
)
def test_wrong_fields_are_refused(change: dict[str, Any]) -> None:
    fields = json.loads(INFO.to_json()) | change

    with pytest.raises(ValueError, match=r"expected|not the description"):
        ModelInfo.from_json(json.dumps(fields))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"variant": "sc"}'])
def test_text_that_is_no_description_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ModelInfo.from_json(text)
