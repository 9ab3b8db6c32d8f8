"""`crosscam embed` and `crosscam export model`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from crosscam.cli_options import reported_errors

if TYPE_CHECKING:
    from config.schema import EmbedderSettings
    from reid.embed_files import ImageFile
    from reid.embedder import Crop, RawEmbedder

_MAX_CROPS = 600
"""Images that are read to calibrate and check an export, at most."""

PrecisionOption = Annotated[
    Literal["fp32", "bf16", "fp16", "int8"] | None,
    typer.Option("--precision", help="What is computed in; left out: the best of this machine."),
]


@reported_errors
def embed_command(
    paths: Annotated[
        list[Path], typer.Argument(help="Images, and folders of images.", metavar="PATH...")
    ],
    weights: Annotated[
        Path,
        typer.Option(
            "--weights",
            help="RGA weights (.pth of the published layout, .safetensors), an exported .xml or "
            ".onnx, or any OpenVINO re-identification model.",
            metavar="FILE",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="What to write.", metavar="FILE.npz")],
    feature: Annotated[
        Literal["before_bn", "after_bn"] | None,
        typer.Option(
            "--feature",
            help="Before or after the last batch normalisation; left out: what the weights name.",
        ),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="As the network gives them, not of unit length.")
    ] = False,
    precision: PrecisionOption = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")] = "auto",
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out images that cannot be read.")
    ] = False,
) -> None:
    """Embed images: arrays `names` (N), `features` (N, D) and `space` in an .npz file.

    An image of exactly the model's size is not resampled. A name is the file's, within a folder
    its path there; whole paths where those would clash.
    """
    from config.schema import EmbedderSettings
    from reid.embed_files import embed_files, find_images, save_features

    files = find_images(paths)
    settings = EmbedderSettings(
        weights=str(weights), device=device, precision=precision or "auto", feature=feature
    )
    with _opened(settings, files) as embedder:
        found = embed_files(embedder, files, is_raw=raw, skip_bad=skip_bad)
        name = embedder.name
    save_features(found, out)
    num, dim = found.features.shape
    skipped = f", {found.num_skipped} left out" if found.num_skipped else ""
    print(f"{out}: {num} features of {dim} by {name}{skipped}", file=sys.stderr)


@reported_errors
def export_command(
    weights: Annotated[Path, typer.Argument(help="RGA weights.", metavar="WEIGHTS")],
    out: Annotated[
        Path,
        typer.Option("--out", help="FILE.xml for OpenVINO, FILE.onnx for ONNX.", metavar="FILE"),
    ],
    precision: Annotated[
        Literal["fp32", "fp16", "bf16", "int8"],
        typer.Option("--precision", help="int8 is quantised; bf16 is for OpenVINO only."),
    ] = "fp32",
    crops: Annotated[
        list[Path] | None,
        typer.Option(
            "--crops",
            help="Images of people, or folders of them, to check with (and to calibrate int8); "
            "may be repeated. Left out: drawn ones.",
            metavar="PATH",
        ),
    ] = None,
) -> None:
    """Write RGA weights as a model for OpenVINO or ONNX Runtime.

    Fails, and writes nothing, if the features agree with torch to a cosine under 0.999 (int8:
    0.99) on the crops.
    """
    from reid.embed_files import find_images
    from reid.export import export_model

    check_crops = _crops(find_images(crops)) if crops else []
    report = export_model(weights, out, precision=precision, check_crops=check_crops)
    print(
        f"{out}: {report.info.space} as {report.precision}; "
        f"least cosine to torch {report.cosine:.6f} over {report.num_crops} crops"
    )


@contextmanager
def _opened(settings: EmbedderSettings, files: Sequence[ImageFile]) -> Iterator[RawEmbedder]:
    """The embedder of some settings; int8 of torch weights is quantised on the images."""
    from reid.embedder import build_network_embedder, choose_embedder

    with tempfile.TemporaryDirectory(prefix="crosscam-") as folder:
        if settings.precision == "int8" and choose_embedder(settings).kind == "torch":
            settings = _quantised(settings, files, Path(folder))
        embedder = build_network_embedder(settings)
        try:
            yield embedder
        finally:
            embedder.close()


def _quantised(
    settings: EmbedderSettings, files: Sequence[ImageFile], folder: Path
) -> EmbedderSettings:
    from reid.export import export_model

    out = folder / "int8.xml"
    export_model(Path(settings.weights or ""), out, precision="int8", check_crops=_crops(files))
    return settings.model_copy(update={"weights": str(out)})


def _crops(files: Sequence[ImageFile]) -> list[Crop]:
    """Some of the images, evenly spread."""
    from reid.embed_files import read_image

    step = max(1, -(-len(files) // _MAX_CROPS))
    return [read_image(file.path) for file in files[::step]]
