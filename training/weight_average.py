"""An exponential moving average of a model's weights, which often ranks better than the last ones.

Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992, in its
exponential form. BatchNorm's running mean and variance are averaged alike: they then belong to the
averaged weights as nearly as the weights' own do, and need no further pass over the data.
Its step counters are copied.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

Model = TypeVar("Model", bound=nn.Module)


class WeightAverage:
    """The average over the models it was shown.

    Args:
        decay: In (0, 1): what the average keeps at each step. Early on it keeps less,
            (1 + n) / (10 + n) after n steps, so that the first weights are soon forgotten.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.num_steps = 0
        self._values = {name: value.detach().clone() for name, value in _state(model).items()}

    @torch.no_grad()
    def add(self, model: nn.Module) -> None:
        """Take the model's present weights into the average."""
        keep = min(self.decay, (1 + self.num_steps) / (10 + self.num_steps))
        self.num_steps += 1
        averages, values = [], []
        for name, value in _state(model).items():
            if value.is_floating_point():
                averages.append(self._values[name])
                values.append(value)
            else:
                self._values[name].copy_(value)
        torch._foreach_lerp_(averages, values, 1 - keep)

    def averaged(self, model: Model) -> Model:
        """A copy of a model that has the average as its weights."""
        result = copy.deepcopy(model)
        result.load_state_dict(self._values)
        return result

    def state_dict(self) -> dict[str, object]:
        """All that `load_state_dict` needs."""
        return {"num_steps": self.num_steps, "values": self._values}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Go on from a stored average of the same model."""
        values, num_steps = state["values"], state["num_steps"]
        if not isinstance(values, Mapping) or not isinstance(num_steps, int):
            raise TypeError("not the state of a weight average")
        for name, value in self._values.items():
            value.copy_(values[name])
        self.num_steps = num_steps


def _state(model: nn.Module) -> dict[str, Tensor]:
    return dict(model.state_dict())
