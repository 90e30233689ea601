"""Objective metrics of music, those of MuseGAN (Dong et al. 2018) and two more; their distance.

Each is a closed form of a piece's piano roll, so that there is no network and nothing to learn.
A note is a pitch that sounds without a rest, see `gan_lab.media.rolls`.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from gan_lab.data.base import digest
from gan_lab.data.pieces import MAJOR
from gan_lab.media.rolls import DRUMS, Rolls, notes_of
from gan_lab.metrics import cache
from gan_lab.metrics.extractor import Extractor
from gan_lab.metrics.features import Features, Formula
from gan_lab.randomness import EVALUATION, key

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule

RECIPE = 1  # raise it when a metric or the shuffling changes
SHUFFLE = 7  # kind of draw under the key EVALUATION
MOST_BESIDE = 2000  # pieces that are shuffled, and of the test split
QUALIFIED_STEPS = 3
LEAST_SPREAD = 0.05  # in the units of features
# What is measured of a piece, and the unit that its features are in: a Frechet distance then counts
# a tenth of the bars, of the notes or of the steps, one pitch class, and 0.1 of tonal space alike.
UNITS = {
    "empty_bars": 1.0,
    "pitch_classes": 10.0,
    "qualified_notes": 1.0,
    "polyphonic_steps": 1.0,
    "in_scale": 1.0,
    "tonal_distance": 1.0,
}


class Music(Extractor):
    """The metrics of a piece, each in a fixed unit (`UNITS`), as six features."""

    name = "music"
    dim = len(UNITS)

    def unsuited(self, data: "DataModule") -> str | None:
        if isinstance(data.medium, Rolls):
            return None
        return f"{data.name} holds no piano rolls: choose metrics=auto"

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        medium = self.medium = data.medium
        grid = medium.steps_per_bar, medium.steps_per_beat, medium.lowest_pitch
        self.fingerprint = digest(RECIPE, grid, [program == DRUMS for program in medium.programs])
        train = data.reals("train")
        state, _ = cache.remembered(
            f"music/{train.fingerprint()}-{self.fingerprint}-{MOST_BESIDE}",
            lambda: ({"shuffled": self.measured(train, shuffled=True)}, {}),
        )
        self.beside = {"shuffled": Features(state["shuffled"])}
        if "test" in data.splits:
            self.beside = {"test": Features(self.measured(data.reals("test"))), **self.beside}

    def measured(self, reals, shuffled: bool = False) -> Tensor:
        """Features (N, 6) of the first pieces of a split, or of these with their notes moved."""
        features = []
        for rows in torch.arange(min(len(reals), MOST_BESIDE)).split(250):
            rolls = reals.images(rows)
            features.append(self(shuffle(rolls, int(rows[0])) if shuffled else rolls)[0])
        return torch.cat(features)

    def __call__(self, images: Tensor) -> tuple[Tensor, None]:
        values = values_of(images > 0, self.medium)
        return values / values.new_tensor(list(UNITS.values())), None


def values_of(rolls: Tensor, medium: Rolls) -> Tensor:
    """(B, tracks, T, P) bool -> (B, 6) float32, in the order of `UNITS`."""
    bar, beat, lowest = medium.steps_per_bar, medium.steps_per_beat, medium.lowest_pitch
    melodic = [n for n, program in enumerate(medium.programs) if program != DRUMS]
    tuned = rolls[:, melodic] if len(melodic) < rolls.shape[1] else rolls
    values = [
        empty_bars(rolls, bar),
        pitch_classes(tuned, bar, lowest),
        qualified_notes(rolls),
        polyphonic_steps(tuned),
        in_scale(tuned, lowest),
        tonal_distance(tuned, beat, lowest),
    ]
    return torch.stack(values, 1).float()


def empty_bars(rolls: Tensor, bar: int) -> Tensor:
    """Share of the tracks' bars without a note, "EB": (B, tracks, T, P) bool -> (B,)."""
    return (~rolls.unflatten(2, (-1, bar)).flatten(3).any(3)).float().mean((1, 2))


def pitch_classes(rolls: Tensor, bar: int, lowest: int) -> Tensor:
    """Pitch classes that a track uses in a bar, 0 to 12, "UPC": -> (B,)."""
    used = chroma(rolls, lowest).unflatten(2, (-1, bar)).gt(0).any(3)  # (B, tracks, bars, 12)
    return used.float().sum(3).mean((1, 2))


def qualified_notes(rolls: Tensor) -> Tensor:
    """Share of the notes that last for at least three steps, "QN"; 1 without notes: -> (B,)."""
    lasting = torch.nn.functional.pad(rolls, (0, 0, 0, QUALIFIED_STEPS - 1))
    T = rolls.shape[2]
    lasting = torch.stack([lasting[:, :, n : n + T] for n in range(QUALIFIED_STEPS)]).all(0)
    begins = onsets(rolls)
    return share(count(begins & lasting), count(begins), 1.0)


def polyphonic_steps(rolls: Tensor) -> Tensor:
    """Share of a track's sounding steps with two pitches or more; 0 for silence: -> (B,).

    After the polyphonicity of Dong and Yang 2018, of each track by itself.
    """
    voices = rolls.sum(3)  # (B, tracks, T)
    return share(count(voices > 1), count(voices > 0), 0.0)


def in_scale(rolls: Tensor, lowest: int) -> Tensor:
    """Share of the notes in the major or minor scale that holds most; 1 without notes: -> (B,).

    The minor scale is the natural one, which has the notes of a major one.
    """
    notes = chroma(onsets(rolls), lowest).sum((1, 2)).float()  # (B, 12)
    scale = torch.zeros(12, device=rolls.device)
    scale[list(MAJOR)] = 1
    scales = torch.stack([scale.roll(tonic) for tonic in range(12)], 1)  # (12, 12)
    return share((notes @ scales).amax(1), notes.sum(1), 1.0)


def tonal_distance(rolls: Tensor, beat: int, lowest: int) -> Tensor:
    """How far apart tracks are in tonal space, "TD": the mean over pairs and beats: -> (B,).

    Pairs count in the beats in which both sound; without any it is 0. The distance is Euclid's, of
    the tonal centroids of Harte, Sandler and Gasser 2006, "Detecting Harmonic Change in
    Musical Audio".
    """
    beats = chroma(rolls, lowest).unflatten(2, (-1, beat)).sum(3).float()  # (B, tracks, beats, 12)
    sounds = beats.sum(3) > 0
    centroids = tonal_centroid(beats)
    first, second = torch.triu_indices(rolls.shape[1], rolls.shape[1], 1, device=rolls.device)
    distance = (centroids[:, first] - centroids[:, second]).norm(dim=3)  # (B, pairs, beats)
    both = sounds[:, first] & sounds[:, second]
    return share((distance * both).sum((1, 2)), count(both), 0.0)


def tonal_centroid(chroma: Tensor) -> Tensor:
    """(..., 12) amounts of pitch classes -> (..., 6) tonal centroid, Harte et al. 2006.

    On the circles of fifths and of minor thirds, of radius 1, and of major thirds, of radius 0.5;
    0 of silence.
    """
    pitch = torch.arange(12, device=chroma.device, dtype=torch.float32)
    circles = []
    for radius, turns in ((1.0, 7 / 6), (1.0, 3 / 2), (0.5, 2 / 3)):
        angle = turns * math.pi * pitch
        circles += [radius * angle.sin(), radius * angle.cos()]
    total = chroma.sum(-1, keepdim=True).clamp(min=1e-9)
    return chroma / total @ torch.stack(circles, 1)


def chroma(rolls: Tensor, lowest: int) -> Tensor:
    """(B, tracks, T, P) bool -> (B, tracks, T, 12): how many octaves of a class sound, C first."""
    P = rolls.shape[3]
    before = lowest % 12
    after = -(before + P) % 12
    padded = torch.nn.functional.pad(rolls.to(torch.uint8), (before, after))
    return padded.unflatten(3, (-1, 12)).sum(3)


def onsets(rolls: Tensor) -> Tensor:
    """Where notes begin: (B, tracks, T, P) bool."""
    before = torch.nn.functional.pad(rolls, (0, 0, 1, 0))[:, :, :-1]
    return rolls & ~before


def count(found: Tensor) -> Tensor:
    """(B, ...) bool -> (B,) float32."""
    return found.flatten(1).sum(1).float()


def share(part: Tensor, whole: Tensor, of_none: float) -> Tensor:
    """part / whole, and `of_none` where there is nothing."""
    return torch.where(whole > 0, part / whole.clamp(min=1e-9), of_none)


def shuffle(rolls: Tensor, first: int) -> Tensor:
    """Pieces (B, tracks, T, P) uint8 whose notes are put at random places, by keyed draws.

    A note keeps its track and its length; where it begins is drawn from all steps that leave it
    room, and its pitch from the compass that its track has in the piece. `first` is the number of
    the first piece.
    """
    moved = np.zeros(rolls.shape, np.uint8)
    for number, roll in enumerate((rolls > 0).numpy()):
        draws = np.random.default_rng(key(EVALUATION, SHUFFLE, first + number))
        compass = [np.flatnonzero(track.any(0)) for track in roll]
        for track, _, start, end in notes_of(roll):
            place = draws.integers(roll.shape[1] - (end - start) + 1)
            pitch = draws.integers(compass[track][0], compass[track][-1] + 1)
            moved[number, track, place : place + end - start, pitch] = 255
    return torch.from_numpy(moved)


class MusicValues(Formula):
    """The mean of each metric over the pieces; the data's, and shuffled notes', stand beside.

    None is better for being higher or lower: good samples have the training set's.
    """

    names = tuple(UNITS)
    lower_is_better = None

    def applies(self, extractor, data) -> bool:
        return extractor.name == "music"

    def __call__(self, real: Features, fake: Features, data: object) -> tuple[float, ...]:
        means = fake.values.double().mean(0).tolist()
        return tuple(m * unit for m, unit in zip(means, UNITS.values(), strict=True))

    def beside(self, real: Features, data: object) -> dict[str, tuple[float, ...]]:
        return {"training": self(real, real, data), **super().beside(real, data)}


class MusicDistance(Formula):
    """How far the means of the metrics lie from the training set's, in units of a robust spread.

    The unit of a metric is the interquartile range of its values over single pieces of the training
    set and as many shuffled ones together: where those differ it is about how far they lie apart,
    where they do not the usual spread of pieces. It is a twentieth of the metric's range at least,
    and half a pitch class, as a metric that is 0 for nearly all has no spread. The figure is the
    mean over the metrics: 0 is the training set, and shuffled notes lie near 1.
    """

    names = ("distance",)

    def applies(self, extractor, data) -> bool:
        return extractor.name == "music"

    def __call__(self, real: Features, fake: Features, data: object) -> tuple[float]:
        scale = real.remember(("spread",), lambda: spread(real))
        difference = fake.values.double().mean(0) - real.values.double().mean(0)
        return (float((difference.abs() / scale).mean()),)

    def facts(self, real: Features, fake: Features) -> dict[str, float | str]:
        scale = spread(real) * torch.tensor(list(UNITS.values()))
        return {f"unit_of_{name}": round(x, 4) for name, x in zip(UNITS, scale.tolist())}


def spread(real: Features) -> Tensor:
    """(6,) float64: the interquartile range over training and shuffled pieces, as many of each."""
    shuffled = real.others["shuffled"].values
    num = min(len(real), len(shuffled))
    both = torch.cat([real.values[:num], shuffled[:num]]).double()
    low, high = both.quantile(torch.tensor([0.25, 0.75], dtype=torch.float64), dim=0)
    return (high - low).clamp(min=LEAST_SPREAD)
