"""Networks for piano rolls: "MuseGAN: Multi-track Sequential Generative Adversarial Networks for
Symbolic Music Generation and Accompaniment" (Dong et al. 2018), its hybrid model, which generates
from scratch; binary neurons and a discriminator with private and shared layers after "Convolutional
Generative Adversarial Networks with Binary Neurons for Polyphonic Music Generation" (Dong and Yang
2018).

In both papers kernels are as long as their strides, so that a step, a beat and a bar each are made
of what stands above them alone: such convolutions are linear layers of parts, and written so. Layer
norm takes the place of batch norm in the generator; the critic has none. Pitches are channels. Of
Dong and Yang's streams the critic has that of onsets and offsets. Not in either paper: logits of
beats under those of steps, and a smoothing of logits over time. Both make notes hold, which they
else do not for long: a gap of one step is near, in the distance that a critic with this penalty
measures.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, leaky_relu, pad, relu

from gan_lab.ops.binary import binary

FIRST_LOGIT = -1.0  # an untrained generator has few notes, but not so few that none learns


def bars_of(shape: Sequence[int], steps_per_bar: int) -> int:
    """How many bars (tracks, T, pitches) has."""
    if len(shape) != 3 or shape[1] % steps_per_bar:
        raise ValueError(
            f"shape={list(shape)}: MuseGAN makes piano rolls (tracks, T, pitches) of whole bars of"
            f" {steps_per_bar} steps; choose data=pianoroll"
        )
    return shape[1] // steps_per_bar


def beats_of(steps_per_bar: int) -> int:
    """Into how many parts of 4, 3 or 2 steps a bar falls; steps where there are none."""
    return steps_per_bar // next(n for n in (4, 3, 2, 1) if steps_per_bar % n == 0)


class TrackLinear(nn.Module):
    """A linear layer for each track: (tracks, N, inputs) to (tracks, N, outputs)."""

    def __init__(self, tracks: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = inputs**-0.5  # as nn.Linear
        self.weight = nn.Parameter(torch.empty(tracks, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(tracks, 1, outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x, self.weight)


class TemporalGenerator(nn.Module):
    """Latents (G, B, n) to one for each bar (G, B, bars, n), G at a time: the paper's G_temp."""

    def __init__(self, groups: int, num_bars: int, dim: int, width: int) -> None:
        super().__init__()
        self.num_bars = num_bars
        self.first = TrackLinear(groups, dim, width)
        self.second = TrackLinear(groups, width, num_bars * dim)

    def forward(self, z: Tensor) -> Tensor:
        return self.second(leaky_relu(self.first(z), 0.2)).unflatten(2, (self.num_bars, -1))


class BarGenerator(nn.Module):
    """Latents of bars (tracks, N, D) to logits of their notes (tracks, N, S, P): G_bar.

    A step's logits come on top of those of its beat.

    Args:
        tracks: each has weights of its own.
        dim: D.
        steps: S, of a bar.
        num_pitches: P.
        width: channels of a step; twice as many of a beat.
    """

    def __init__(self, tracks: int, dim: int, steps: int, num_pitches: int, width: int) -> None:
        super().__init__()
        self.steps, self.num_beats = steps, beats_of(steps)
        self.to_beats = TrackLinear(tracks, dim, self.num_beats * 2 * width)
        self.to_steps = TrackLinear(tracks, 2 * width, steps // self.num_beats * width)
        self.of_beats = TrackLinear(tracks, 2 * width, num_pitches)
        self.to_pitches = TrackLinear(tracks, width, num_pitches)
        nn.init.constant_(self.to_pitches.bias, FIRST_LOGIT)

    def forward(self, z: Tensor) -> Tensor:
        tracks, N, _ = z.shape
        x = relu(normalised(self.to_beats(z))).view(tracks, N * self.num_beats, -1)
        beats = self.of_beats(x).unsqueeze(2)  # (tracks, N beats, 1, P)
        x = relu(normalised(self.to_steps(x))).view(tracks, N * self.steps, -1)
        steps = self.to_pitches(x).view(tracks, N * self.num_beats, -1, beats.shape[3])
        return (beats + steps).view(tracks, N, self.steps, -1)


def normalised(x: Tensor) -> Tensor:
    """Mean 0 and variance 1 over the last axis."""
    return layer_norm(x, x.shape[-1:])


class Generator(nn.Module):
    """Latents (B, Z) to rolls (B, tracks, T, P) of -1 and 1.

    A latent is a row of the paper's four kinds, of equal widths: z for the whole piece, z_i for
    each track, z_t for what goes on from bar to bar, and z_it for the same of each track. The last
    two become one latent for each bar by temporal generators; track i's bar is made of z, z_i and
    what is its own of z_t and z_it.

    Args:
        shape: (tracks, T, P).
        steps_per_bar: T is a multiple of it.
        latent_dim: Z, a multiple of 2 (tracks + 1).
        width: channels of a step in each track's bar generator.
    """

    num_classes = None

    def __init__(
        self, shape: Sequence[int], steps_per_bar: int, latent_dim: int = 80, width: int = 48
    ) -> None:
        super().__init__()
        num_bars = bars_of(shape, steps_per_bar)
        self.shape, self.latent_dim = tuple(shape), latent_dim
        tracks, _, P = shape
        dim, rest = divmod(latent_dim, 2 * (tracks + 1))
        if rest or dim == 0:
            raise ValueError(
                f"latent_dim={latent_dim}: give a multiple of {2 * (tracks + 1)}, the number of"
                f" latents of {tracks} tracks"
            )
        self.dim = dim
        self.shared_temporal = TemporalGenerator(1, num_bars, dim, 2 * width)
        self.private_temporal = TemporalGenerator(tracks, num_bars, dim, 2 * width)
        self.bars = BarGenerator(tracks, 4 * dim, steps_per_bar, P, width)

    def forward(self, z: Tensor) -> Tensor:
        return binary(self.logits(z))

    def logits(self, z: Tensor) -> Tensor:
        """(B, Z) -> (B, tracks, T, P); a note sounds where one is above 0."""
        B, tracks = len(z), self.shape[0]
        parts = z.unflatten(1, (-1, self.dim)).transpose(0, 1).split([1, tracks, 1, tracks])
        z, z_i, z_t, z_it = parts  # (1 or tracks, B, n)
        z_t, z_it = self.shared_temporal(z_t), self.private_temporal(z_it)  # (., B, bars, n)
        shape = tracks, B, z_t.shape[2], self.dim
        kinds = z[:, :, None], z_i[:, :, None], z_t, z_it
        bars = torch.cat([kind.expand(shape) for kind in kinds], 3)  # (tracks, B, bars, 4 n)
        rolls = self.bars(bars.flatten(1, 2))  # (tracks, B bars, S, P)
        return smoothed(smoothed(rolls.view(tracks, B, *self.shape[1:]))).transpose(0, 1)


def smoothed(x: Tensor) -> Tensor:
    """Each step of (..., T, P) a half of itself and a quarter of each neighbour.

    Where notes are two steps long, twice smoothed they keep their places; shorter ones need larger
    logits than what is around them.
    """
    padded = torch.cat([x[..., :1, :], x, x[..., -1:, :]], -2)
    return 0.25 * (padded[..., :-2, :] + padded[..., 2:, :]) + 0.5 * x


class Discriminator(nn.Module):
    """Rolls (B, tracks, T, P) to logits (B,): layers private to each track, then shared ones.

    Args:
        shape: (tracks, T, P).
        steps_per_bar: T is a multiple of it.
        width: channels of a step for each track, of its notes and of where they begin and end;
            twice as many of a beat of all tracks together, four times of a bar and of the piece.
    """

    def __init__(self, shape: Sequence[int], steps_per_bar: int, width: int = 32) -> None:
        super().__init__()
        tracks, T, P = shape
        num_bars, self.num_beats = bars_of(shape, steps_per_bar), beats_of(steps_per_bar)
        self.num_beats *= num_bars
        self.private = TrackLinear(tracks, 2 * P, width)
        self.beat = nn.Linear(T // self.num_beats * tracks * width, 2 * width)
        self.bar = nn.Linear(self.num_beats // num_bars * 2 * width, 4 * width)
        self.piece = nn.Linear(num_bars * 4 * width, 4 * width)
        self.end = nn.Linear(4 * width, 1)
        self.num_bars = num_bars

    def forward(self, rolls: Tensor) -> Tensor:
        B, tracks, T, _ = rolls.shape
        notes = (rolls + 1).transpose(0, 1)  # 0 where it is silent: (tracks, B, T, P)
        changes = notes - pad(notes, (0, 0, 1, 0))[:, :, :-1]  # where notes begin and end
        x = self.private(torch.cat([notes, changes], 3).flatten(1, 2))
        x = leaky_relu(x, 0.2).view(tracks, B, T, -1)
        x = x.permute(1, 2, 0, 3).reshape(B, self.num_beats, -1)  # a beat of all tracks
        x = leaky_relu(self.beat(x), 0.2).view(B, self.num_bars, -1)
        x = leaky_relu(self.bar(x), 0.2).view(B, -1)
        x = leaky_relu(self.piece(x), 0.2)
        return self.end(x).squeeze(1).float()
