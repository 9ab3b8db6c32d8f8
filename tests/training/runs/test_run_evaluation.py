from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from reid.embed_files import read_image
from reid.model import RGAResNet50
from reid.preprocess import preprocess
from training.errors import DataError
from training.run_evaluation import RunEvaluation
from training.samples import ReidData, no_samples

SIZE = (32, 16)


def rank1_by_loops(model: RGAResNet50, data: ReidData) -> float:
    """The share of queries whose nearest image of the other camera is of the same person."""

    def unit(paths: tuple[object, ...]) -> np.ndarray:
        images = preprocess([read_image(path) for path in paths], SIZE)  # type: ignore[arg-type]
        features = model(torch.from_numpy(images)).after_bn.detach().double().numpy()
        return np.asarray(features / np.linalg.norm(features, axis=1, keepdims=True))

    cosines = unit(data.query.paths) @ unit(data.gallery.paths).T
    has_hit = np.isin(data.query.persons, data.gallery.persons)
    nearest = data.gallery.persons[cosines.argmax(1)]
    return float((nearest == data.query.persons)[has_hit].mean())


def test_figures_are_those_of_embedding_one_by_one(
    warm_model: RGAResNet50, people: ReidData
) -> None:
    figures = RunEvaluation([people], SIZE)(warm_model)

    assert figures["rank1"] == pytest.approx(rank1_by_loops(warm_model, people))
    assert 0 < figures["minp"] <= figures["map_step"] <= 1
    assert set(figures) >= {"map_trapezoid", "rank5", "rank10", "before_bn/map_step"}


def test_of_several_data_sets_the_mean_and_each_are_told(
    warm_model: RGAResNet50, people: ReidData
) -> None:
    swapped = replace(people, name="swapped", query=people.gallery, gallery=people.query)

    figures = RunEvaluation([people, swapped], SIZE)(warm_model)

    each = figures["people/map_step"], figures["swapped/map_step"]
    assert figures["map_step"] == pytest.approx(sum(each) / 2)
    assert each[0] != each[1]


def test_an_empty_query_is_told(people: ReidData) -> None:
    with pytest.raises(DataError, match="people: 0 queries and 9 gallery images"):
        RunEvaluation([replace(people, query=no_samples())], SIZE)


def test_two_data_sets_of_one_name_are_told(people: ReidData) -> None:
    with pytest.raises(DataError, match="called the same: people, people"):
        RunEvaluation([people, people], SIZE)
