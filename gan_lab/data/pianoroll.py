"""Piano rolls of short pieces: made by rule, or windows of MIDI files and chorales."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan_lab.data import pieces
from gan_lab.data.base import ArrayReals, DataModule, Minibatches, item_numbers
from gan_lab.data.roll_files import ChoraleFile, Grid, MidiFiles
from gan_lab.data.stream import Batch
from gan_lab.errors import UserError
from gan_lab.media.rolls import DRUMS, Rolls
from gan_lab.randomness import TRANSPOSE, generator

MOVES = (0, -1, 1, -2, 2, -3, 3, -4, 4, -5, 5, -6)  # semitones, to any of twelve keys


class PianoRoll(DataModule):
    """Windows of `num_bars` bars: (tracks, T, pitches), T steps of all bars.

    Equal pitches in neighbouring steps are one held note. Where the files name no test split,
    there is none.

    Args:
        root: a folder or archive of .mid files, or chorales as .json or .json.gz; None makes
            pieces by rule, see `RulePieces`.
        num_bars: of a window.
        beats_per_bar: quarter notes of a bar.
        steps_per_beat: steps of a quarter note.
        lowest_pitch: MIDI number of the lowest pitch.
        num_pitches: how many there are from it on.
        hop_bars: bars from the beginning of a window to that of the next.
        tracks: of MIDI files: how many voices, or names of families of instruments; see
            `MidiFiles`.
        transpose: semitones that a window is moved up or down by at most, drawn anew for each
            minibatch, as far as the range allows; drums stay.
        common_key: move every piece to where the most of it lies in the scale of C major, and so
            a piece in a minor key to A minor; see `in_common_key`.
        tempo: beats per minute of what is played and written.
        num: training pieces, where they are made by rule; a quarter as many are kept for testing.
        batch_size, seed: see `DataModule`.
    """

    gives = ("image",)

    def __init__(
        self,
        *,
        root: str | None = None,
        num_bars: int = 4,
        beats_per_bar: int = 4,
        steps_per_beat: int = 4,
        lowest_pitch: int = 36,
        num_pitches: int = 48,
        hop_bars: int = 1,
        tracks: int | Sequence[str] = 4,
        transpose: int = 0,
        common_key: bool = False,
        tempo: float = 100.0,
        num: int = 4000,
        batch_size: int = 32,
        seed: int = 0,
    ) -> None:
        counts = {
            "num_bars": num_bars, "beats_per_bar": beats_per_bar, "steps_per_beat": steps_per_beat,
            "num_pitches": num_pitches, "hop_bars": hop_bars,
        }  # fmt: skip
        for name, value in counts.items():
            if value < 1:
                raise UserError(f"data.{name}={value}: give at least 1")
        if not 0 <= lowest_pitch <= 128 - num_pitches:
            raise UserError(
                f"data.lowest_pitch={lowest_pitch} data.num_pitches={num_pitches}: MIDI's pitches"
                " are 0 to 127"
            )
        if not 0 <= transpose < 12 or not tempo > 0:
            raise UserError(
                f"data.transpose={transpose} data.tempo={tempo}: give 0 to 11 semitones, and beats"
                " per minute above 0"
            )
        if root is None and (num_bars < 2 or beats_per_bar != pieces.BEATS_PER_BAR):
            raise UserError(
                f"data.num_bars={num_bars} data.beats_per_bar={beats_per_bar}: pieces made by rule"
                f" have at least 2 bars of {pieces.BEATS_PER_BAR} beats"
            )
        self.grid = Grid(steps_per_beat, lowest_pitch, num_pitches)
        self.source = source_of(root, num, num_bars, steps_per_beat, tracks)
        self.bar = beats_per_bar * steps_per_beat  # steps
        self.hop_bars, self.transpose, self.common_key = hop_bars, transpose, common_key
        self.splits = self.source.splits
        super().__init__(
            name=self.source.name,
            shape=(len(self.source.names), num_bars * self.bar, num_pitches),
            num_classes=None,
            batch_size=batch_size,
            seed=seed,
        )
        self.medium = Rolls(
            lowest_pitch=lowest_pitch,
            steps_per_beat=steps_per_beat,
            steps_per_bar=self.bar,
            tempo=float(tempo),
            tracks=self.source.names,
            programs=self.source.programs,
            one_voice=self.source.one_voice,
        )
        self.melodic = np.array([program != DRUMS for program in self.source.programs])

    def load(self, split: str) -> "RollReals":
        hop, length = self.hop_bars * self.bar, self.shape[1]
        rolls = [
            window
            for piece in self.pieces(split)
            for window in windows(piece, length, hop, self.bar)
        ]
        return RollReals(np.stack(rolls))

    def pieces(self, split: str) -> Iterable[np.ndarray]:
        """Whole pieces (tracks, T, P) bool."""
        pieces = self.source.load(split, self.grid)
        if not self.common_key:
            return pieces
        return [in_common_key(piece, self.melodic, self.grid.lowest_pitch) for piece in pieces]

    def minibatches(self, first_row: int, rows: int) -> Callable[[int], Batch]:
        plain = super().minibatches(first_row, rows)
        if self.transpose == 0:
            return plain
        return Transposed(plain, self.transpose, self.melodic)


class RollReals(ArrayReals):
    """A split held in memory, a bit for each step and pitch.

    Args:
        rolls: (N, tracks, T, pitches) bool.
    """

    def __init__(self, rolls: np.ndarray) -> None:
        super().__init__(torch.from_numpy(np.packbits(rolls, axis=-1)))
        self.num_pitches = rolls.shape[-1]

    def images(self, indices: Tensor | Sequence[int]) -> Tensor:
        packed = self._images.take(item_numbers(indices), axis=0)
        bits = np.unpackbits(packed, axis=-1, count=self.num_pitches)
        return torch.from_numpy(bits * np.uint8(255))


@dataclass
class Transposed:
    """Minibatches whose rows are moved along the pitches, by draws of the whole minibatch.

    Args:
        plain: the minibatches.
        most: semitones, up or down.
        melodic: (tracks,) bool; the others stay where they are.
    """

    plain: Minibatches
    most: int
    melodic: np.ndarray

    def __call__(self, iteration: int) -> Batch:
        batch, plain = self.plain(iteration), self.plain
        draw = generator(TRANSPOSE, plain.stream.seed, iteration)
        drawn = torch.rand(plain.batch_size, generator=draw)
        mine = drawn[plain.first_row : plain.first_row + plain.rows].tolist()
        for roll, place in zip(batch["image"].numpy(), mine, strict=True):
            roll[self.melodic] = transposed(roll[self.melodic], place, self.most)
        return batch


def transposed(roll: np.ndarray, place: float, most: int) -> np.ndarray:
    """A piece (tracks, T, P) moved by up to `most` pitches, of which `place` in [0, 1) names one.

    All that keep its notes in the range are equally likely.
    """
    pitches = np.flatnonzero(roll.any((0, 1)))
    if len(pitches) == 0:
        return roll
    down = min(most, int(pitches[0]))
    up = min(most, roll.shape[-1] - 1 - int(pitches[-1]))
    return np.roll(roll, int(place * (down + up + 1)) - down, axis=-1)


def in_common_key(piece: np.ndarray, melodic: np.ndarray, lowest_pitch: int) -> np.ndarray:
    """A piece (tracks, T, P) bool moved to where the most of what sounds is of C major's scale.

    By six semitones at most, as few as do, and none that takes a note out of the range.

    Args:
        melodic: (tracks,) bool; the others stay where they are.
        lowest_pitch: the MIDI number of the first pitch.
    """
    P = piece.shape[2]
    amounts = piece[melodic].sum((0, 1))  # (P,): steps
    sounding = np.flatnonzero(amounts)
    if len(sounding) == 0:
        return piece
    fitting = [m for m in MOVES if sounding[0] + m >= 0 and sounding[-1] + m < P]
    pitches = lowest_pitch + sounding

    def in_scale(move: int) -> int:
        return amounts[sounding][np.isin((pitches + move) % 12, pieces.MAJOR)].sum()

    moved = piece.copy()
    moved[melodic] = np.roll(piece[melodic], max(fitting, key=in_scale), axis=-1)
    return moved


def windows(piece: np.ndarray, length: int, hop: int, bar: int) -> list[np.ndarray]:
    """Parts (tracks, length, P) of a piece (tracks, T, P) every `hop` steps, silent ones left out.

    A piece that is shorter is followed by silence; the part of a bar that ends a longer one by more
    than its last whole window is left out.
    """
    T = piece.shape[1]
    if length > T:
        piece = np.pad(piece, ((0, 0), (0, length - T), (0, 0)))
    starts = range(0, max(T - length, 0) // bar * bar + 1, hop)
    found = [piece[:, start : start + length] for start in starts]
    return [window for window in found if window.any()]


def source_of(
    root: str | None, num: int, num_bars: int, steps_per_beat: int, tracks: int | Sequence[str]
) -> pieces.RulePieces | ChoraleFile | MidiFiles:
    """Where pieces come from."""
    if root is None:
        return pieces.RulePieces(num, num_bars, steps_per_beat)
    path = Path(root).expanduser()
    if path.is_file() and path.name.lower().endswith((".json", ".json.gz")):
        return ChoraleFile(path)
    return MidiFiles(path, tracks)
