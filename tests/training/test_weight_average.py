from __future__ import annotations

import pytest
import torch
from torch import nn

from training.weight_average import WeightAverage


def filled(value: float) -> nn.BatchNorm1d:
    layer = nn.BatchNorm1d(2)
    with torch.no_grad():
        for tensor in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
            assert tensor is not None
            tensor.fill_(value)
    assert layer.num_batches_tracked is not None
    layer.num_batches_tracked.fill_(int(value))
    return layer


def test_it_is_the_exponential_average_once_it_is_warm() -> None:
    average = WeightAverage(filled(0), 0.75)
    average.num_steps = 1000
    expected = 0.0

    for value in (4, 8, 2):
        average.add(filled(value))
        expected = 0.75 * expected + 0.25 * value

    assert average.averaged(filled(9)).weight.tolist() == pytest.approx([expected] * 2)


def test_early_steps_forget_faster() -> None:
    average = WeightAverage(filled(0), 0.999)

    average.add(filled(10))

    assert average.averaged(filled(0)).weight[0].item() == pytest.approx(9)  # keeps 1 / 10


def test_batch_norm_statistics_are_averaged_and_counters_copied() -> None:
    average = WeightAverage(filled(0), 0.5)
    average.num_steps = 1000

    average.add(filled(6))

    layer = average.averaged(filled(0))
    assert layer.running_mean is not None
    assert layer.running_mean.tolist() == [3, 3]
    assert layer.num_batches_tracked is not None
    assert layer.num_batches_tracked.item() == 6


def test_the_model_is_left_as_it_is() -> None:
    model = filled(5)
    average = WeightAverage(model, 0.5)

    average.add(model)
    average.averaged(model).weight.data.zero_()

    assert model.weight.tolist() == [5, 5]


def test_a_stored_average_goes_on() -> None:
    first = WeightAverage(filled(1), 0.9)
    first.add(filled(2))
    second = WeightAverage(filled(7), 0.9)

    second.load_state_dict(first.state_dict())
    first.add(filled(4))
    second.add(filled(4))

    assert torch.equal(first.averaged(filled(0)).weight, second.averaged(filled(0)).weight)
