"""Everything that is told about an embedder on a test set, from its features."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from training.average_precision import average_precision_step, average_precision_trapezoid
from training.bootstrap import Interval, bootstrap_intervals
from training.cmc import RANKS, cmc, single_gallery_shot_cmc
from training.distances import Distances, Metric, distance_matrix
from training.errors import DataError
from training.evaluation import Evaluation, Figures, Intervals, Reranked, SingleShot
from training.features import FeatureSet
from training.minp import inverse_negative_penalty
from training.open_set import PairDistances, open_set, pair_distances
from training.ranking import Ranking, rank_gallery
from training.rerank import RerankOptions, rerank


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """What is computed beyond the figures of the ranking.

    Attributes:
        distance: Between features.
        rerank: Also re-rank, with these parameters; None: do not.
        single_shot_repeats: Also the classic single-gallery-shot CMC, drawn so often; 0: do not.
        num_resamples: Of the bootstrap.
        seed: Of the bootstrap and of the single shots.
    """

    distance: Metric = "cosine"
    rerank: RerankOptions | None = None
    single_shot_repeats: int = 0
    num_resamples: int = 1000
    seed: int = 0


DEFAULT_OPTIONS = EvaluationOptions()


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """An evaluation with what it was made of, for a report.

    Attributes:
        features: The features.
        distances: (Q, G) between them.
        ranking: By these distances.
        pairs: The distances of same and of different people across cameras.
        reranked: The ranking after re-ranking, where that was asked for.
        evaluation: The figures.
    """

    features: FeatureSet
    distances: Distances = field(repr=False)
    ranking: Ranking = field(repr=False)
    pairs: PairDistances = field(repr=False)
    reranked: Ranking | None = field(repr=False)
    evaluation: Evaluation


def evaluate_features(
    features: FeatureSet, options: EvaluationOptions = DEFAULT_OPTIONS
) -> Evaluation:
    """The figures of some features.

    Raises:
        DataError: No query has anything to find: no queries, no gallery, or no person of the
            queries is in the gallery in another camera.
    """
    return score(features, options).evaluation


def score(features: FeatureSet, options: EvaluationOptions = DEFAULT_OPTIONS) -> Scored:
    """The figures, with the distances and rankings behind them.

    Raises:
        DataError: See `evaluate_features`.
    """
    _check_not_empty(features)
    distances = distance_matrix(features.query, features.gallery, options.distance)
    ranking = rank_gallery(distances, features.labels)
    _check_something_to_find(features, ranking)
    pairs = pair_distances(distances, features.labels)
    reranked = _reranking(features, options)
    evaluation = Evaluation(
        figures=figures(ranking),
        intervals=_intervals(features, ranking, options),
        open_set=open_set(distances, features.labels, ranking, pairs),
        distance=options.distance,
        reranked=_figures_after(reranked, options),
        single_shot=_single_shot(features, distances, options),
        num_queries=len(features.query),
        num_gallery=len(features.gallery),
        dim=features.dim,
        space=features.space,
    )
    return Scored(features, distances, ranking, pairs, reranked, evaluation)


def figures(ranking: Ranking) -> Figures:
    """The figures of a ranking of one query or more."""
    return Figures(
        num_valid_queries=len(ranking),
        map_step=float(average_precision_step(ranking).mean()),
        map_trapezoid=float(average_precision_trapezoid(ranking).mean()),
        minp=float(inverse_negative_penalty(ranking).mean()),
        cmc=tuple(cmc(ranking, RANKS).items()),
    )


def _intervals(features: FeatureSet, ranking: Ranking, options: EvaluationOptions) -> Intervals:
    values = np.stack(
        [
            average_precision_step(ranking),
            average_precision_trapezoid(ranking),
            inverse_negative_penalty(ranking),
            *(ranking.first_ranks <= rank for rank in RANKS),
        ],
        axis=1,
    ).astype(np.float64)
    step, trapezoid, minp, *at_ranks = bootstrap_intervals(
        values,
        features.labels.query_ids[ranking.queries],
        np.random.default_rng(options.seed),
        num_resamples=options.num_resamples,
    )
    cmc_intervals: tuple[tuple[int, Interval], ...] = tuple(zip(RANKS, at_ranks, strict=True))
    return Intervals(step, trapezoid, minp, cmc_intervals, options.num_resamples)


def _reranking(features: FeatureSet, options: EvaluationOptions) -> Ranking | None:
    if options.rerank is None:
        return None
    distances = rerank(features.query, features.gallery, options.distance, options.rerank)
    return rank_gallery(distances, features.labels)


def _figures_after(reranked: Ranking | None, options: EvaluationOptions) -> Reranked | None:
    if reranked is None or options.rerank is None:
        return None
    return Reranked(options.rerank, figures(reranked))


def _single_shot(
    features: FeatureSet, distances: Distances, options: EvaluationOptions
) -> SingleShot | None:
    if not options.single_shot_repeats:
        return None
    shares = single_gallery_shot_cmc(
        distances,
        features.labels,
        np.random.default_rng(options.seed),
        num_repeats=options.single_shot_repeats,
    )
    return SingleShot(options.single_shot_repeats, tuple(shares.items()))


def _check_not_empty(features: FeatureSet) -> None:
    for side, num in (("query", len(features.query)), ("gallery", len(features.gallery))):
        if not num:
            raise DataError(f"the {side} is empty: nothing can be evaluated; check the split")


def _check_something_to_find(features: FeatureSet, ranking: Ranking) -> None:
    if not len(ranking):
        raise DataError(
            f"none of the {len(features.query)} queries has its person in the gallery in another "
            "camera: check the persons and cameras of the split"
        )
