from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from training.sort_keys import columns_of, sort_keys

DISTANCES = arrays(
    np.float32,
    st.tuples(st.integers(0, 4), st.integers(0, 9)),
    elements=st.floats(-3, 3, width=32) | st.sampled_from([0.0, -0.0, 1.0, np.inf]),
)


@given(DISTANCES)
def test_sorted_keys_are_a_stable_argsort(distances: np.ndarray) -> None:
    found = columns_of(np.sort(sort_keys(distances), axis=1))

    assert (found == np.argsort(distances, axis=1, kind="stable")).all()
