"""`crosscam re-embed`: stored people in the space of another model, from their thumbnails."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from config.schema import SiteSettings
from crosscam.data_folder import site_of
from crosscam.errors import AppError
from crosscam.site_parts import open_store, store_url
from matcher.connection import Connection
from matcher.correction import Correction
from matcher.feature_renewal import renew_features
from matcher.keys import SiteKeys
from matcher.lease import Lease
from matcher.paging import paged
from matcher.store import FeatureStore
from matcher.tracklet import Tracklet
from query.errors import ImageError
from query.search import decode_image
from reid.embedder import Crop, Embedder, build_embedder

_BATCH = 16


@dataclass(frozen=True, slots=True)
class ReEmbedded:
    """What was done.

    Attributes:
        space: Of the embedder.
        num_renewed: Tracklets whose feature was computed again.
        num_same: Those that were in the space already.
        num_left: Those without thumbnails (any more): they stay in their old space.
        event: Number of the event that keeps the fact; None if nothing was renewed.
    """

    space: str
    num_renewed: int
    num_same: int
    num_left: int
    event: int | None


def re_embed(
    data: Path, site_file: Path | None, *, by: str, why: str, now: Callable[[], float]
) -> ReEmbedded:
    """Computes the features of a site's tracklets again with its embedder.

    It may be cut off and repeated: what is in the embedder's space already is left alone.

    Args:
        data: The run's folder.
        site_file: Of the site, where the folder does not name it.
        by: The user.
        why: The reason.
        now: Unix seconds.

    Raises:
        AppError: A matcher is active on the site.
        StoreError: The store cannot be reached or refuses.
        ReidError: The embedder cannot be built or failed.
    """
    site = site_of(data, site_file)
    with store_url(site, data) as url:
        store = open_store(site, url)
        connection = Connection(url)
        keys = SiteKeys(site.site)
        lease = Lease(url, keys.lease, f"re-embed:{socket.gethostname()}:{os.getpid()}")
        try:
            if not lease.acquire():
                raise AppError(
                    f"a matcher is active on the site ({lease.holder()}): end it first, as it "
                    "would go on with the old features"
                )
            store.complete_cut_off()
            return _renew_all(
                site,
                store,
                connection,
                keys,
                Correction(kind="re-embedded", subject_ids=(), by=by, why=why, made_at=now()),
            )
        finally:
            lease.release()
            connection.close()
            store.close()


def _renew_all(
    site: SiteSettings,
    store: FeatureStore,
    connection: Connection,
    keys: SiteKeys,
    fact: Correction,
) -> ReEmbedded:
    embedder = build_embedder(site.embedder)
    counts = {"renewed": 0, "same": 0, "left": 0}
    try:
        for page in paged(_tracklets(store), _BATCH):
            old = [tracklet for tracklet in page if tracklet.space != embedder.space]
            pictured = [(t, images) for t in old if (images := _images(store, t.tracklet_id))]
            counts["same"] += len(page) - len(old)
            counts["left"] += len(old) - len(pictured)
            renewed = _renewed(pictured, embedder)
            counts["renewed"] += renew_features(connection, keys, renewed)
        space = embedder.space
    finally:
        embedder.close()
    event = None
    if counts["renewed"]:
        said = f"{counts['renewed']} tracklets, now in the space {space}"
        event = store.correct(replace(fact, why=f"{said}: {fact.why}" if fact.why else said))
    return ReEmbedded(space, counts["renewed"], counts["same"], counts["left"], event)


def _tracklets(store: FeatureStore) -> Iterator[Tracklet]:
    for identity in store.identities():
        yield from store.tracklets(identity.identity_id).values()


def _images(store: FeatureStore, tracklet_id: str) -> list[Crop]:
    """Thumbnails as BGR; those that cannot be read are left out."""
    images: list[Crop] = []
    for number, data in enumerate(store.thumbnails(tracklet_id), 1):
        try:
            images.append(decode_image(data, f"thumbnail {number} of {tracklet_id}"))
        except ImageError:
            continue
    return images


def _renewed(pictured: list[tuple[Tracklet, list[Crop]]], embedder: Embedder) -> list[Tracklet]:
    """The tracklets with the mean of their thumbnails' features, of unit length."""
    features = embedder.embed([image for _, images in pictured for image in images])
    renewed, start = [], 0
    for tracklet, images in pictured:
        mean = features[start : start + len(images)].mean(axis=0)
        start += len(images)
        feature = np.ascontiguousarray(mean / np.linalg.norm(mean), dtype=np.float32)
        renewed.append(replace(tracklet, feature=feature, space=embedder.space))
    return renewed
