"""How processes share the work of an evaluation: blocks dealt out, rows gathered in order."""

import math

import torch
import torch.distributed as dist
from torch import Tensor


def processes() -> tuple[int, int]:
    """(rank, number) of this process."""
    if not dist.is_initialized():
        return 0, 1
    return dist.get_rank(), dist.get_world_size()


def is_first() -> bool:
    """Whether this process holds the features and writes the files."""
    return processes()[0] == 0


def join(blocks: list[Tensor], width: int, device: torch.device) -> Tensor:
    """Blocks of this process one below the other; (0, width) for a process without any."""
    return torch.cat(blocks) if blocks else torch.empty(0, width, device=device)


def gather(rows: Tensor, num: int, size: int, device: torch.device) -> Tensor | None:
    """All processes' rows in the order of the blocks, (num, W) on the first process's CPU.

    Shards differ in length by up to a block: they are padded to the longest for the exchange.
    """
    rank, world = processes()
    if world == 1:
        return interleave([rows.cpu()], num, size)
    longest = math.ceil(math.ceil(num / size) / world) * size
    padded = rows.new_zeros(longest, rows.shape[1])
    padded[: len(rows)] = rows
    shards = [torch.empty_like(padded) for _ in range(world)] if rank == 0 else None
    dist.gather(padded, shards, dst=0)
    return interleave([shard.cpu() for shard in shards], num, size) if rank == 0 else None


def interleave(shards: list[Tensor], num: int, size: int) -> Tensor:
    """Blocks r, r + world, ... of `size` rows are in shard r: put them in order, cut to `num`."""
    world, blocks = len(shards), []
    for index in range(math.ceil(num / size)):
        turn, rank = divmod(index, world)
        blocks.append(shards[rank][turn * size : (turn + 1) * size])
    return torch.cat(blocks)[:num]


def from_first_process(value, device: torch.device):
    """The first process's plain value, on all."""
    if processes()[1] == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0, device=device)
    return box[0]
