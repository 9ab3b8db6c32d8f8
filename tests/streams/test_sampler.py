from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sampler import FrameSampler
from streams.source import Sampling


def kept(sampling: Sampling, times: list[float]) -> list[int]:
    sampler = FrameSampler(sampling)
    return [index for index, time in enumerate(times) if sampler.keeps(index, time)]


def test_without_limits_every_frame_is_kept() -> None:
    assert kept(Sampling(), [0.0, 0.1, 0.2]) == [0, 1, 2]


def test_stride_keeps_the_multiples() -> None:
    assert kept(Sampling(stride=3), [0.1 * i for i in range(10)]) == [0, 3, 6, 9]


def test_rate_limit_keeps_the_first_frame_of_each_tick() -> None:
    times = [1000 + index / 25 for index in range(26)]
    assert kept(Sampling(max_fps=5), times) == [0, 5, 10, 15, 20, 25]
    assert kept(Sampling(max_fps=10), times) == [0, 3, 5, 8, 10, 13, 15, 18, 20, 23, 25]


@pytest.mark.parametrize("fps", [10, 18, 25, 30, 60])
def test_times_rounded_to_milliseconds_lose_no_frame_at_the_source_own_rate(fps: int) -> None:
    times = [1.7e9 + round(index / fps, 3) for index in range(200)]
    assert len(kept(Sampling(max_fps=fps), times)) == 200


def test_a_limit_above_the_rate_changes_nothing() -> None:
    assert kept(Sampling(max_fps=100), [0.0, 0.1, 0.2]) == [0, 1, 2]


def test_with_both_limits_a_frame_must_pass_both() -> None:
    times = [index / 25 for index in range(50)]
    assert kept(Sampling(stride=2, max_fps=5), times) == [0, 6, 10, 16, 20, 26, 30, 36, 40, 46]


def test_a_gap_is_not_made_up_for() -> None:
    assert kept(Sampling(max_fps=1), [0.0, 10.0, 10.1, 10.2, 11.0]) == [0, 1, 4]


@given(
    st.floats(0.5, 60),
    st.lists(st.floats(0.001, 0.5), min_size=2, max_size=200),
)
def test_no_more_frames_than_ticks(max_fps: float, steps: list[float]) -> None:
    times = [sum(steps[:count]) for count in range(len(steps))]
    assert len(kept(Sampling(max_fps=max_fps), times)) <= times[-1] * max_fps + 1.1


@pytest.mark.parametrize("values", [{"stride": 0}, {"max_fps": 0.0}, {"max_fps": -1.0}])
def test_impossible_sampling_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="of a sampling"):
        Sampling(**values)  # type: ignore[arg-type]
