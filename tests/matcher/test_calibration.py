"""Tests of reading similarities."""

from __future__ import annotations

import json
import math
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.calibration import (
    BUILT_IN,
    DEFAULT,
    Calibration,
    PairTail,
    built_in_calibration,
    load_calibration,
)
from matcher.errors import MatcherError

PLAIN = Calibration(midpoint=0.4, slope=20.0, one_percent=0.5, decade=0.1)


def test_probability_is_a_logistic_of_the_similarity() -> None:
    assert PLAIN.probability(0.4) == pytest.approx(0.5)
    assert PLAIN.probability(0.5) == pytest.approx(1 / (1 + math.exp(-2)))
    assert PLAIN.probability([]).shape == (0,)


def test_prior_odds_multiply_the_odds() -> None:
    assert PLAIN.probability(0.4, 0.5) == pytest.approx(1 / 3)
    assert PLAIN.probability(1.0, 0.0) == 0.0


@settings(deadline=None)
@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1))
def test_probability_grows_with_similarity_and_stays_a_probability(
    one: float, other: float, odds: float
) -> None:
    low, high = PLAIN.probability(sorted([one, other]), [odds, odds])

    assert 0 <= low <= high <= 1


def test_threshold_is_where_the_wanted_share_of_different_people_comes() -> None:
    assert PLAIN.threshold(0.01) == pytest.approx(float(PLAIN.probability(0.5)))
    assert PLAIN.threshold(0.001) == pytest.approx(float(PLAIN.probability(0.6)))


def test_one_exemplar_is_worth_what_it_says() -> None:
    assert PLAIN.of_set(np.array([0.5])) == 0.5


def test_a_set_is_worth_the_mean_of_the_tempered_likelihoods() -> None:
    """Independent derivation: the mean of exp(slope / 3 * similarity), taken back."""
    likelihoods = [math.exp(20 / 3 * similarity) for similarity in (0.6, 0.3, 0.3)]

    worth = PLAIN.of_set(np.array([0.3, 0.6, 0.3]))

    assert worth == pytest.approx(3 / 20 * math.log(sum(likelihoods) / 3), abs=1e-6)
    assert 0.4 < worth < 0.6


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_a_set_lies_between_mean_and_nearest_in_any_order(
    similarities: list[float], rng: random.Random
) -> None:
    worth = PLAIN.of_set(np.array(similarities))

    assert np.mean(similarities) - 1e-6 <= worth <= max(similarities) + 1e-6
    assert worth == PLAIN.of_set(np.array(rng.sample(similarities, len(similarities))))


@settings(deadline=None)
@given(st.floats(0.001, 0.999))
def test_similarity_inverts_probability(probability: float) -> None:
    assert float(PLAIN.probability(PLAIN.similarity(probability))) == pytest.approx(probability)


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_similarity_of_certainty_is_finite(probability: float) -> None:
    assert math.isfinite(PLAIN.similarity(probability))


def test_spaces_are_known_by_the_beginning_of_their_name() -> None:
    start, known = BUILT_IN[0]

    assert built_in_calibration(f"{start}:0123abcd") is known
    assert built_in_calibration("some model:0123abcd") is DEFAULT


@pytest.mark.parametrize("space", [start for start, _ in BUILT_IN] + ["another"])
def test_built_in_ones_make_sense(space: str) -> None:
    calibration = built_in_calibration(space)

    assert 0.5 < calibration.threshold(0.01) < calibration.threshold(0.001) < 1
    assert np.isfinite(calibration.probability([-1.0, 0.0, 1.0])).all()


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"slope": 0.0}, id="flat"),
        pytest.param({"slope": -3.0}, id="the wrong way"),
        pytest.param({"midpoint": 1.5}, id="no cosine"),
        pytest.param({"decade": math.nan}, id="not a number"),
        pytest.param({"typical": 0.1}, id="half of the body"),
        pytest.param({"typical": 0.4, "ten_percent": 0.3}, id="body upside down"),
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, float]) -> None:
    good = {"midpoint": 0.4, "slope": 20.0, "one_percent": 0.5, "decade": 0.1}
    with pytest.raises(ValueError, match=next(iter(values))):
        Calibration(**(good | values))  # type: ignore[arg-type]


def test_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(
        json.dumps({"midpoint": 0.4, "slope": 20, "one_percent": 0.5, "decade": 0.1}), "utf-8"
    )

    assert load_calibration(path) == PLAIN


def test_file_with_pairs_of_cameras_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    tail = PairTail(("door", "hall"), one_percent=0.55, decade=0.12)
    whole = Calibration(0.4, 20.0, 0.5, 0.1, typical=0.2, ten_percent=0.4, pairs=(tail,))
    path.write_text(json.dumps(asdict(whole)), "utf-8")

    assert load_calibration(path) == whole


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"cameras": ("hall", "door"), "one_percent": 0.5}, id="not in order"),
        pytest.param({"cameras": ("door", "hall"), "one_percent": 1.5}, id="no cosine"),
    ],
)
def test_tails_out_of_range_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="door"):
        PairTail(decade=0.1, **values)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[1, 2]", id="a list"),
        pytest.param('{"slope": 20}', id="incomplete"),
        pytest.param(
            '{"midpoint": 0.4, "slope": "x", "one_percent": 0.5, "decade": 0.1}', id="text"
        ),
        pytest.param(
            '{"midpoint": 0.4, "slope": [], "one_percent": 0.5, "decade": 0.1}', id="list"
        ),
        pytest.param(
            '{"midpoint": 0.4, "slope": 20, "one_percent": 0.5, "decade": 0.1, "tail": 1}',
            id="unknown key",
        ),
        pytest.param(
            '{"midpoint": 0.4, "slope": 20, "one_percent": 0.5, "decade": 0.1, "pairs": [{}]}',
            id="empty pair",
        ),
        pytest.param(
            '{"midpoint": 0.4, "slope": -1, "one_percent": 0.5, "decade": 0.1}', id="range"
        ),
    ],
)
def test_file_with_something_else_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(text, "utf-8")

    with pytest.raises(MatcherError, match=r"calibration\.json"):
        load_calibration(path)


def test_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(MatcherError, match=r"nowhere\.json"):
        load_calibration(tmp_path / "nowhere.json")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(MatcherError, match=r"calibration\.json"):
        load_calibration(path)
