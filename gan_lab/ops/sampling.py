"""Bilinear sampling of pictures that can be differentiated twice.

torch's `grid_sample` has no second derivative. At fixed positions it is a linear map S of the
picture, so its backward pass is S^T, and the backward pass of that is S again.
"""

import torch
from torch import Tensor
from torch.autograd import Function

BILINEAR, ZEROS = 0, 0  # torch's numbers of these modes


def sample(images: Tensor, positions: Tensor) -> Tensor:
    """Values of pictures between their pixels, bilinearly; 0 outside of them.

    Differentiable to any order with respect to `images`, not at all to `positions`.

    Args:
        images: (B, C, H, W).
        positions: (B, h, w, 2), x and y; -1 and 1 are the outer borders of the first and the last
            pixel.

    Returns:
        (B, C, h, w).
    """
    return Sampling.apply(images, positions)


class Sampling(Function):
    """S: pictures (B, C, H, W) to values at (B, h, w, 2) positions."""

    @staticmethod
    def forward(ctx, images: Tensor, positions: Tensor) -> Tensor:
        ctx.save_for_backward(positions)
        ctx.shape = images.shape
        return torch.grid_sampler(images, positions, BILINEAR, ZEROS, False)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (positions,) = ctx.saved_tensors
        return Scattering.apply(gradient, positions, ctx.shape), None


class Scattering(Function):
    """S^T: values (B, C, h, w), each spread over the pixels around its position."""

    @staticmethod
    def forward(ctx, values: Tensor, positions: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(positions)
        images, _ = torch.ops.aten.grid_sampler_2d_backward(
            values.contiguous(),
            values.new_empty(shape),  # only its shape is looked at
            positions,
            BILINEAR,
            ZEROS,
            False,
            [True, False],
        )
        return images

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        (positions,) = ctx.saved_tensors
        return Sampling.apply(gradient, positions), None, None
