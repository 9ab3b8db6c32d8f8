"""One step of training: forward, the sum of losses, backward, and a step of the optimiser."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from reid.model import Backbone, RGAResNet50
from training.attention_step import attended
from training.batch_hard_triplet import batch_hard_triplet, pairwise_distances
from training.distillation import distillation_loss
from training.errors import NotFiniteError
from training.label_smoothing import smoothed_cross_entropy
from training.optimiser import build_optimiser, set_rate
from training.processes import Processes
from training.recipe import LossRecipe, Recipe
from training.weight_average import WeightAverage

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Outputs(NamedTuple):
    """What the losses look at, float32: (N, 2048), (N, 2048) and (N, num_classes)."""

    before_bn: Tensor
    after_bn: Tensor
    logits: Tensor


class TrainingNetwork(nn.Module):
    """A model with its classifier; the trunk in a lower precision, all after it in float32.

    Args:
        model: With a classifier.
        dtype: What the trunk's convolutions and products compute in.
    """

    def __init__(self, model: RGAResNet50, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.model = model
        self.dtype = dtype

    def forward(self, images: Tensor) -> Outputs:
        """Features and scores of (N, 3, H, W) float32 images."""
        is_lower = self.dtype != torch.float32
        with torch.autocast(images.device.type, dtype=self.dtype, enabled=is_lower):
            maps = trunk_maps(self.model.backbone, images)
        before_bn = maps.float().mean((2, 3))
        after_bn = self.model.feat_bn(before_bn)
        return Outputs(before_bn, after_bn, self.model.logits(after_bn))


def trunk_maps(trunk: Backbone, images: Tensor) -> Tensor:
    """What `trunk(images)` gives in training mode, with attention as in `attention_step`."""
    x = functional.relu(trunk.bn1(trunk.conv1(images)), inplace=True)
    x = functional.max_pool2d(x, 3, stride=2, padding=1)
    for layer, attention in trunk.stages():
        x = layer(x)
        x = x if attention is None else attended(attention, x)
    return x


@dataclass(frozen=True, slots=True)
class Batch:
    """What a step learns from.

    Attributes:
        images: (N, 3, H, W) float32, normalised.
        labels: (N,) int64 in [0, num_classes).
        teacher: (N, E) float32 features of a teacher; None: there is none.
    """

    images: Tensor
    labels: Tensor
    teacher: Tensor | None = None


@dataclass(frozen=True, slots=True)
class StepFigures:
    """What one step saw, of this process's share of the batch, before the weights changed.

    Attributes:
        loss: The weighted sum.
        cross_entropy: Unweighted.
        triplet: Unweighted.
        distillation: Unweighted; 0 without a teacher.
        accuracy: Share of images that the classifier gets right.
        feature_spread: Mean Euclidean distance between two features before BatchNorm: near 0 when
            the triplet loss has pulled all features together.
        gradient_norm: Euclidean, before clipping.
    """

    loss: float
    cross_entropy: float
    triplet: float
    distillation: float
    accuracy: float
    feature_spread: float
    gradient_norm: float


class Learner:
    """A model with all that changes as it learns.

    Args:
        model: With a classifier, on its device.
        recipe: Losses, optimiser, precision and average.
        processes: Which others learn with it.
    """

    def __init__(self, model: RGAResNet50, recipe: Recipe, processes: Processes) -> None:
        self.model = model
        self._recipe = recipe
        self._optimiser = build_optimiser(model, recipe.optimiser)
        self._scaler = torch.amp.GradScaler(
            processes.device.type, enabled=recipe.precision == "fp16"
        )
        self._average = (
            None if recipe.average_decay is None else WeightAverage(model, recipe.average_decay)
        )
        network = TrainingNetwork(model, DTYPES[recipe.precision])
        self._network: Callable[[Tensor], Outputs] = _shared(network, recipe, processes)

    def evaluated_model(self) -> RGAResNet50:
        """The model to evaluate and keep, in training mode: the average if there is one."""
        return self.model if self._average is None else self._average.averaged(self.model)

    def step(self, batch: Batch, rate: float) -> StepFigures:
        """Learn from a batch.

        Raises:
            NotFiniteError: The loss or (but in fp16, where it is a matter of scale) the gradient
                is not finite. The weights are as before; BatchNorm's statistics may not be.
        """
        set_rate(self._optimiser, rate)
        self._optimiser.zero_grad(set_to_none=True)
        outputs = self._network(batch.images)
        losses = loss_terms(outputs, batch, self._recipe.losses)
        torch.autograd.backward(self._scaler.scale(losses["loss"]))
        self._scaler.unscale_(self._optimiser)
        losses["gradient_norm"] = self._clip()
        with torch.no_grad():
            losses["accuracy"] = (outputs.logits.argmax(1) == batch.labels).float().mean()
            losses["feature_spread"] = feature_spread(outputs.before_bn)
        values = torch.stack([value.detach().float() for value in losses.values()]).tolist()
        figures = StepFigures(**dict(zip(losses, values, strict=True)))
        self._check(figures)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        if self._average is not None:
            self._average.add(self.model)
        return figures

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs to go on exactly."""
        return {
            "model": self.model.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "scaler": self._scaler.state_dict(),
            "average": None if self._average is None else self._average.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a stored state of the same recipe."""
        self.model.load_state_dict(state["model"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._scaler.load_state_dict(state["scaler"])
        if self._average is not None:
            self._average.load_state_dict(state["average"])

    def _clip(self) -> Tensor:
        parameters = [value for value in self.model.parameters() if value.grad is not None]
        limit = self._recipe.optimiser.clip_norm
        if limit is not None:
            return nn.utils.clip_grad_norm_(parameters, limit)
        return nn.utils.get_total_norm(
            [value.grad for value in parameters if value.grad is not None]
        )

    def _check(self, figures: StepFigures) -> None:
        is_scaled = self._recipe.precision == "fp16"
        if math.isfinite(figures.loss) and (is_scaled or math.isfinite(figures.gradient_norm)):
            return
        raise NotFiniteError(
            f"loss {figures.loss}, cross-entropy {figures.cross_entropy}, triplet "
            f"{figures.triplet}, gradient norm {figures.gradient_norm}: stopped. Lower "
            "optimiser.rate, lengthen schedule.warmup_iterations, set optimiser.clip_norm, or "
            "take precision bf16 or fp32"
        )


def loss_terms(outputs: Outputs, batch: Batch, recipe: LossRecipe) -> dict[str, Tensor]:
    """Each loss, unweighted, and their weighted sum `loss`, scalars."""
    entropy, triplet, teaching = recipe.cross_entropy, recipe.triplet, recipe.distillation
    terms = {
        "cross_entropy": smoothed_cross_entropy(
            outputs.logits, batch.labels, smoothing=entropy.smoothing
        )
    }
    features: Tensor = getattr(outputs, triplet.feature)
    if triplet.is_normalised:
        features = functional.normalize(features)
    terms["triplet"] = batch_hard_triplet(features, batch.labels, margin=triplet.margin)
    loss = entropy.weight * terms["cross_entropy"] + triplet.weight * terms["triplet"]
    if teaching is not None and batch.teacher is not None:
        terms["distillation"] = distillation_loss(
            getattr(outputs, teaching.feature),
            batch.teacher,
            _strangers(batch.labels) if teaching.strangers_only else None,
            kind=teaching.kind,
            temperature=teaching.temperature,
        )
        loss = loss + teaching.weight * terms["distillation"]
    else:
        terms["distillation"] = torch.zeros_like(loss)
    return {**terms, "loss": loss}


def _strangers(labels: Tensor) -> Tensor:
    """(N, N) bool: which pairs are of different persons."""
    return labels[:, None] != labels[None, :]


def feature_spread(features: Tensor) -> Tensor:
    """Mean Euclidean distance between two different rows of (N, D), a scalar; N >= 2."""
    num = len(features)
    return pairwise_distances(features).sum() / (num * (num - 1))


def _shared(network: TrainingNetwork, recipe: Recipe, processes: Processes) -> nn.Module:
    """The network whose gradients are the mean over all processes."""
    if processes.is_alone:
        return network
    if recipe.sync_batch_norm and processes.device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    devices = [processes.device] if processes.device.type == "cuda" else None
    # Running statistics are those of the first process, which alone evaluates and saves.
    return DistributedDataParallel(network, devices, broadcast_buffers=False)
