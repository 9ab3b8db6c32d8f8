"""`crosscam evaluate` and `crosscam benchmark`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from crosscam.cli_figures import print_benchmark, print_evaluations, progress
from crosscam.cli_options import reported_errors

if TYPE_CHECKING:
    from config.schema import EmbedderSettings
    from training.benchmark import Contestant
    from training.embedding import FeatureKind
    from training.evaluate import EvaluationOptions, Scored
    from training.features import FeatureSet
    from training.report import ReportOptions

_QUICK_IMAGES = 5000
"""Up to so many images re-ranking and single shots take a second or two, and are done unasked."""
_SINGLE_SHOT_REPEATS = 200

_TORCH_SUFFIXES = (".safetensors", ".pth", ".pt", ".tar")

KindName = Literal["auto", "torch", "openvino", "onnx", "openvino_ir", "histogram"]
PrecisionName = Literal["auto", "fp32", "bf16", "fp16", "int8"]

DataOption = Annotated[
    str | None,
    typer.Option("--data", help="A data set to embed and evaluate.", metavar="LAYOUT:PATH"),
]
AllowPartialOption = Annotated[
    bool, typer.Option("--allow-partial", help="Take a data set with missing images.")
]
DistanceOption = Annotated[
    Literal["cosine", "euclidean"], typer.Option("--distance", help="Between features.")
]
FormatOption = Annotated[
    Literal["table", "json"], typer.Option("--format", help="How the answer is written.")
]
PrecisionOption = Annotated[
    PrecisionName,
    typer.Option("--precision", help="What is computed in."),
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
FlipOption = Annotated[
    bool, typer.Option("--flip", help="Average the features of a crop and its mirror image.")
]
ReportOption = Annotated[
    Path | None, typer.Option("--report", help="Write an HTML report.", metavar="FILE.html")
]
SeedOption = Annotated[int, typer.Option("--seed", help="Of intervals and single shots.")]


@reported_errors
def evaluate_command(
    features: Annotated[
        Path | None,
        typer.Option("--features", help="Stored features to score.", metavar="FILE.npz"),
    ] = None,
    data: DataOption = None,
    allow_partial: AllowPartialOption = False,
    embedder: Annotated[KindName, typer.Option("--embedder", help="What embeds --data.")] = "auto",
    model: Annotated[
        Path | None,
        typer.Option("--model", help="Its weights; with --features: for attention maps only."),
    ] = None,
    feature: Annotated[
        Literal["before_bn", "after_bn", "both"] | None,
        typer.Option(
            "--feature",
            help="Of an RGA model, before or after the last BatchNorm; left out: what it names.",
        ),
    ] = None,
    flip: FlipOption = False,
    precision: PrecisionOption = "auto",
    device: DeviceOption = "auto",
    features_out: Annotated[
        Path | None,
        typer.Option("--features-out", help="Keep the features of --data.", metavar="FILE.npz"),
    ] = None,
    distance: DistanceOption = "cosine",
    rerank: Annotated[
        bool | None,
        typer.Option(
            "--rerank/--no-rerank",
            help=f"k-reciprocal re-ranking; left out: up to {_QUICK_IMAGES} images.",
        ),
    ] = None,
    single_shot: Annotated[
        bool | None,
        typer.Option(
            "--single-shot/--no-single-shot",
            help=f"Classic single-gallery-shot CMC; left out: up to {_QUICK_IMAGES} images.",
        ),
    ] = None,
    seed: SeedOption = 0,
    form: FormatOption = "table",
    report: ReportOption = None,
    no_blur: Annotated[
        bool, typer.Option("--no-blur", help="Show people in the report as they are.")
    ] = False,
    calibration_out: Annotated[
        Path | None,
        typer.Option(
            "--calibration-out",
            help="Write what matcher.calibration loads, fitted on these people.",
            metavar="FILE.json",
        ),
    ] = None,
) -> None:
    """Say how well an embedder finds people: stored features, or a data set embedded now.

    Both average precisions, CMC, mINP, 95 % intervals and open-set figures.
    """
    from training.evaluate import score

    _check_source(features, data, for_data=flip or allow_partial or features_out is not None)
    if features is not None:
        sets = _stored(features)
    else:
        settings = _settings(embedder, model, precision, device)
        sets = _embedded(str(data), settings, feature, is_flipped=flip, allow_partial=allow_partial)
    if features_out is not None:
        _keep(sets, features_out)
    scored = {
        kind: score(found, _options(found, distance, rerank, single_shot, seed))
        for kind, found in sets.items()
    }
    *_, main = scored.values()
    if calibration_out is not None:
        _write_calibration(main.features, calibration_out)
    if report is not None:
        from training.report import write_report

        title = f"Evaluation of {data or features}"
        write_report(main, report, _report_options(title, main, model, is_blurred=not no_blur))
    print_evaluations(scored, form)


@reported_errors
def benchmark_command(
    data: Annotated[
        str, typer.Option("--data", help="The data set.", metavar="LAYOUT:PATH", show_default=False)
    ],
    embedder: Annotated[
        list[str],
        typer.Option(
            "--embedder",
            help="torch, openvino, onnx, openvino_ir or auto with a file, or histogram; repeat it.",
            metavar="KIND=FILE",
        ),
    ],
    allow_partial: AllowPartialOption = False,
    feature: Annotated[
        Literal["before_bn", "after_bn"] | None,
        typer.Option(
            "--feature",
            help="Of RGA models, before or after the last BatchNorm; left out: what they name.",
        ),
    ] = None,
    flip: FlipOption = False,
    precision: PrecisionOption = "auto",
    device: DeviceOption = "auto",
    distance: DistanceOption = "cosine",
    seed: SeedOption = 0,
    form: FormatOption = "table",
    report: ReportOption = None,
) -> None:
    """Compare embedders on one data set in one run: figures, and speed in paired rounds."""
    from training.benchmark import run_benchmark
    from training.datasets import open_data
    from training.evaluate import EvaluationOptions

    opened = open_data(data, allow_partial=allow_partial)
    with ExitStack() as stack:
        contestants = [
            stack.enter_context(_contestant(text, feature, precision, device)) for text in embedder
        ]
        rows = run_benchmark(
            contestants,
            opened,
            EvaluationOptions(distance=distance, seed=seed),
            flip=flip,
            on_progress=progress,
        )
    if report is not None:
        from training.report import write_benchmark_report

        write_benchmark_report(rows, report, f"Benchmark on {opened.name}")
    print_benchmark(opened.name, rows, form)


def _check_source(features: Path | None, data: str | None, *, for_data: bool) -> None:
    if (features is None) == (data is None):
        raise typer.BadParameter(
            "give --features FILE.npz to score stored features, "
            "or --data LAYOUT:PATH to embed first"
        )
    if features is not None and for_data:
        raise typer.BadParameter(
            "--flip, --allow-partial and --features-out are for --data: "
            "--features are stored already"
        )


def _stored(file: Path) -> dict[FeatureKind, FeatureSet]:
    from training.features import load_features

    return {"only": load_features(file)}


def _embedded(
    data: str,
    settings: EmbedderSettings,
    feature: Literal["before_bn", "after_bn", "both"] | None,
    *,
    is_flipped: bool,
    allow_partial: bool,
) -> dict[FeatureKind, FeatureSet]:
    from crosscam.feature_source import opened_source
    from training.datasets import open_data
    from training.embedding import embed_data

    opened = open_data(data, allow_partial=allow_partial)
    wants_both = feature == "both"
    if feature != "both":
        settings = settings.model_copy(update={"feature": feature})
    with opened_source(settings, wants_both=wants_both, is_flipped=is_flipped) as source:
        return embed_data(opened, source, progress(opened.name))


def _settings(
    kind: KindName, weights: Path | None, precision: PrecisionName, device: str
) -> EmbedderSettings:
    from config.schema import EmbedderSettings
    from crosscam.errors import AppError

    if weights is None and kind not in ("auto", "torch", "histogram"):
        raise AppError(f"--embedder {kind}: it needs --model FILE")
    return EmbedderSettings(
        kind=kind,
        weights=None if weights is None else str(weights),
        precision=precision,
        device=device,
    )


def _keep(sets: dict[FeatureKind, FeatureSet], file: Path) -> None:
    """Write the features; of two, each to a file of its own, named after it."""
    from training.features import save_features

    for kind, found in sets.items():
        save_features(found, file if kind == "only" else file.with_suffix(f".{kind}.npz"))


def _options(
    features: FeatureSet,
    distance: Literal["cosine", "euclidean"],
    rerank: bool | None,
    single_shot: bool | None,
    seed: int,
) -> EvaluationOptions:
    from training.evaluate import EvaluationOptions
    from training.rerank import RerankOptions

    is_quick = len(features.query) + len(features.gallery) <= _QUICK_IMAGES
    wants_rerank = is_quick if rerank is None else rerank
    wants_shots = is_quick if single_shot is None else single_shot
    return EvaluationOptions(
        distance=distance,
        rerank=RerankOptions() if wants_rerank else None,
        single_shot_repeats=_SINGLE_SHOT_REPEATS if wants_shots else 0,
        seed=seed,
    )


def _write_calibration(features: FeatureSet, file: Path) -> None:
    from training.calibration_fit import (
        crops_of,
        fit_calibration,
        tracklet_pairs,
        write_calibration,
    )

    write_calibration(fit_calibration(tracklet_pairs(crops_of(features))), file)


def _report_options(
    title: str, scored: Scored, model: Path | None, *, is_blurred: bool
) -> ReportOptions:
    from training.attention_figures import attention_figures
    from training.report import ReportOptions

    paths = scored.features.query_paths
    attention = None
    if model is not None and paths and model.suffix.lower() in _TORCH_SUFFIXES:
        attention = attention_figures(model, paths)
    return ReportOptions(title, is_blurred, attention)


@contextmanager
def _contestant(
    text: str,
    feature: Literal["before_bn", "after_bn"] | None,
    precision: PrecisionName,
    device: str,
) -> Iterator[Contestant]:
    """The embedder of `KIND=FILE`, `FILE` or `KIND`; closed at the end."""
    from reid.embedder import build_embedder
    from training.benchmark import Contestant

    kind, file = _kind_and_file(text)
    settings = _settings(kind, file, precision if kind != "histogram" else "auto", device)
    settings = settings.model_copy(update={"feature": feature})
    with closing(build_embedder(settings)) as embedder:
        yield Contestant(kind if file is None else f"{kind}={file.name}", embedder)


def _kind_and_file(text: str) -> tuple[KindName, Path | None]:
    from crosscam.errors import AppError

    head, equals, file = text.partition("=")
    for kind in get_args(KindName):
        if head == kind:
            return kind, Path(file) if equals else None
    if equals:
        raise AppError(
            f"--embedder {text}: unknown kind {head!r}; it is {', '.join(get_args(KindName))}"
        )
    return "auto", Path(text)
