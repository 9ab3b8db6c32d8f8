"""From settings to what embeds a data set: one feature or both, with or without the flip test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from crosscam.errors import AppError
from reid.embedder import build_embedder, build_network_embedder, choose_embedder, weights_for
from training.both_features import both_features, read_last_norm
from training.embedding import FeatureSource, flipped, joined, source_of

if TYPE_CHECKING:
    from config.schema import EmbedderSettings


@contextmanager
def opened_source(
    settings: EmbedderSettings, *, wants_both: bool, is_flipped: bool
) -> Iterator[FeatureSource]:
    """The source; its embedders are closed at the end.

    Args:
        settings: Of the embedder.
        wants_both: Give `before_bn` and `after_bn` of an RGA model, whatever the settings say.
        is_flipped: Embed mirror images too.

    Raises:
        AppError: Both features are wanted of what is no RGA model.
        ReidError: The embedder cannot be built.
    """
    with ExitStack() as stack:
        source = _both(settings, stack) if wants_both else _one(settings, stack)
        yield flipped(source) if is_flipped else source


def _one(settings: EmbedderSettings, stack: ExitStack) -> FeatureSource:
    return source_of(stack.enter_context(closing(build_embedder(settings))))


def _both(settings: EmbedderSettings, stack: ExitStack) -> FeatureSource:
    """Both features; torch weights compute the second from the first."""
    kind = choose_embedder(settings).kind
    if kind in ("openvino_ir", "histogram"):
        raise AppError(f"--feature both is for RGA models, but this embedder is {kind}")
    before = settings.model_copy(update={"feature": "before_bn"})
    embedder = stack.enter_context(closing(build_network_embedder(before)))
    if kind == "torch":
        return both_features(embedder, read_last_norm(weights_for(kind, settings)))
    after = settings.model_copy(update={"feature": "after_bn"})
    other = stack.enter_context(closing(build_network_embedder(after)))
    return joined([source_of(embedder, "before_bn"), source_of(other, "after_bn")])
