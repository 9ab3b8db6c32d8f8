"""Figures of a model while it trains: images are read once, each call embeds and ranks them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from reid.fuse import FusedRGAResNet50, prepare_for_inference
from reid.model import FEATURE_DIM, RGAResNet50
from reid.model_info import FeatureName
from reid.preprocess import IMAGENET
from reid.torch_embedder import normalise
from training.average_precision import average_precision_step, average_precision_trapezoid
from training.cmc import cmc
from training.distances import distance_matrix
from training.errors import DataError
from training.image_cache import ImageArray, load_images
from training.minp import inverse_negative_penalty
from training.ranking import Labelling, rank_gallery
from training.samples import ReidData

Features = npt.NDArray[np.float32]
"""(N, 2048) float32."""

_BATCH_CPU, _BATCH_CUDA = 16, 256


class RunEvaluation:
    """Embeds query and gallery of some data sets and ranks them, by cosine.

    Args:
        parts: Data sets; each is ranked by itself.
        size: (H, W) of the models to come.
        dtype: What they compute in.

    Raises:
        DataError: A data set has no query or gallery, two have one name, or an image is damaged.
    """

    def __init__(
        self, parts: Sequence[ReidData], size: tuple[int, int], dtype: torch.dtype = torch.float32
    ) -> None:
        _check(parts)
        paths = [path for part in parts for path in (*part.query.paths, *part.gallery.paths)]
        self._rows = {path: row for row, path in enumerate(dict.fromkeys(paths))}
        self._images: ImageArray = load_images(self._rows, size)
        self._parts = tuple(parts)
        self._dtype = dtype

    def __call__(self, model: RGAResNet50) -> dict[str, float]:
        """Figures by name: means over the data sets and, of several, those of each, `SET/NAME`.

        `map_step`, `map_trapezoid`, `minp`, `rank1`, `rank5`, `rank10` of the feature after
        BatchNorm, and the same of that before it under `before_bn/`; in [0, 1].
        """
        features = self._embed(model)
        figures: dict[str, float] = {}
        for name, of_all in features.items():
            prefix = "before_bn/" if name == "before_bn" else ""
            found = [self._rank(part, of_all) for part in self._parts]
            for key in found[0]:
                figures[prefix + key] = float(np.mean([one[key] for one in found]))
            if len(found) > 1:
                for part, one in zip(self._parts, found, strict=True):
                    figures |= {f"{part.name}/{prefix}{key}": one[key] for key in one}
        return figures

    def _embed(self, model: RGAResNet50) -> dict[FeatureName, Features]:
        device = next(model.parameters()).device
        network = prepare_for_inference(model, device=device, dtype=self._dtype)
        shape = (len(self._images), FEATURE_DIM)
        features: dict[FeatureName, Features] = {
            "after_bn": np.empty(shape, np.float32),
            "before_bn": np.empty(shape, np.float32),
        }
        step = _BATCH_CPU if device.type == "cpu" else _BATCH_CUDA
        for start in range(0, len(self._images), step):
            block = slice(start, start + step)
            _embed_block(network, self._images[block], device, features, block)
        return features

    def _rank(self, part: ReidData, features: Features) -> dict[str, float]:
        query = features[[self._rows[path] for path in part.query.paths]]
        gallery = features[[self._rows[path] for path in part.gallery.paths]]
        labels = Labelling(
            query_ids=part.query.persons,
            gallery_ids=part.gallery.persons,
            query_cameras=part.query.cameras,
            gallery_cameras=part.gallery.cameras,
        )
        ranking = rank_gallery(distance_matrix(query, gallery), labels)
        figures = {
            "map_step": float(average_precision_step(ranking).mean()),
            "map_trapezoid": float(average_precision_trapezoid(ranking).mean()),
            "minp": float(inverse_negative_penalty(ranking).mean()),
        }
        return figures | {f"rank{k}": share for k, share in cmc(ranking, (1, 5, 10)).items()}


def _embed_block(
    network: FusedRGAResNet50,
    images: ImageArray,
    device: torch.device,
    features: dict[FeatureName, Features],
    block: slice,
) -> None:
    with torch.inference_mode():
        batch = normalise(torch.from_numpy(images).to(device), IMAGENET)
        found = network(batch)
        for name, rows in features.items():
            rows[block] = getattr(found, name).float().cpu().numpy()


def _check(parts: Sequence[ReidData]) -> None:
    names = [part.name for part in parts]
    if len(set(names)) < len(names):
        raise DataError(f"evaluation.data: two data sets are called the same: {', '.join(names)}")
    for part in parts:
        if not len(part.query) or not len(part.gallery):
            raise DataError(
                f"{part.name}: {len(part.query)} queries and {len(part.gallery)} gallery images: "
                "nothing to evaluate; name other data in evaluation.data"
            )
