"""All that is held about one person, for that person: JSON, images, features."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from matcher.store import FeatureStore
from matcher.tracklet import Tracklet
from query.errors import QueryError
from query.history import history_of
from query.trajectory import trajectory_of


def export_person(store: FeatureStore, identity_id: str, folder: Path) -> int:
    """Writes a folder that appears whole or not at all; the number of its files.

    ``person.json`` has the identity, its ids, sightings with reasons, boxes, constraints and
    history; ``thumbnails/`` the images; ``features.npz`` arrays `tracklet_ids` (N), `spaces` (N)
    and `feature_0` … `feature_{N-1}`, each (D,) float32.

    Args:
        store: The site's store.
        identity_id: Who; an id that leads to another one exports that one.
        folder: Must not exist, or be empty.

    Raises:
        UnknownIdError: No identity has this id.
        QueryError: The folder holds something.
        StoreError: The store cannot be reached or refuses.
        OSError: It cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise QueryError(f"{folder} is not empty: name a new folder")
    way = trajectory_of(store, identity_id)
    identity = store.identity(way.identity_id)
    tracklets = store.tracklets(way.identity_id)
    names = {way.identity_id, *(sighting.tracklet_id for sighting in way.sightings)}
    content = {
        "identity": None if identity is None else asdict(identity),
        "ids_that_lead_to_it": store.links.leading_to(way.identity_id),
        "sightings": [
            {**asdict(sighting), "boxes": _boxes(tracklets.get(sighting.tracklet_id))}
            for sighting in way.sightings
        ],
        "constraints": [
            asdict(c) for c in store.links.constraints_now() if not names.isdisjoint(c.names)
        ],
        "history": [asdict(line) for line in history_of(store, way.identity_id)],
    }
    temporary = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        (temporary / "thumbnails").mkdir(parents=True)
        (temporary / "person.json").write_text(json.dumps(content, indent=2), encoding="utf-8")
        _write_features(temporary / "features.npz", list(tracklets.values()))
        num_images = sum(
            _write_images(temporary / "thumbnails", name, store.thumbnails(name))
            for name in sorted(names - {way.identity_id})
        )
        if folder.exists():
            folder.rmdir()
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return 2 + num_images


def _boxes(tracklet: Tracklet | None) -> list[dict[str, Any]]:
    if tracklet is None:  # expired since its sighting was read
        return []
    boxes = tracklet.boxes
    columns = zip(
        boxes.frame_indexes.tolist(),
        boxes.timestamps.tolist(),
        boxes.xyxy.round(2).tolist(),
        boxes.scores.round(4).tolist(),
        strict=True,
    )
    return [
        {"frame_index": index, "timestamp": at, "xyxy": xyxy, "score": score}
        for index, at, xyxy, score in columns
    ]


def _write_features(file: Path, tracklets: list[Tracklet]) -> None:
    """Features of two spaces may differ in length, so each is an array of its own."""
    arrays: dict[str, np.ndarray] = {
        f"feature_{number}": tracklet.feature for number, tracklet in enumerate(tracklets)
    }
    arrays["tracklet_ids"] = np.array([t.tracklet_id for t in tracklets], dtype=np.str_)
    arrays["spaces"] = np.array([t.space for t in tracklets], dtype=np.str_)
    with file.open("wb") as out:
        np.savez(out, allow_pickle=False, **arrays)


def _write_images(folder: Path, tracklet_id: str, images: tuple[bytes, ...]) -> int:
    for number, image in enumerate(images, 1):
        (folder / f"{tracklet_id}-{number}.jpg").write_bytes(image)
    return len(images)
