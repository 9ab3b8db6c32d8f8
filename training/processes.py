"""One process, or several that torchrun started, which train one model together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist

from training.errors import RecipeError
from training.identity_sampler import Share

_PATIENCE = timedelta(hours=4)
"""How long the others wait while one evaluates, or reads images."""


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among those of the run.

    Attributes:
        share: Its rank and their number.
        device: Where it computes.
    """

    share: Share
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes, evaluates and speaks for all."""
        return self.share.rank == 0

    @property
    def is_alone(self) -> bool:
        """Whether there are no others."""
        return self.share.world_size == 1

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all must ask."""
        if self.is_alone:
            return flag
        votes = torch.tensor([float(flag)], device=self.device)
        dist.all_reduce(votes, op=dist.ReduceOp.MAX)
        return bool(votes.item() > 0)

    def wait(self) -> None:
        """Until all processes are here."""
        if not self.is_alone:
            self.any(flag=False)


@contextmanager
def joined_processes(device: str) -> Iterator[Processes]:
    """This process, joined with those that torchrun started beside it, if any.

    Args:
        device: auto, cpu, cuda or cuda:N.

    Raises:
        RecipeError: There is no such device.
    """
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    found = _find_device(device, local_rank)
    share = Share(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))
    if share.world_size == 1:
        yield Processes(share, found)
        return
    if found.type == "cuda":
        torch.cuda.set_device(found)
    dist.init_process_group("nccl" if found.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield Processes(share, found)
    finally:
        dist.destroy_process_group()


def _find_device(device: str, local_rank: int) -> torch.device:
    if device == "cpu" or (device == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise RecipeError(f"device {device}: torch finds no GPU here; set device to cpu or auto")
    found = torch.device("cuda", local_rank) if device in ("auto", "cuda") else torch.device(device)
    if (found.index or 0) >= torch.cuda.device_count():
        raise RecipeError(
            f"device {found}: there are {torch.cuda.device_count()} GPUs; start fewer processes"
        )
    return found
