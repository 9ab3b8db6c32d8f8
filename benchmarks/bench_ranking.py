"""How long an evaluation takes, and re-ranking a large gallery, with its memory.

    python benchmarks/bench_ranking.py [--rounds 5] [--rerank-gallery 20000]

Features are drawn: as many images, people and dimensions as CUHK03-NP (1400 queries, 5328 in the
gallery, 700 people, 2048-d), and of Market-1501's size for re-ranking. One JSON line a figure; the
largest resident memory is that of the whole process, features included.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np

from benchmarks.measurement import emit
from training.distances import distance_matrix
from training.evaluate import EvaluationOptions, evaluate_features
from training.features import FeatureSet
from training.ranking import Labelling, rank_gallery
from training.rerank import rerank

NUM_QUERIES, NUM_GALLERY, NUM_PERSONS, DIM = 1400, 5328, 700, 2048
SPREAD = 4.0


def main() -> None:
    """Measure and print."""
    options = _options()
    features = drawn_features(NUM_QUERIES, NUM_GALLERY, NUM_PERSONS)
    size = {"queries": NUM_QUERIES, "gallery": NUM_GALLERY, "dim": DIM}
    distances = distance_matrix(features.query, features.gallery)
    for name, call in {
        "evaluate, cosine": lambda: evaluate_features(features),
        "evaluate, euclidean": lambda: evaluate_features(
            features, EvaluationOptions(distance="euclidean")
        ),
        "distances only": lambda: distance_matrix(features.query, features.gallery),
        "ranking only": lambda: rank_gallery(distances, features.labels),
        "re-ranking": lambda: rerank(features.query, features.gallery),
    }.items():
        emit(name, seconds(call, options.rounds), "s", **size)
    if options.rerank_gallery:
        large(options.rerank_gallery)


def large(num_gallery: int) -> None:
    """Re-rank a large gallery once."""
    num_queries = num_gallery // 6
    features = drawn_features(num_queries, num_gallery, num_gallery // 26)
    taken = seconds(lambda: rerank(features.query, features.gallery), 1, warm_up=False)
    emit("re-ranking, large", taken, "s", queries=num_queries, gallery=num_gallery, dim=DIM)
    emit("re-ranking, largest memory", [memory_gib()], "GiB", gallery=num_gallery, dim=DIM)


def drawn_features(num_queries: int, num_gallery: int, num_persons: int) -> FeatureSet:
    """People as points, images as points about them, in two cameras."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((num_persons, DIM), np.float32)
    query_ids, gallery_ids = np.arange(num_queries) % num_persons, np.arange(num_gallery)
    gallery_ids %= num_persons
    query, gallery = (
        centres[ids] + np.float32(SPREAD) * rng.standard_normal((len(ids), DIM), np.float32)
        for ids in (query_ids, gallery_ids)
    )
    query_cameras = (np.arange(num_queries) // num_persons) % 2
    gallery_cameras = (np.arange(num_gallery) // num_persons) % 2
    labels = Labelling(query_ids, gallery_ids, query_cameras, gallery_cameras)
    return FeatureSet(query, gallery, labels)


def seconds(call: Callable[[], object], rounds: int, *, warm_up: bool = True) -> list[float]:
    """How long each of some rounds takes."""
    if warm_up:
        call()
    taken = []
    for _ in range(rounds):
        started_at = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started_at)
    return taken


def memory_gib() -> float:
    """The largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rerank-gallery", type=int, default=0, help="e.g. 20000; 0: left out")
    return parser.parse_args()


if __name__ == "__main__":
    main()
