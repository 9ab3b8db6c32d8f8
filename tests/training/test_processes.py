from __future__ import annotations

import pytest
import torch

from training.errors import RecipeError
from training.processes import joined_processes


def test_one_process_decides_alone() -> None:
    with joined_processes("cpu") as processes:
        processes.wait()

        assert processes.is_first
        assert processes.is_alone
        assert processes.any(flag=True)
        assert not processes.any(flag=False)


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about machines without a GPU")
def test_without_a_gpu_auto_is_the_cpu_and_cuda_is_refused() -> None:
    with joined_processes("auto") as processes:
        assert processes.device == torch.device("cpu")

    with (
        pytest.raises(RecipeError, match="device cuda: torch finds no GPU here"),
        joined_processes("cuda"),
    ):
        pass
