"""Batch norm over the minibatch of all processes, and batch norm whose gain follows a condition."""

import torch
import torch.distributed as dist
from torch import Tensor, nn


class SyncedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm (Ioffe & Szegedy 2015) by the statistics of the minibatch of all processes.

    In one process it is `nn.BatchNorm2d`. In several, mean and variance are exchanged by an
    all-reduce that is differentiable any number of times and works on every backend, so that N
    processes with a share of a minibatch each take the step of one with the whole. Every process
    must hold the same number of rows. Parts of an accumulated minibatch do not see each other: each
    has its own statistics, as everywhere.

    Parameters, buffers and options are those of `nn.BatchNorm2d`.
    """

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W)
        if not self.training or not dist.is_initialized() or dist.get_world_size() == 1:
            return super().forward(x)
        num_processes = dist.get_world_size()
        # Two exchanges, as the variance around the common mean loses no digits.
        own_var, own_mean = torch.var_mean(x.float(), (0, 2, 3), correction=0)
        mean = SumOverProcesses.apply(own_mean) / num_processes  # (C,)
        own_var = own_var + (own_mean - mean).square()
        var = SumOverProcesses.apply(own_var) / num_processes
        if self.track_running_stats:
            self._move_statistics(mean, var, num_processes * x.numel() // len(mean))
        scale = (var + self.eps).rsqrt()
        scale = scale if self.weight is None else scale * self.weight
        shift = -mean * scale if self.bias is None else self.bias - mean * scale
        return (x * scale[:, None, None] + shift[:, None, None]).to(x.dtype)

    @torch.no_grad()
    def _move_statistics(self, mean: Tensor, var: Tensor, num_values: int) -> None:
        self.num_batches_tracked += 1
        rate = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, rate)
        self.running_var.lerp_(var * (num_values / (num_values - 1)), rate)  # unbiased


class ConditionalBatchNorm2d(nn.Module):
    """Batch norm whose gain and bias are maps of a condition: Dumoulin et al. 2017, de Vries et al.
    2017; BigGAN's condition is a shared class embedding joined with a part of z.

    Args:
        channels: C.
        gain: condition to (B, C), added to 1: an embedding of class ids (B,), or a linear map of
            vectors (B, D).
        bias: condition to (B, C).
        eps: added to the variance.
    """

    def __init__(self, channels: int, gain: nn.Module, bias: nn.Module, eps: float = 1e-5) -> None:
        super().__init__()
        self.norm = SyncedBatchNorm2d(channels, eps=eps, affine=False)
        self.gain, self.bias = gain, bias

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        gain = (1 + self.gain(condition)).to(x.dtype)
        bias = self.bias(condition).to(x.dtype)
        return torch.addcmul(bias[..., None, None], self.norm(x), gain[..., None, None])


class SumOverProcesses(torch.autograd.Function):
    """The all-reduced sum of a tensor; its gradient is the sum of the processes' gradients."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        x = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return SumOverProcesses.apply(gradient)
