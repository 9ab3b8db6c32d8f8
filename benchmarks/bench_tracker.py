"""What the tracker and the best crops cost, and how well tracks keep to one person.

    python benchmarks/bench_tracker.py [--seconds 60] [--people 5 20 60]

People walk to and fro in a drawn view, hide each other, and are detected with noise, misses and
weak scores; the same for every run. Prints one JSON line per figure; times are per call, in ms.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from detector.crops import BestCrops
from detector.detections import Boxes, Detections
from detector.tracker import Tracker
from streams.frame import Frame, Image

FPS = 18.0
SIZE = (1280, 720)
MARGIN = 200
"""Pixels beside the view that people walk on before they turn."""
EDGE = 20
"""Pixels of a box that must be in view, in width."""
NOISE = 0.03
"""Standard deviation of a box's edges, in widths and heights."""
MISSED = 0.08
HIDDEN = 0.6
"""Part of a box that others must cover for the person to go unseen."""


@dataclass(slots=True)
class Measured:
    """What one run over the drawn view gave; times in seconds."""

    update_s: list[float] = field(default_factory=list)
    offer_s: list[float] = field(default_factory=list)
    persons_of: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))


def walkers(num_people: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """(P, 4): start in px, speed in px/s, feet in px, height in px; near people are tall."""
    feet = rng.uniform(220, 700, num_people)
    height = feet * 0.4
    speed = rng.uniform(0.3, 1.2, num_people) * height * rng.choice([-1, 1], num_people)
    return np.stack([rng.uniform(0, SIZE[0], num_people), speed, feet, height], axis=1)


def true_boxes(people: npt.NDArray[np.float64], at: float) -> npt.NDArray[np.float64]:
    """(P, 4) xyxy of people who walk to and fro, and turn back outside of the view."""
    start, speed, feet, height = people.T
    way = SIZE[0] + 2 * MARGIN
    lap = (start + speed * at) % (2 * way)
    x = np.minimum(lap, 2 * way - lap) - MARGIN
    return np.stack([x - height / 5, feet - height, x + height / 5, feet], axis=1)


def covered(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(P,) the largest part of each box that somebody nearer covers."""
    top_left = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    bottom_right = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = (bottom_right - top_left).clip(min=0).prod(axis=2)
    is_nearer = boxes[None, :, 3] > boxes[:, None, 3]
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    parts: npt.NDArray[np.float64] = (shared * is_nearer).max(axis=1) / areas
    return parts


def view(
    num_people: int, seconds: float, stride: int, image: Image
) -> Iterator[tuple[Detections, npt.NDArray[np.intp]]]:
    """Looked-at frames with their detections, and the person (N,) that each detection shows."""
    rng = np.random.default_rng(num_people)
    people = walkers(num_people, rng)
    for index in range(0, round(seconds * FPS), stride):
        boxes = true_boxes(people, index / FPS)
        hidden = covered(boxes)
        is_in_view = (boxes[:, 2] > EDGE) & (boxes[:, 0] < SIZE[0] - EDGE)
        is_seen = is_in_view & (hidden < HIDDEN) & (rng.random(num_people) > MISSED)
        seen = np.flatnonzero(is_seen)
        sides = boxes[seen, 2:] - boxes[seen, :2]
        noisy = boxes[seen] + rng.normal(0, NOISE, (len(seen), 4)) * np.tile(sides, 2)
        scores = 0.85 - 0.8 * hidden[seen] + rng.normal(0, 0.08, len(seen))
        yield (
            Detections(
                Frame("bench", index, index / FPS, image),
                noisy.clip(0, [*SIZE, *SIZE]).astype(np.float32),
                scores.clip(0.25, 1).astype(np.float32),
            ),
            seen,
        )


def measure(num_people: int, seconds: float, stride: int) -> Measured:
    """Track a drawn view and offer every observation of it as a crop."""
    image = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    tracker, measured = Tracker("bench"), Measured()
    best: dict[int, BestCrops] = defaultdict(lambda: BestCrops(6))
    person_at: dict[tuple[int, int], int] = {}
    for detections, persons in view(num_people, seconds, stride, image):
        index = detections.frame.index
        person_at.update({(index, n): int(person) for n, person in enumerate(persons)})
        started = time.perf_counter()
        update = tracker.update(detections)
        measured.update_s.append(time.perf_counter() - started)
        for o in update.observations:
            measured.persons_of[o.track_number].append(person_at[o.frame_index, o.detection_index])
            if o.frame_index == index:
                others: Boxes = np.delete(detections.boxes, o.detection_index, axis=0)
                started = time.perf_counter()
                best[o.track_number].offer(detections.frame, o.box, o.score, others)
                measured.offer_s.append(time.perf_counter() - started)
    return measured


def figures(measured: Measured, num_people: int) -> dict[str, dict[str, float]]:
    """Figure → its values."""
    persons_of = measured.persons_of.values()
    num_right = sum(Counter(persons).most_common(1)[0][1] for persons in persons_of)
    num_all = sum(len(persons) for persons in persons_of)
    return {
        "update_ms": spread(measured.update_s),
        "offer_ms": spread(measured.offer_s),
        "tracks_per_person": {"value": round(len(persons_of) / num_people, 2)},
        "boxes_of_the_tracks_own_person": {"value": round(num_right / num_all, 4)},
    }


def spread(seconds: list[float]) -> dict[str, float]:
    """Median and p95 in ms."""
    median, p95 = (1000 * np.percentile(seconds, [50, 95])).round(3).tolist()
    return {"median": median, "p95": p95}


def commit_id() -> str:
    """Of the working tree; empty outside a repository."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def main() -> None:
    """Run every crowd at every stride and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--people", type=int, nargs="+", default=[5, 20, 60])
    arguments = parser.parse_args()
    machine = {
        "commit": commit_id(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    for num_people in arguments.people:
        for stride in (1, 2, 4):
            found = figures(measure(num_people, arguments.seconds, stride), num_people)
            for name, values in found.items():
                scene = {"people": num_people, "stride": stride}
                print(
                    json.dumps({"benchmark": "tracker", "figure": name} | values | scene | machine)
                )


if __name__ == "__main__":
    main()
