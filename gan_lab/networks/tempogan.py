"""tempoGAN's critics: "tempoGAN: A Temporally Coherent, Volumetric GAN for Super-resolution Fluid
Flow" (Xie et al. 2018), Appendix A; without batch norm."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu


class Critic(nn.Module):
    """Pictures (B, C, H, W) of one size to logits (B,), by way of four maps of features.

    Args:
        channels: C of all that it sees.
        size: (H, W).
        width: channels of the first map (paper: 32); twice, four and eight times as many after it.
    """

    def __init__(self, channels: int, size: Sequence[int], width: int = 32) -> None:
        super().__init__()
        widths = [channels, width, 2 * width, 4 * width, 8 * width]
        strides = (2, 2, 2, 1)
        self.layers = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 4, stride, 2 if stride == 1 else 1)
            for inputs, outputs, stride in zip(widths, widths[1:], strides)
        )
        with torch.device("meta"):
            x = torch.empty(1, channels, *size)
            for layer in self.layers:
                x = nn.Conv2d(
                    layer.in_channels, layer.out_channels, 4, layer.stride, layer.padding
                )(x)
        self.last = nn.Linear(x.numel(), 1)

    def features(self, images: Tensor) -> list[Tensor]:
        """The four maps, the finest first."""
        x, maps = images, []
        for layer in self.layers:
            x = leaky_relu(layer(x), 0.2)
            maps.append(x)
        return maps

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.features(images)[-1].flatten(1)).float().squeeze(1)


def spatial_critic(source_shape: Sequence[int], shape: Sequence[int], width: int = 32) -> Critic:
    """D_s: a frame and the low resolution that it was made of, enlarged."""
    return Critic(source_shape[0] + shape[0], shape[1:], width)


def temporal_critic(shape: Sequence[int], width: int = 32) -> Critic:
    """D_t: three frames."""
    return Critic(3 * shape[0], shape[1:], width)
