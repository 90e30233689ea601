"""Networks for piano rolls: "MuseGAN: Multi-track Sequential Generative Adversarial Networks for
Symbolic Music Generation and Accompaniment" (Dong et al. 2018), its hybrid model, which generates
from scratch; binary neurons and a discriminator with private and shared layers after "Convolutional
Generative Adversarial Networks with Binary Neurons for Polyphonic Music Generation" (Dong and Yang
2018).

In both papers kernels are as long as their strides, so that a step, a beat and a bar each are made
of what stands above them alone: such convolutions are linear layers of parts, and written so. Layer
norm takes the place of batch norm in the generator; the critic has none. Pitches are channels. The
critic has Dong and Yang's streams of onsets and offsets and of chroma.

Not in either paper: a neuron for each track and step that says whether the notes of the step before
go on. Else held notes break up, as a gap of one step is near in the distance that a critic with
this penalty measures. And where tracks have one voice their pitches compete.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, leaky_relu, pad, relu

from gan_lab.ops.binary import binary, one_at_most

FIRST_REST = 1.0  # an untrained generator has few notes, but not so few that none learns
FIRST_KEEP = 1.0  # and most of them last for a few steps
PITCH_CLASSES = 12


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

    A step's logits come on top of those of its beat; the logit of a rest is taken from all of them.
    There are also logits (tracks, N, S, 1) of keeping the notes of the step before.

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
        self.of_beats = TrackLinear(tracks, 2 * width, num_pitches + 1)
        self.to_pitches = TrackLinear(tracks, width, num_pitches + 1)
        self.to_keep = TrackLinear(tracks, 3 * width, 1)
        nn.init.constant_(self.to_pitches.bias[:, :, -1], FIRST_REST)
        nn.init.constant_(self.to_keep.bias, FIRST_KEEP)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        tracks, N, _ = z.shape
        beats = relu(normalised(self.to_beats(z))).view(tracks, N * self.num_beats, -1)
        steps = relu(normalised(self.to_steps(beats))).view(tracks, N * self.steps, -1)
        times = self.steps // self.num_beats
        notes = self.of_beats(beats).repeat_interleave(times, 1) + self.to_pitches(steps)
        notes = notes[:, :, :-1] - notes[:, :, -1:]
        keep = self.to_keep(torch.cat([beats.repeat_interleave(times, 1), steps], 2))
        return notes.view(tracks, N, self.steps, -1), keep.view(tracks, N, self.steps, 1)


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
        one_voice: whether a track sounds at most one pitch at a time: that of the largest logit.
    """

    num_classes = None

    def __init__(
        self,
        shape: Sequence[int],
        steps_per_bar: int,
        latent_dim: int = 80,
        width: int = 48,
        one_voice: bool = False,
    ) -> None:
        super().__init__()
        num_bars = bars_of(shape, steps_per_bar)
        self.shape, self.latent_dim, self.one_voice = tuple(shape), latent_dim, one_voice
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
        notes, keep = self.logits(z)
        notes = (one_at_most(notes) if self.one_voice else binary(notes)) / 2 + 0.5
        return 2 * held(notes, binary(keep) / 2 + 0.5) - 1

    def logits(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """(B, Z) to those of notes (B, tracks, T, P), and of keeping them (B, tracks, T, 1)."""
        B, tracks = len(z), self.shape[0]
        parts = z.unflatten(1, (-1, self.dim)).transpose(0, 1).split([1, tracks, 1, tracks])
        z, z_i, z_t, z_it = parts  # (1 or tracks, B, n)
        z_t, z_it = self.shared_temporal(z_t), self.private_temporal(z_it)  # (., B, bars, n)
        shape = tracks, B, z_t.shape[2], self.dim
        kinds = z[:, :, None], z_i[:, :, None], z_t, z_it
        bars = torch.cat([kind.expand(shape) for kind in kinds], 3)  # (tracks, B, bars, 4 n)
        notes, keep = self.bars(bars.flatten(1, 2))  # (tracks, B bars, S, P or 1)
        sizes = tracks, B, self.shape[1], -1
        return notes.view(sizes).transpose(0, 1), keep.view(sizes).transpose(0, 1)


def held(notes: Tensor, keep: Tensor) -> Tensor:
    """Notes (..., T, P) of 0 and 1, each step's those of the step before where `keep` is 1.

    x_t = keep_t x_{t-1} + (1 - keep_t) notes_t, with x_0 = notes_0, in log2(T) steps: those in
    reach double from one to the next.

    Args:
        keep: (..., T, 1) of 0 and 1.
    """
    keep = torch.cat([torch.zeros_like(keep[..., :1, :]), keep[..., 1:, :]], -2)
    x, reach = (1 - keep) * notes, 1
    while reach < notes.shape[-2]:
        x = x + keep * pad(x, (0, 0, reach, 0))[..., :-reach, :]
        keep = keep * pad(keep, (0, 0, reach, 0))[..., :-reach, :]
        reach *= 2
    return x


class Discriminator(nn.Module):
    """Rolls (B, tracks, T, P) to logits (B,): layers private to each track, then shared ones.

    Args:
        shape: (tracks, T, P).
        steps_per_bar: T is a multiple of it.
        width: channels of a step for each track, of its notes, of where they begin and end, and
            of its pitch classes; twice as many of a beat of all tracks together, four times of a
            bar and of the piece.
    """

    def __init__(self, shape: Sequence[int], steps_per_bar: int, width: int = 32) -> None:
        super().__init__()
        tracks, T, P = shape
        num_bars, self.num_beats = bars_of(shape, steps_per_bar), beats_of(steps_per_bar)
        self.num_beats *= num_bars
        self.private = TrackLinear(tracks, 2 * P + PITCH_CLASSES, width)
        of_beat = T // self.num_beats * tracks * width + (tracks + 1) * PITCH_CLASSES
        self.beat = nn.Linear(of_beat, 2 * width)
        self.bar = nn.Linear(self.num_beats // num_bars * 2 * width, 4 * width)
        self.piece = nn.Linear(num_bars * 4 * width, 4 * width)
        self.end = nn.Linear(4 * width, 1)
        self.num_bars = num_bars

    def forward(self, rolls: Tensor) -> Tensor:
        B, tracks, T, _ = rolls.shape
        notes = (rolls + 1).transpose(0, 1)  # 0 where it is silent: (tracks, B, T, P)
        changes = notes - pad(notes, (0, 0, 1, 0))[:, :, :-1]  # where notes begin and end
        classes = chroma(notes)
        x = self.private(torch.cat([notes, changes, classes], 3).flatten(1, 2))
        x = leaky_relu(x, 0.2).view(tracks, B, T, -1)
        x = x.permute(1, 2, 0, 3).reshape(B, self.num_beats, -1)  # a beat of all tracks
        classes = classes.permute(1, 2, 0, 3).unflatten(1, (self.num_beats, -1)).mean(2)
        x = torch.cat([x, classes.flatten(2), classes.sum(2)], 2)
        x = leaky_relu(self.beat(x), 0.2).view(B, self.num_bars, -1)
        x = leaky_relu(self.bar(x), 0.2).view(B, -1)
        x = leaky_relu(self.piece(x), 0.2)
        return self.end(x).squeeze(1).float()


def chroma(notes: Tensor) -> Tensor:
    """(..., P) to (..., 12): of each pitch class the sum over octaves, the lowest pitch's first."""
    return (
        pad(notes, (0, -notes.shape[-1] % PITCH_CLASSES)).unflatten(-1, (-1, PITCH_CLASSES)).sum(-2)
    )
