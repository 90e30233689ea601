"""Music in files as piano rolls: MIDI files, and chorales as JSON."""

import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from gan_lab.data.layout import SPLITS
from gan_lab.data.source import MAX_FILE_BYTES, open_source
from gan_lab.errors import UserError

VOICES = ("soprano", "alto", "tenor", "bass")
CHORAL_PROGRAMS = (52, 52, 52, 52)  # choir
# Families of instruments, as programs of General MIDI from 0: those of the five tracks of MuseGAN,
# and the usual rest. The first program of a family is what its track is written with.
FAMILIES = {
    "piano": range(0, 8), "chromatic": range(8, 16), "organ": range(16, 24),
    "guitar": range(24, 32), "bass": range(32, 40), "strings": range(40, 56),
    "brass": range(56, 64), "reeds": range(64, 72), "pipes": range(72, 80),
    "synth": range(80, 104), "other": range(104, 128), "drums": range(-1, 0),
}  # fmt: skip
LONGEST_STEPS = 1 << 19  # a file beyond this is a mistake or an attack


@dataclass(frozen=True)
class Grid:
    """What pieces are read onto.

    Attributes:
        steps_per_beat: steps of a quarter note.
        lowest_pitch, num_pitches: the range; a note outside of it is an error.
    """

    steps_per_beat: int
    lowest_pitch: int
    num_pitches: int

    def refuse_outside(self, name: str, low: int, high: int) -> None:
        """Refuse notes that the range does not hold, and say which range would."""
        first, last = self.lowest_pitch, self.lowest_pitch + self.num_pitches - 1
        if low < first or high > last:
            raise UserError(
                f"{name}: its notes go from {low} to {high}, outside of {first} to {last}; set"
                f" data.lowest_pitch={min(low, first)}"
                f" data.num_pitches={max(high, last) - min(low, first) + 1}"
            )


class ChoraleFile:
    """Chorales as JSON, plain or .gz: {"train": [[[72, 67, 64, 48], ...], ...], ...}.

    Split by split, piece by piece, step by step one MIDI pitch for each voice; below 0 is silence.
    The file's steps are sixteenths.

    Args:
        path: .json or .json.gz.
    """

    file_steps_per_beat = 4
    one_voice = True  # in each track

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.name.split(".")[0]
        try:
            opened = gzip.open if path.name.lower().endswith(".gz") else open
            with opened(path, "rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
            if len(content) > MAX_FILE_BYTES:
                raise ValueError(f"larger than {MAX_FILE_BYTES >> 20} MiB when unpacked")
            pieces = json.loads(content)
        except (OSError, EOFError, zlib.error, ValueError) as error:
            raise UserError(f"data.root={path}: cannot be read as JSON ({error})") from error
        if not isinstance(pieces, dict) or not pieces.get("train"):
            raise UserError(
                f'data.root={path}: chorales are {{"train": [piece, ...], "test": [...]}}, a piece'
                " is a list of steps, a step a list of one MIDI pitch for each voice"
            )
        unknown = sorted(set(pieces) - set(SPLITS))
        if unknown:
            raise UserError(f"data.root={path}: split {unknown[0]}; call it train, valid or test")
        self.pieces = {SPLITS[split]: pieces[split] for split in pieces}
        self.splits = tuple(s for s in ("train", "val", "test") if self.pieces.get(s))
        self.tracks = len(pieces["train"][0][0]) if pieces["train"][0] else 0
        self.names = voices(self.tracks)
        self.programs = CHORAL_PROGRAMS[:1] * self.tracks

    def load(self, split: str, grid: Grid) -> list[np.ndarray]:
        """The pieces of a split: (tracks, T, pitches) bool each."""
        every, rest = divmod(self.file_steps_per_beat, grid.steps_per_beat)
        if rest:
            raise UserError(
                f"data.steps_per_beat={grid.steps_per_beat}: {self.path.name} has"
                f" {self.file_steps_per_beat} steps a beat; give 1, 2 or 4"
            )
        return [
            self.roll(piece, f"{self.path.name}, piece {number} of {split}", grid)[:, ::every]
            for number, piece in enumerate(self.pieces[split])
        ]

    def roll(self, piece: object, name: str, grid: Grid) -> np.ndarray:
        try:
            pitches = np.asarray(piece, np.int64)  # (T, tracks)
        except (TypeError, ValueError):
            pitches = np.empty(0)
        if pitches.ndim != 2 or pitches.shape[1] != self.tracks:
            raise UserError(f"{name}: not a list of steps of {self.tracks} numbers each")
        if not (pitches >= 0).any():
            raise UserError(f"{name}: it has no notes; take it out")
        grid.refuse_outside(name, int(pitches[pitches >= 0].min()), int(pitches.max()))
        return pitches.T[..., None] == grid.lowest_pitch + np.arange(grid.num_pitches)


class MidiFiles:
    """MIDI files below a folder or in an archive.

    Folders `train`, `valid` and `test` say what is kept for testing, where there are any. Time
    signatures are not looked at: bars are counted from the first beat of a file.

    Args:
        root: folder, .zip or .tar.
        tracks: how many voices a file has, each an instrument of it in its order, drums left out;
            or names of families of instruments, each of which makes one track.
    """

    one_voice = False  # may be, but none knows before all are read

    def __init__(self, root: Path, tracks: int | Sequence[str]) -> None:
        self.root, self.name = root, root.name.split(".")[0]
        self.source = open_source(root)
        self.families = None if isinstance(tracks, int) else tuple(tracks)
        if self.families is not None:
            unknown = [name for name in self.families if name not in FAMILIES]
            if unknown or len(set(self.families)) < len(self.families) or not self.families:
                raise UserError(
                    f"data.tracks={list(tracks)}: a number of voices, or different families of"
                    f" {', '.join(FAMILIES)}"
                )
            self.names = self.families
            self.programs = tuple(FAMILIES[name][0] for name in self.families)
        else:
            if tracks < 1:
                raise UserError(f"data.tracks={tracks}: a piece has at least 1 voice")
            self.names = voices(tracks)
            self.programs = CHORAL_PROGRAMS[:1] * tracks
        self.positions: dict[str, list[int]] = {}
        for position, name in enumerate(self.source.names):
            if name.lower().endswith((".mid", ".midi")):
                split = next((SPLITS[f] for f in name.split("/")[:-1] if f in SPLITS), "train")
                self.positions.setdefault(split, []).append(position)
        if "train" not in self.positions:
            raise UserError(
                f"data.root={root}: there are no .mid files to train on; give a folder or archive"
                " of them, or chorales as .json or .json.gz"
            )
        self.splits = tuple(s for s in ("train", "val", "test") if s in self.positions)

    def load(self, split: str, grid: Grid) -> list[np.ndarray]:
        """The pieces of a split: (tracks, T, pitches) bool each."""
        return [
            self.roll(f"{self.root.name}: {self.source.names[position]}", read(), grid)
            for position, read in self.source.stream(self.positions[split])
        ]

    def roll(self, name: str, content: bytes, grid: Grid) -> np.ndarray:
        """One file as a piece.

        Raises:
            UserError: it cannot be read, has no notes, or such as the tracks or range do not hold.
        """
        parts = read_midi(name, content, grid.steps_per_beat)
        if self.families is None:
            parts = [part for part in parts if not part.drums]
        if not parts:
            raise UserError(f"{name}: it has no notes; take it out")
        if self.families is None and len(parts) != len(self.names):
            raise UserError(
                f"{name}: it has {len(parts)} voices and not {len(self.names)}; set data.tracks to"
                " the number that all files have, or to families of instruments"
            )
        places = [(n, part) for n, part in enumerate(parts)]
        if self.families is not None:
            places = [
                (n, part)
                for part in parts
                for n, family in enumerate(self.families)
                if (-1 if part.drums else part.program) in FAMILIES[family]
            ]
        notes = np.array([(n, *note) for n, part in places for note in part.notes], np.int64)
        if not len(notes):
            raise UserError(
                f"{name}: no instrument of it is of data.tracks={list(self.names)}; add its family"
                " or take it out"
            )
        if notes[:, 2].max() > LONGEST_STEPS:
            raise UserError(f"{name}: it lasts for {notes[:, 2].max()} steps; is it broken?")
        grid.refuse_outside(name, int(notes[:, 3].min()), int(notes[:, 3].max()))
        roll = np.zeros((len(self.names), int(notes[:, 2].max()), grid.num_pitches), bool)
        for track, start, end, pitch in notes.tolist():
            roll[track, start:end, pitch - grid.lowest_pitch] = True
        return roll


def voices(num: int) -> tuple[str, ...]:
    """Names of so many voices."""
    return VOICES if num == 4 else tuple(f"voice {n + 1}" for n in range(num))


@dataclass
class Part:
    """An instrument of a MIDI file.

    Attributes:
        program: of General MIDI, 0 to 127.
        drums: whether it is on the drums' channel.
        notes: first step, step after the last, MIDI pitch.
    """

    program: int
    drums: bool
    notes: list[tuple[int, int, int]]


def read_midi(name: str, content: bytes, steps_per_beat: int) -> list[Part]:
    """The instruments of a MIDI file that have notes, in the order of the file.

    An instrument is what one track plays with one program on one channel. Notes begin on the
    nearest step and last for one at least.
    """
    import mido

    try:
        file = mido.MidiFile(file=BytesIO(content))
        step = file.ticks_per_beat / steps_per_beat
        parts: dict[tuple[int, int, int], Part] = {}
        programs: dict[int, int] = {}
        for number, track in enumerate(file.tracks):
            now, sounding = 0, {}
            for message in track:
                now += message.time
                if message.type == "program_change":
                    programs[message.channel] = message.program
                elif message.type in ("note_on", "note_off"):
                    key = message.channel, message.note
                    if key in sounding:  # also where it is struck again before it ends
                        start, part = sounding.pop(key)
                        first = round(start / step)
                        last = max(first + 1, round(now / step))
                        part.notes.append((first, last, message.note))
                    if message.type == "note_on" and message.velocity > 0:
                        program = programs.get(message.channel, 0)
                        part = parts.setdefault(
                            (number, message.channel, program),
                            Part(program, message.channel == 9, []),
                        )
                        sounding[key] = now, part
    except Exception as error:  # mido raises anything on hostile files
        raise UserError(
            f"{name}: cannot be read as MIDI ({type(error).__name__}: {error}); mend it or take it"
            " out"
        ) from error
    return [part for part in parts.values() if part.notes]
