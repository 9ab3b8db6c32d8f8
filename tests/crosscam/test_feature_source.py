from __future__ import annotations

import pytest

from config.schema import EmbedderSettings
from crosscam.errors import AppError
from crosscam.feature_source import opened_source
from reid.drawn_crops import drawn_crops
from reid.errors import ReidError
from reid.histogram import HistogramEmbedder


@pytest.mark.parametrize("is_flipped", [False, True], ids=["plain", "flipped"])
def test_source_is_that_of_the_settings_and_is_closed_at_the_end(is_flipped: bool) -> None:
    settings = EmbedderSettings(kind="histogram")

    with opened_source(settings, wants_both=False, is_flipped=is_flipped) as source:
        (features,) = source.embed(drawn_crops(2, (32, 16)))

    assert features.shape == (2, HistogramEmbedder().dim)
    assert source.kinds == ("only",)
    assert source.spaces[0].endswith("+flip") == is_flipped
    with pytest.raises(ReidError, match="closed"):
        source.embed(drawn_crops(1, (32, 16)))


def test_both_features_need_an_rga_model() -> None:
    settings = EmbedderSettings(kind="histogram")

    with (
        pytest.raises(AppError, match="this embedder is histogram"),
        opened_source(settings, wants_both=True, is_flipped=False),
    ):
        pass
