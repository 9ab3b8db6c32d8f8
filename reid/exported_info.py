"""What an exported RGA model says about itself, whatever the format of its file.

Both formats hold a few strings: OpenVINO under ``rt_info/crosscam``, ONNX in ``metadata_props``
with the prefix ``crosscam_``. A file without them is somebody else's model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from reid.errors import CheckpointError
from reid.model_info import ModelInfo

Precision = Literal["fp32", "fp16", "bf16", "int8"]

SECTION = "crosscam"
"""Name of our section in ``rt_info``, and prefix of our keys in ``metadata_props``."""

INPUT_NAME = "images"
OUTPUT_NAMES = ("before_bn", "after_bn")
"""The features of an exported graph, in this order; also the values of `ModelInfo.feature`."""


@dataclass(frozen=True, slots=True)
class ExportedInfo:
    """The description inside an exported model.

    Attributes:
        info: The model, as in the weights that it was made from.
        precision: What it was exported as. bf16 has the weights of fp32 and asks to be run in bf16.
    """

    info: ModelInfo
    precision: Precision

    def to_strings(self) -> dict[str, str]:
        """The description as the strings that are stored."""
        return {"model": self.info.to_json(), "precision": self.precision}

    @classmethod
    def from_strings(cls, strings: Mapping[str, str], file: Path) -> ExportedInfo:
        """The inverse of `to_strings`; `file` is named in errors.

        Raises:
            CheckpointError: The description is missing or damaged.
        """
        if "model" not in strings:
            raise CheckpointError(
                f"weights {file}: no description of crosscam inside; it was not made by "
                "`crosscam export model`. An OpenVINO model of another kind needs "
                "embedder.kind: openvino_ir"
            )
        precision = strings.get("precision", "")
        try:
            info = ModelInfo.from_json(strings["model"])
        except ValueError as error:
            raise CheckpointError(
                f"weights {file}: its description is damaged ({error}); export the model again"
            ) from error
        if precision not in get_args(Precision):
            raise CheckpointError(
                f"weights {file}: its description names the precision {precision!r}, expected "
                f"one of {', '.join(get_args(Precision))}; export the model again"
            )
        return cls(info, cast("Precision", precision))


def is_exported_ir(xml: Path) -> bool:
    """Whether an OpenVINO .xml was made by our export; needs no OpenVINO.

    Raises:
        CheckpointError: The file cannot be read.
    """
    try:
        return f"<{SECTION}>".encode() in xml.read_bytes()
    except OSError as error:
        raise CheckpointError(f"weights {xml}: cannot be read: {error.strerror}") from error
