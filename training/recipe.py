"""Every number of a training run on one page: name, default, unit, range.

The defaults are the recipe of the authors: Zhang, Lan, Zeng, Jin, Chen, "Relation-Aware Global
Attention for Person Re-identification", CVPR 2020, section 4.1, and their public configuration.
What goes beyond it is off by default. Relative paths are made absolute against the recipe's folder
(`training.recipe_file.load_recipe`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from config.schema import Fraction, Settings
from reid.model_info import SIZE_STEP, Variant

Positive = Annotated[float, Field(gt=0)]
Beta = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


def _checked_side(side: int) -> int:
    if side % SIZE_STEP:
        raise ValueError(f"a multiple of {SIZE_STEP}")
    return side


def _checked_order(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError("the smaller number first")
    return ends


Side = Annotated[int, Field(ge=SIZE_STEP, le=1024), AfterValidator(_checked_side)]

Ends = AfterValidator(_checked_order)
"""The least and the largest value of a range."""


class ModelRecipe(Settings):
    """What is trained."""

    variant: Variant = "sc"
    """Spatial then channel attention, spatial only, channel only."""
    size: tuple[Side, Side] = (256, 128)
    """(H, W) of the input, pixels, multiples of 16."""
    open_gates: bool = False
    """Start the attention gates at 0.98 instead of 0.5: ours, trains faster from ImageNet."""
    backbone: Path | None = None
    """ResNet-50 weights of ImageNet that the trunk starts from; null: random, which costs half
    of the accuracy."""


class BatchRecipe(Settings):
    """What one iteration sees: `persons` x `images`, over all processes together."""

    persons: Annotated[int, Field(ge=2)] = 16
    images: Annotated[int, Field(ge=2)] = 4
    """Of each person; who has fewer is repeated."""
    iterations: Count | None = None
    """Of an epoch; null: one pass over the persons, the incomplete last batch dropped."""


class OptimiserRecipe(Settings):
    """How gradients become steps."""

    kind: Literal["adam", "adamw", "sgd"] = "adam"
    """adam adds the weight decay to the gradient, adamw takes it off the weights (Loshchilov and
    Hutter, ICLR 2019)."""
    rate: Positive = 8e-4
    """Learning rate after the warm-up."""
    attention_factor: Positive = 1.0
    """The rate of attention, last BatchNorm and classifier over that of the trunk's."""
    weight_decay: Annotated[float, Field(ge=0)] = 5e-4
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    """Of adam and adamw."""
    momentum: Fraction = 0.9
    """Of sgd (Nesterov)."""
    clip_norm: Positive | None = None
    """The gradient's Euclidean norm is cut to this; null: never."""


class ScheduleRecipe(Settings):
    """The rate over time: a linear warm-up, then steps or half a cosine wave."""

    kind: Literal["steps", "cosine"] = "steps"
    warmup_iterations: Annotated[int, Field(ge=0)] = 940
    """20 epochs of 47 iterations, as on the 767 persons of CUHK03-NP."""
    start_rate: Positive = 8e-6
    """Rate of the first iteration of a warm-up."""
    step_epochs: tuple[Count, ...] = (80, 120, 160, 200, 240, 280, 320, 360)
    """steps: after so many epochs the rate is multiplied by `step_factor`."""
    step_factor: Annotated[float, Field(gt=0, le=1)] = 0.5
    end_rate: Annotated[float, Field(ge=0)] = 0.0
    """cosine: rate after the last iteration."""


class CrossEntropyRecipe(Settings):
    """Cross-entropy of the classifier with label smoothing."""

    weight: Annotated[float, Field(ge=0)] = 1.0
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1


class TripletRecipe(Settings):
    """Batch-hard triplet loss (Hermans, Beyer, Leibe 2017)."""

    weight: Annotated[float, Field(ge=0)] = 1.0
    margin: Positive | Literal["soft"] = 0.3
    """A Euclidean distance, or softplus in its place."""
    feature: Literal["before_bn", "after_bn"] = "before_bn"
    is_normalised: bool = False
    """Measure distances between features of unit length."""


class DistillationRecipe(Settings):
    """Learning the similarities that another embedder sees: ours, beyond the paper."""

    embedder: Literal["auto", "torch", "openvino", "onnx", "openvino_ir"] = "auto"
    weights: Path
    """Of the teacher, of any kind that `crosscam embed` takes."""
    weight: Positive = 1.0
    kind: Literal["relational", "similarity"] = "relational"
    """relational: equal cosines; similarity: equal shares of similarity, by `temperature`."""
    temperature: Positive = 0.1
    """Of the softmax over cosines in `similarity`; smaller looks at nearer neighbours only."""
    feature: Literal["before_bn", "after_bn"] = "after_bn"
    strangers_only: bool = False
    """Compare pairs of different persons only, and leave those of one person to the labels. A
    teacher finds two images of one camera far more alike than two of different cameras (retail-0277
    on CUHK03: cosine 0.86 against 0.50), and a student of all pairs learns to tell cameras."""


class LossRecipe(Settings):
    """The sum that is made small."""

    cross_entropy: CrossEntropyRecipe = CrossEntropyRecipe()
    triplet: TripletRecipe = TripletRecipe()
    distillation: DistillationRecipe | None = None


class ColourRecipe(Settings):
    """Colour jitter: each factor is drawn from [1 - range, 1 + range]."""

    probability: Fraction = 0.0
    brightness: Fraction = 0.2
    contrast: Fraction = 0.15
    saturation: Fraction = 0.2


class AugmentationRecipe(Settings):
    """How an image is changed each time it is seen."""

    flip: Fraction = 0.5
    """Probability of being mirrored."""
    crop: Fraction = 0.5
    """Probability of being enlarged by `crop_scale` and cropped at random."""
    crop_scale: Annotated[float, Field(ge=1, le=2)] = 1.125
    erasing: Fraction = 0.5
    """Probability of a random rectangle being set to 0, after normalisation."""
    erasing_area: Annotated[tuple[Fraction, Fraction], Ends] = (0.02, 0.4)
    """Least and largest share of the image."""
    erasing_aspect: Annotated[tuple[Positive, Positive], Ends] = (0.3, 3.3)
    """Least and largest height over width."""
    padding_px: Annotated[int, Field(ge=0, le=64)] = 0
    """Every image is moved by up to this, black coming in; 0: off."""
    colour: ColourRecipe = ColourRecipe()


class EvaluationRecipe(Settings):
    """How the run is watched."""

    interval_epochs: Annotated[int, Field(ge=0)] = 10
    """0: only at the end."""
    data: tuple[str, ...] | None = None
    """`LAYOUT:PATH` each; null: the query and gallery of the training data."""
    best_by: str = "map_step"
    """The figure by which the best weights are chosen."""


class CheckpointRecipe(Settings):
    """How much work a crash may cost."""

    interval_iterations: Count = 200


class Recipe(Settings):
    """A training run."""

    data: Annotated[tuple[str, ...], Field(min_length=1)]
    """`LAYOUT:PATH` each (see `training.datasets`); several are joined for training."""
    allow_partial: bool = False
    """Train although images of the official split are missing."""
    out: Path | None = None
    """The run's folder; null: `runs/NAME OF THE RECIPE` where the command runs."""
    model: ModelRecipe = ModelRecipe()
    batch: BatchRecipe = BatchRecipe()
    epochs: Count = 600
    optimiser: OptimiserRecipe = OptimiserRecipe()
    schedule: ScheduleRecipe = ScheduleRecipe()
    losses: LossRecipe = LossRecipe()
    augmentation: AugmentationRecipe = AugmentationRecipe()
    evaluation: EvaluationRecipe = EvaluationRecipe()
    checkpoint: CheckpointRecipe = CheckpointRecipe()
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """What convolutions and products compute in; weights, BatchNorm and losses stay in fp32."""
    average_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Exponential moving average of the weights, which is then evaluated and kept; null: off."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    """auto, cpu, cuda or cuda:N; under torchrun each process takes a GPU of its own."""
    num_threads: Count | None = None
    """Of torch on the CPU; null: its choice. Another number may round differently."""
    channels_last: bool = True
    """Memory order of maps: the faster one for convolutions, on CPU and GPU."""
    sync_batch_norm: bool = False
    """Under torchrun on GPUs: BatchNorm over all processes."""
