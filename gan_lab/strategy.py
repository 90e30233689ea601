"""Several processes: one group, one broadcast of the weights, and averages where we say so.

No DistributedDataParallel around the module: a training step has several backward passes, some of
them twice differentiated, and each must exchange exactly the gradients of the players that learn.
"""

import torch
import torch.distributed as dist
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor

BUCKET = 32 * 1024 * 1024  # numbers in one all-reduce


class FlatDDP(DDPStrategy):
    """The processes and collectives of Lightning's DDP without its wrapper around the module."""

    def configure_ddp(self) -> None:
        for tensor in (*self.model.parameters(), *self.model.buffers()):
            dist.broadcast(tensor.data, 0)

    def setup(self, trainer) -> None:
        super().setup(trainer)
        # Lightning asks all processes for a SIGTERM before every batch; `Checkpoint` does that.
        trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None


def average_(tensors: list[Tensor]) -> None:
    """Average tensors over the processes, in place, in as few all-reduces as buckets allow."""
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return
    bucket, size = [], 0
    for tensor in tensors:
        bucket.append(tensor)
        size += tensor.numel()
        if size >= BUCKET:
            _average_flat(bucket)
            bucket, size = [], 0
    if bucket:
        _average_flat(bucket)


class _MeanOfAll(torch.autograd.Function):
    """The mean over processes of a scalar, through which all of them learn.

    Each process descends its own rows' loss, and gradients are averaged afterwards. What the rows
    of all processes owe to this mean is therefore the mean of their gradients.
    """

    @staticmethod
    def forward(context, value: Tensor) -> Tensor:
        value = value.clone()
        average_([value])
        return value

    @staticmethod
    def backward(context, gradient: Tensor) -> Tensor:
        gradient = gradient.clone()
        average_([gradient])
        return gradient


def mean_of_all(tensor: Tensor) -> Tensor:
    """The mean of equally large tensors of all processes, a scalar. Every process must call it."""
    return _MeanOfAll.apply(tensor.mean())


def gather(tensor: Tensor) -> Tensor:
    """Stack equally shaped tensors of all processes: (...) -> (world size, ...)."""
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return tensor[None]
    parts = [torch.empty_like(tensor) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, tensor.contiguous())
    return torch.stack(parts)


def rank() -> int:
    """The number of this process."""
    return dist.get_rank() if dist.is_initialized() else 0


def any_process(flag: bool, device: torch.device) -> bool:
    """Whether the flag is raised on at least one process. Every process must call it."""
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return flag
    vote = torch.tensor(float(flag), device=device)
    dist.all_reduce(vote, dist.ReduceOp.MAX)
    return bool(vote.item())


def _average_flat(tensors: list[Tensor]) -> None:
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    parts = flat.split([tensor.numel() for tensor in tensors])
    torch._foreach_copy_(tensors, [part.view_as(t) for part, t in zip(parts, tensors, strict=True)])
