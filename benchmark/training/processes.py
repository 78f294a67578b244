"""Processes that train together, one per GPU: their ranks and their communication (torchrun starts them)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import distributed

from forenbench.scoring.kept_memory import keeping_memory

if TYPE_CHECKING:
    from torch import Tensor, nn

T = TypeVar("T")
_PATIENCE = timedelta(days=1)
"""One process may check images or make gradient pictures while the others wait."""


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among those that train together.

    Attributes:
        rank: Its number; number 0 alone writes files.
        count: How many there are.
        device: Where this one computes.
    """

    device: str = "cpu"
    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def share(self, batch: Sequence[T]) -> list[T]:
        """Return this process's share of a global batch: a stride, disjoint from the others'."""
        return list(batch[self.rank :: self.count])

    def total(self, values: Tensor) -> Tensor:
        """Sum values over all processes."""
        if self.count > 1:
            distributed.all_reduce(values)
        return values

    def wait(self) -> None:
        """Wait until all processes are at this point."""
        # Not `distributed.barrier`, which with NCCL guesses the device, and warns that it does.
        if self.count > 1:
            self.total(torch.zeros(1, device=self.device))

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """Let the first process do something alone before the others do it: they find its results on disk."""
        # Each waits once, the first one after its work and the others before theirs: there they meet.
        if not self.first:
            self.wait()
        yield
        if self.first:
            self.wait()

    def same_buffers(self, network: nn.Module) -> nn.Module:
        """Give every process the running statistics of process 0, whose network is the one that is kept."""
        if self.count > 1:
            for buffer in network.buffers():
                distributed.broadcast(buffer, 0)
        return network

    def parallel(self, network: nn.Module) -> nn.Module:
        """Wrap a network so that gradients are averaged over all processes.

        On GPUs batch normalisation then sees the global batch, so that a recipe means the same on any
        number of them. PyTorch has no such layer for the CPU: there each process normalises its own part, and
        the running statistics kept are those of process 0.
        """
        if self.count == 1:
            return network
        # Before DDP, which keeps hold of the parameters that it finds.
        if self.device.startswith("cuda"):
            network = torch.nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return torch.nn.parallel.DistributedDataParallel(network)


@contextmanager
def joined(device: str) -> Iterator[Processes]:
    """Join the processes that torchrun started; without torchrun, be the only one. They train inside."""
    # torchrun's variables are the contract: LOCAL_RANK is the
    # GPU on this machine, the rank counts over all machines.
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        with keeping_memory(device):
            yield Processes(device)
        return
    if device == "cuda":
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    backend = "nccl" if device.startswith("cuda") else "gloo"
    distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        with keeping_memory(device):
            yield Processes(device, distributed.get_rank(), count)
    finally:
        distributed.destroy_process_group()
