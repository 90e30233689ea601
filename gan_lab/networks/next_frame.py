"""Networks of next-frame prediction: "Deep Multi-Scale Video Prediction beyond Mean Square Error"
(Mathieu et al. 2016) predicts from the last frames side by side; "Unsupervised Learning for
Physical Interaction through Video Prediction" (Finn et al. 2016) moves pixels instead of drawing
them; MoCoGAN (Tulyakov et al. 2018) has a discriminator of frames and one of films.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

AT_REST = 2.0  # logit by which a network that has learnt nothing leaves pixels where they are


class Block(nn.Module):
    """A convolution, group norm, leaky ReLU, and a residual convolution at the same size.

    Without the norm a rollout's gradients now and then end training: all places' weights saturate.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, kernel, stride, 1)
        self.norm = nn.GroupNorm(math.gcd(8, outputs), outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.norm(self.first(x)), 0.2)
        return x + F.leaky_relu(self.second(x), 0.2)


class FramePredictor(nn.Module):
    """The last k frames to the next one; its own frames take their place as it goes on.

    A U-Net sees the frames as channels. It says for each pixel of the next frame from where in the
    last one it comes, by a softmax over rows and one over columns at most `reach` away, and how
    much of it is a pixel drawn anew instead, for what nothing near shows. As mixtures of such,
    frames stay in [-1, 1].

    Args:
        source_shape: (k, C, H, W) of what is given.
        shape: (horizon, C, H, W) of what is foreseen.
        width: channels at half the size; twice and four times as many further in.
        depth: halvings besides the first.
        reach: pixels that something moves at most from frame to frame.
    """

    def __init__(
        self,
        source_shape: Sequence[int],
        shape: Sequence[int],
        width: int = 32,
        depth: int = 2,
        reach: int = 3,
    ) -> None:
        super().__init__()
        self.source_shape, self.shape = tuple(source_shape), tuple(shape)
        k, C, H, W = source_shape
        if depth < 1 or reach < 1:
            raise ValueError(f"depth={depth}, reach={reach}: give at least 1")
        if H % 2 ** (depth + 1) or W % 2 ** (depth + 1):
            raise ValueError(
                f"depth={depth}: {depth + 1} halvings need sides that are multiples of"
                f" {2 ** (depth + 1)}, not {H} and {W}; take another data.resolution"
            )
        widths = [width * 2**level for level in range(depth + 1)]
        self.reach, self.places = reach, 2 * reach + 1
        self.stem = Block(4 * k * C, width)
        self.down = nn.ModuleList(
            Block(inputs, outputs, 4, 2) for inputs, outputs in zip(widths, widths[1:])
        )
        self.up = nn.ModuleList(
            Block(inputs + outputs, outputs) for outputs, inputs in zip(widths, widths[1:])
        )
        self.head = nn.Conv2d(width, 4 * (2 * self.places + 1 + C), 1)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():  # pixel_shuffle makes one channel of four
            for middle in (reach, self.places + reach):
                self.head.bias[4 * middle : 4 * middle + 4] = AT_REST
            self.head.bias[8 * self.places : 8 * self.places + 4] = -AT_REST

    def forward(self, past: Tensor, steps: int | None = None) -> Tensor:
        """(B, k, C, H, W) -> the next `steps` frames, `horizon` if None: (B, steps, C, H, W)."""
        frames = list(past.unbind(1))
        k = len(frames)
        for _ in range(self.shape[0] if steps is None else steps):
            frames.append(self.next(torch.stack(frames[-k:], 1)))
        return torch.stack(frames[k:], 1)

    def next(self, past: Tensor) -> Tensor:
        """(B, k, C, H, W) -> the frame after: (B, C, H, W)."""
        x = self.stem(F.pixel_unshuffle(past.flatten(1, 2), 2))
        passed = []
        for layer in self.down:
            passed.append(x)
            x = layer(x)
        for layer in reversed(self.up):
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = layer(torch.cat([x, passed.pop()], 1))
        x = F.pixel_shuffle(self.head(x), 2).float()
        n, C = self.places, past.shape[2]
        down, across, new, drawn = x.split([n, n, 1, C], 1)
        old = moved(past[:, -1].float(), down.softmax(1), across.softmax(1))
        return torch.lerp(old, drawn.tanh(), new.sigmoid())


def moved(frame: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Each pixel a mixture of those around it, by weights of its own for rows and for columns.

    The kernels of Niklaus et al. 2017, "Video Frame Interpolation via Adaptive Separable
    Convolution", Section 3; beyond its edge a frame goes on as it ends.

    Args:
        frame: (B, C, H, W).
        down, across: (B, n, H, W), n = 2 reach + 1, each of sum 1 over n.
    """
    B, C, H, W = frame.shape
    n = down.shape[1]
    near = F.unfold(F.pad(frame, (n // 2,) * 4, mode="replicate"), n).view(B, C, n, n, H, W)
    rows = (near * across[:, None, None]).sum(3)
    return (rows * down[:, None]).sum(2)


class FrameDiscriminator(nn.Module):
    """A frame (B, C, H, W) to logits (B, h, w) of patches: MoCoGAN's D_I.

    Args:
        channels: C.
        width: channels after the first layer, doubled by each.
        halvings: layers of stride 2.
    """

    def __init__(self, channels: int, width: int = 32, halvings: int = 3) -> None:
        super().__init__()
        widths = [channels, *(width * 2**level for level in range(halvings))]
        layers: list[nn.Module] = []
        for inputs, outputs in zip(widths, widths[1:]):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 3, 1, 1))

    def forward(self, frames: Tensor) -> Tensor:
        return self.layers(frames).float().squeeze(1)


class SequenceDiscriminator(nn.Module):
    """A film (B, T, C, H, W) to logits (B, t, h, w) of patches in space and time: MoCoGAN's D_V.

    The first layer looks at single frames, the others at three at a time.

    Args:
        channels: C.
        width: channels after the first layer, doubled by each.
        halvings: layers of stride 2 in space.
    """

    def __init__(self, channels: int, width: int = 32, halvings: int = 3) -> None:
        super().__init__()
        widths = [channels, *(width * 2**level for level in range(halvings))]
        layers: list[nn.Module] = []
        for level, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
            times = 1 if level == 0 else 3
            kernel, padding = (times, 4, 4), (times // 2, 1, 1)
            stride = (2 if level > 0 else 1, 2, 2)
            layers += [nn.Conv3d(inputs, outputs, kernel, stride, padding), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv3d(widths[-1], 1, 3, 1, 1))

    def forward(self, films: Tensor) -> Tensor:
        return self.layers(films.transpose(1, 2)).float().squeeze(1)


def frame_discriminator(shape: Sequence[int], width: int = 32, halvings: int = 3) -> nn.Module:
    """Of the frames of (horizon, C, H, W)."""
    return FrameDiscriminator(shape[1], width, halvings)


def sequence_discriminator(shape: Sequence[int], width: int = 32, halvings: int = 3) -> nn.Module:
    """Of films with the frames of (horizon, C, H, W)."""
    return SequenceDiscriminator(shape[1], width, halvings)
