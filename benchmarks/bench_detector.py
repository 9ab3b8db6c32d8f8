"""Detector backends on one video: time, CPU time and agreement with a reference, as JSON lines.

    python benchmarks/bench_detector.py VIDEO... --reference WEIGHTS [--weights WEIGHTS ...]
    [--kinds hog motion]

Every video is one camera; frames are detected in batches of one frame a camera, as a worker does.
Backends are run in turn over short stretches (A B A B), so that a busy machine slows all of them
alike.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from config.schema import CameraSettings, DetectorSettings
from detector.boxes import iou_matrix
from detector.detections import Detections
from detector.detector import Detector, build_detector
from streams.frame import Frame

STRETCH = 8
"""Batches between two changes of the backend."""


@dataclass
class Tally:
    """What was counted of one backend."""

    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    num_reference: int = 0
    num_found: int = 0
    num_boxes: int = 0
    num_right: int = 0

    def add(self, found: Sequence[Detections], reference: Sequence[Detections]) -> None:
        """Count a batch: which sure boxes of the reference were found, and which boxes are its."""
        for people, expected in zip(found, reference, strict=True):
            is_sure = expected.scores >= 0.4
            overlaps = iou_matrix(expected.boxes, people.boxes)
            self.num_reference += int(is_sure.sum())
            self.num_found += int((overlaps.max(axis=1, initial=0)[is_sure] >= 0.5).sum())
            self.num_boxes += len(people)
            self.num_right += int((overlaps.max(axis=0, initial=0) >= 0.5).sum())


def batches(videos: Sequence[Path], stride: int, limit: int) -> Iterator[list[Frame]]:
    """One frame of every video, every stride-th, until the shortest ends."""
    captures = [cv2.VideoCapture(str(video)) for video in videos]
    rates = [capture.get(cv2.CAP_PROP_FPS) or 25.0 for capture in captures]
    for index in range(limit * stride):
        batch = []
        for video, capture, rate in zip(videos, captures, rates, strict=True):
            is_read, image = capture.read()
            if not is_read:
                return
            pixels = np.asarray(image, dtype=np.uint8)
            batch.append(Frame(video.stem, index, index / rate, pixels))
        if index % stride == 0:
            yield batch


def measure(
    detectors: dict[str, Detector], reference: Detector, frames: Sequence[list[Frame]]
) -> dict[str, Tally]:
    """Run all over the same batches, in turn; the first batch of each is not timed."""
    tallies = {name: Tally() for name in detectors}
    expected = [reference.detect(batch) for batch in frames]
    for start in range(0, len(frames), STRETCH):
        for name, detector in detectors.items():
            for number in range(start, min(start + STRETCH, len(frames))):
                wall, cpu = time.perf_counter(), time.process_time()
                found = detector.detect(frames[number])
                if number > 0:
                    num = len(frames[number])
                    tallies[name].wall_ms.append((time.perf_counter() - wall) * 1e3 / num)
                    tallies[name].cpu_ms.append((time.process_time() - cpu) * 1e3 / num)
                tallies[name].add(found, expected[number])
    return tallies


def machine() -> dict[str, object]:
    """What the figures depend on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "commit": commit,
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "opencv": cv2.__version__,
    }


def report(name: str, tally: Tally) -> None:
    """Print one JSON line."""
    line = {
        "bench": "detector",
        "detector": name,
        "frames": len(tally.wall_ms),
        "wall_ms_median": round(statistics.median(tally.wall_ms), 2),
        "wall_ms_p95": round(float(np.quantile(tally.wall_ms, 0.95)), 2),
        "cpu_ms_median": round(statistics.median(tally.cpu_ms), 2),
        "recall": round(tally.num_found / max(tally.num_reference, 1), 3),
        "precision": round(tally.num_right / max(tally.num_boxes, 1), 3),
        **machine(),
    }
    print(json.dumps(line), flush=True)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description="Detector backends on one video")
    parser.add_argument("videos", type=Path, nargs="+")
    parser.add_argument("--reference", required=True, help="weights whose boxes count as right")
    parser.add_argument("--weights", nargs="*", default=[], help="weights of further backends")
    parser.add_argument("--kinds", nargs="*", default=["hog", "motion"], choices=["hog", "motion"])
    parser.add_argument("--sizes", nargs="*", type=int, default=[], help="inputs of the reference")
    parser.add_argument("--stride", type=int, default=2)
    parser.add_argument("--batches", type=int, default=60)
    options = parser.parse_args()
    cameras = [
        CameraSettings.model_validate({"id": video.stem, "url": str(video)})
        for video in options.videos
    ]

    def built(**values: object) -> Detector:
        return build_detector(DetectorSettings.model_validate(values), cameras)

    name = Path(options.reference).name
    detectors = {name: built(weights=options.reference)}
    for size in options.sizes:
        detectors[f"{name} at {size}"] = built(weights=options.reference, input_size_px=size)
    detectors |= {Path(weights).name: built(weights=weights) for weights in options.weights}
    detectors |= {kind: built(kind=kind) for kind in options.kinds}
    frames = list(batches(options.videos, options.stride, options.batches))
    tallies = measure(detectors, built(weights=options.reference), frames)
    for name, tally in tallies.items():
        report(name, tally)


if __name__ == "__main__":
    main()
