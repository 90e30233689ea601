"""Piano rolls (tracks, T, pitches) in [-1, 1]: a note sounds where a number is above 0."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from gan_lab.errors import UserError
from gan_lab.files import atomic_write
from gan_lab.media.base import Medium
from gan_lab.media.pictures import new_folder
from gan_lab.media.wav import write_wav
from gan_lab.pictures import BETWEEN, save

SAMPLE_RATE_HZ = 16_000
MOST_HEARD = 4  # pieces in a recording
SHEET_WIDTH = 1024  # pixels
TICKS_PER_BEAT = 480
DRUMS = -1  # in place of a program
DRUM_CHANNEL = 9  # of General MIDI, counted from 0
COLOURS = (  # of the tracks, in turn
    (214, 69, 65), (237, 145, 33), (60, 145, 80), (52, 101, 190), (136, 78, 160), (70, 150, 170),
)  # fmt: skip
PAPER, OCTAVE_LINE, BAR_LINE = (252, 252, 250), (226, 226, 230), (165, 165, 175)

Note = tuple[int, int, int, int]  # track, pitch, first step, step after the last


@dataclass(frozen=True)
class Rolls(Medium):
    """Pieces of music on a grid of steps.

    Equal pitches in neighbouring steps are one held note: a roll does not tell it from a note that
    is struck again.

    Args:
        lowest_pitch: MIDI number of the first of the pitches; 60 is middle C.
        steps_per_beat: T counts these.
        steps_per_bar: in a bar.
        tempo: beats per minute.
        tracks: their names.
        programs: the General MIDI instrument of each track, 0 to 127; -1 is drums.
        one_voice: whether no track ever sounds two pitches at once.
    """

    lowest_pitch: int = 36
    steps_per_beat: int = 4
    steps_per_bar: int = 16
    tempo: float = 100.0
    tracks: Sequence[str] = ()
    programs: Sequence[int] = ()
    one_voice: bool = False

    suffixes = (".png", ".mid", ".wav", "")

    def __post_init__(self) -> None:
        object.__setattr__(self, "tracks", tuple(self.tracks))
        object.__setattr__(self, "programs", tuple(self.programs))

    def stored(self, samples: Tensor) -> Tensor:
        """uint8, 255 where a note sounds and 0 elsewhere."""
        if not samples.is_floating_point():
            return samples
        return (samples > 0).to(torch.uint8) * 255

    def sheet(self, samples: Tensor, columns: int, reals: Tensor | None = None) -> Image.Image:
        """Time to the right, pitch upwards, a colour for each track; lines at bars and at Cs."""
        rolls = self.sounding(samples)
        N, _, T, P = rolls.shape
        wide = max(2, SHEET_WIDTH // (columns * T))  # pixels of a step
        tall = max(2, min(4, wide - 1))  # pixels of a pitch
        gap, W, H = 6, wide * T, tall * P
        rows = -(-N // columns)
        size = columns * (W + gap) + gap, rows * (H + gap) + gap
        sheet = Image.new("RGB", size, (BETWEEN,) * 3)
        for n, roll in enumerate(rolls):
            place = gap + n % columns * (W + gap), gap + n // columns * (H + gap)
            sheet.paste(self.drawn(roll, wide, tall), place)
        return sheet

    def drawn(self, roll: np.ndarray, wide: int, tall: int) -> Image.Image:
        """One piece (tracks, T, P) bool, with so many pixels for a step and for a pitch."""
        _, T, P = roll.shape
        picture = Image.new("RGB", (wide * T, tall * P), PAPER)
        draw = ImageDraw.Draw(picture)
        for pitch in range(P):
            if (self.lowest_pitch + pitch) % 12 == 0:
                y = tall * (P - pitch)
                draw.line((0, y, wide * T, y), OCTAVE_LINE)
        for step in range(self.steps_per_bar, T, self.steps_per_bar):
            draw.line((wide * step, 0, wide * step, tall * P), BAR_LINE)
        for track, pitch, start, end in notes_of(roll):
            top = tall * (P - 1 - pitch)
            box = (wide * start, top, wide * end - 2, top + tall - 1)  # notes in a row stay apart
            draw.rectangle(box, COLOURS[track % len(COLOURS)])
        return picture

    def recording(self, samples: Tensor, path: Path) -> Path:
        """The first few pieces one after another, in a .wav beside the sheet."""
        path = path.with_suffix(".wav")
        write_wav(as_16_bit(self.played(self.sounding(samples[:MOST_HEARD]))), SAMPLE_RATE_HZ, path)
        return path

    def write(self, samples: Tensor, path: Path, columns: int) -> None:
        """A sheet, one .mid or .wav of pieces one after another, or a folder with a .mid of each.

        Between two pieces there is a bar of rest.
        """
        rolls = self.sounding(samples)
        if path.suffix == ".png":
            save(self.sheet(samples, columns), path)
        elif path.suffix == ".mid":
            self.write_midi(rolls, path)
        elif path.suffix == ".wav":
            write_wav(as_16_bit(self.played(rolls)), SAMPLE_RATE_HZ, path)
        else:
            new_folder(path)
            for number, roll in enumerate(rolls):
                self.write_midi(roll[None], path / f"{number:06d}.mid")

    def sounding(self, samples: Tensor) -> np.ndarray:
        """(N, tracks, T, P) as floats or as they are stored -> bool."""
        return self.stored(samples).bool().cpu().numpy()

    def in_a_row(self, rolls: np.ndarray) -> np.ndarray:
        """Pieces (N, tracks, T, P) with a bar of rest after each: (tracks, steps, P)."""
        N, tracks, T, P = rolls.shape
        rested = np.pad(rolls, ((0, 0), (0, 0), (0, self.steps_per_bar), (0, 0)))
        return rested.transpose(1, 0, 2, 3).reshape(tracks, -1, P)

    def write_midi(self, rolls: np.ndarray, path: Path) -> None:
        """Pieces (N, tracks, T, P) bool one after another; a held note is one note."""
        import mido

        step = TICKS_PER_BEAT // self.steps_per_beat
        if step * self.steps_per_beat != TICKS_PER_BEAT:
            raise UserError(
                f"output={path}: a .mid has {TICKS_PER_BEAT} ticks a beat, which do not divide by"
                f" steps_per_beat={self.steps_per_beat}; write a .wav"
            )
        file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
        conductor = file.add_track()
        conductor.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(self.tempo)))
        beats = self.steps_per_bar // self.steps_per_beat
        conductor.append(mido.MetaMessage("time_signature", numerator=beats, denominator=4))
        notes = notes_of(self.in_a_row(rolls))
        for track, (name, program) in enumerate(zip(self.tracks, self.programs, strict=True)):
            messages = file.add_track(name)
            channel = DRUM_CHANNEL if program == DRUMS else channel_of(track)
            if program != DRUMS:
                change = mido.Message("program_change", channel=channel, program=program)
                messages.append(change)
            events = []  # a note ends before another begins
            for _, pitch, start, end in (note for note in notes if note[0] == track):
                number = self.lowest_pitch + pitch
                events += [(start, 1, "note_on", number), (end, 0, "note_off", number)]
            now = 0
            for moment, _, kind, number in sorted(events):
                time, now = step * (moment - now), moment
                message = mido.Message(kind, channel=channel, note=number, velocity=80, time=time)
                messages.append(message)
        atomic_write(path, lambda temporary: file.save(str(temporary)))

    def played(self, rolls: np.ndarray) -> np.ndarray:
        """Pieces (N, tracks, T, P) bool one after another as a sound (S,) float in [-1, 1]."""
        step = 60 / self.tempo / self.steps_per_beat  # seconds
        roll = self.in_a_row(rolls)
        sound = np.zeros(round(roll.shape[1] * step * SAMPLE_RATE_HZ) + 1)
        known: dict[tuple[int, int], np.ndarray] = {}
        for _, pitch, start, end in notes_of(roll):
            key = pitch, end - start
            if key not in known:
                known[key] = tone(self.lowest_pitch + pitch, key[1] * step)
            first = round(start * step * SAMPLE_RATE_HZ)
            heard = known[key][: len(sound) - first]
            sound[first : first + len(heard)] += heard
        return 0.8 * sound / max(1e-9, np.abs(sound).max())


def notes_of(roll: np.ndarray) -> list[Note]:
    """The notes of a piece (tracks, T, P) bool, each as long as its pitch sounds without a rest.

    Sorted by track, pitch and time; pitches are counted from the roll's lowest.
    """
    edges = np.diff(np.pad(roll, ((0, 0), (1, 1), (0, 0))).astype(np.int8), axis=1)
    edges = edges.transpose(0, 2, 1)  # (tracks, P, T + 1): in this order each start has its end
    tracks, pitches, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[2]
    return list(zip(*(x.tolist() for x in (tracks, pitches, starts, ends)), strict=True))


def channel_of(track: int) -> int:
    """The MIDI channel of a track, around the drums' and from the first again after the last."""
    channel = track % 15
    return channel + (channel >= DRUM_CHANNEL)


def tone(pitch: int, seconds: float) -> np.ndarray:
    """A note (S,) of four harmonics that die away, the higher the sooner; equal temperament."""
    time = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    frequency = 440 * 2 ** ((pitch - 69) / 12)  # hertz
    sound = sum(
        np.sin(2 * np.pi * k * frequency * time) * np.exp(-(1 + k) * time) / k**1.5
        for k in range(1, 5)
        if k * frequency < SAMPLE_RATE_HZ / 2
    )
    ramps = np.minimum(time / 0.005, (seconds - time) / 0.02)  # no clicks
    return sound * ramps.clip(0, 1)


def as_16_bit(sound: np.ndarray) -> np.ndarray:
    """A sound (S,) in [-1, 1] as int16."""
    return (sound.clip(-1, 1) * (2**15 - 1)).round().astype(np.int16)
