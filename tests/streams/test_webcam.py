from __future__ import annotations

import pytest

from streams.errors import SourceOpenError
from streams.source import Sampling
from streams.webcam import Webcam


def test_a_webcam_that_is_not_there_is_told_and_may_come_later() -> None:
    with pytest.raises(SourceOpenError, match="cannot open webcam:97: there is no such") as caught:
        Webcam("cam", 97, sampling=Sampling())
    assert not caught.value.is_permanent
