"""Short pieces for four voices, made by rule: chords in a key, voice leading, rhythms, a melody."""

import numpy as np

from gan_lab import randomness
from gan_lab.data.roll_files import VOICES, Grid
from gan_lab.errors import UserError

BEATS_PER_BAR = 4
PROGRAMS = (73, 71, 70, 32)  # flute, clarinet, bassoon, double bass
COMPASS = {"soprano": (62, 79), "alto": (55, 70), "tenor": (48, 62), "bass": (38, 55)}
LOWEST, HIGHEST = 38, 79  # of all voices
MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
KEYS = ((0, MAJOR), (7, MAJOR), (5, MAJOR), (9, MINOR), (2, MINOR))  # C, G, F; a, d
# What may follow a chord, by degree (0 is the tonic); a piece begins and ends on the tonic.
AFTER = {
    0: (3, 4, 5, 1), 1: (4, 6), 2: (5, 3), 3: (4, 0, 1), 4: (0, 5), 5: (3, 1), 6: (0, 2),
}  # fmt: skip
# Rhythms of half a bar, as lengths in quarters of a beat.
CALM, LIVELY = ((8,), (4, 4)), ((4, 4), (6, 2), (4, 2, 2), (2, 2, 4), (2, 2, 2, 2))


class RulePieces:
    """Pieces of a few bars in five keys; they depend on no seed.

    Each bar has one chord or two, by a table of what may follow what. The bass has the root, now
    and then the third; alto and tenor go to the nearest notes of the chord that leave none of it
    out; the soprano has notes of the chord on beats and steps of the scale between. Each voice has
    a rhythm, quick ones nearer the top. Voices rest for no longer than a part of their last bar.

    Args:
        num: training pieces; a quarter as many are kept for testing.
        num_bars: of each.
        steps_per_beat: 4, or a multiple of it.
    """

    name = "pieces"
    splits = ("train", "test")
    names, programs = VOICES, PROGRAMS
    one_voice = True  # in each track

    def __init__(self, num: int, num_bars: int, steps_per_beat: int) -> None:
        if num < 40:
            raise UserError(f"data.num={num}: make at least 40 pieces")
        if steps_per_beat % 4:
            raise UserError(
                f"data.steps_per_beat={steps_per_beat}: pieces made by rule lie on a grid of"
                " quarter beats; give 4 or a multiple of it"
            )
        self.num, self.num_bars, self.fine = num, num_bars, steps_per_beat // 4

    def load(self, split: str, grid: Grid) -> np.ndarray:
        """All pieces of a split: (N, voices, T, pitches) bool."""
        lowest_pitch, num_pitches = grid.lowest_pitch, grid.num_pitches
        if lowest_pitch > LOWEST or lowest_pitch + num_pitches <= HIGHEST:
            raise UserError(
                f"data.lowest_pitch={lowest_pitch} data.num_pitches={num_pitches}: pieces made by"
                f" rule need the pitches {LOWEST} to {HIGHEST}"
            )
        key = randomness.key(randomness.DRAWING, self.splits.index(split), self.num_bars)
        draws = np.random.default_rng(key)
        num = self.num if split == "train" else self.num // 4
        steps = np.stack([compose(draws, self.num_bars) for _ in range(num)])  # (N, voices, T)
        steps = steps.repeat(self.fine, axis=2)
        return steps[..., None] == lowest_pitch + np.arange(num_pitches)


def compose(draws: np.random.Generator, num_bars: int) -> np.ndarray:
    """One piece: the MIDI number of each voice in each quarter of a beat, 0 for a rest."""
    tonic, mode = KEYS[draws.integers(len(KEYS))]
    in_key = np.isin((np.arange(128) - tonic) % 12, mode)
    chords = progression(draws, num_bars)
    halves = []
    voices = {voice: int(np.mean(COMPASS[voice])) for voice in VOICES}  # where each comes from
    for number, degree in enumerate(chords):
        classes = [(tonic + mode[(degree + third) % 7]) % 12 for third in (0, 2, 4)]
        last = number >= len(chords) - 2
        lowest = classes[0] if last or draws.random() < 0.8 else classes[1]
        leap = int(draws.integers(-3, 4))
        voices["bass"] = nearest(voices["bass"], [lowest], *COMPASS["bass"])
        voices["soprano"] = nearest(voices["soprano"] + leap, classes, *COMPASS["soprano"])
        sung, above = {voices["bass"] % 12, voices["soprano"] % 12}, voices["soprano"]
        for voice in ("alto", "tenor"):  # below the voice above, and no note of the chord missing
            low, high = COMPASS[voice]
            wanted = [c for c in classes if c not in sung] or classes
            voices[voice] = nearest(voices[voice], wanted, low, max(low + 11, min(high, above - 1)))
            sung.add(voices[voice] % 12)
            above = voices[voice]
        halves.append((dict(voices), classes))
    line = np.zeros((len(VOICES), 8 * len(halves)), np.int64)
    for number, (now, classes) in enumerate(halves):
        part = line[:, 8 * number : 8 * number + 8]
        final = number >= len(halves) - 2
        for row, voice in enumerate(VOICES):
            part[row] = now[voice]
        if final:
            continue
        after = halves[number + 1][0]["soprano"]
        part[0] = melody(draws, now["soprano"], after, classes, in_key)
        for row in (1, 2):  # a voice may be struck again, which a roll shows as a held note
            if draws.random() < 0.25:
                end = halves[number + 1][0][VOICES[row]]
                part[row, 4:] = between(now[VOICES[row]], end, in_key)
        if draws.random() < 0.4:
            part[3, 4:] = nearest(now["bass"] + 5, [classes[2]], *COMPASS["bass"])
    line[:, -4:] = 0 if draws.random() < 0.3 else line[:, -5:-4]  # now and then the end is a rest
    return line


def progression(draws: np.random.Generator, num_bars: int) -> list[int]:
    """The degree of the chord of each half bar; the last bar is the tonic, a dominant before it."""
    bars: list[int] = [0]
    while len(bars) < num_bars - 2:
        bars.append(int(draws.choice(AFTER[bars[-1]])))
    halves = [degree for degree in bars for _ in range(2)]
    for number in range(1, len(halves), 2):  # a bar may have two chords
        if draws.random() < 0.35:
            halves[number] = int(draws.choice(AFTER[halves[number - 1]]))
    dominant = [(3, 4), (1, 4), (4, 4)][draws.integers(3)]
    return [*halves, *dominant, 0, 0][-2 * num_bars :]


def nearest(pitch: int, classes: list[int], low: int, high: int) -> int:
    """The pitch from low to high, of one of the classes, that is nearest to where a voice was."""
    fitting = [p for p in range(low, high + 1) if p % 12 in classes]
    return min(fitting, key=lambda p: (abs(p - pitch), p))


def between(start: int, end: int, in_key: np.ndarray) -> int:
    """A pitch of the key on the way from one to the other; the first where there is none."""
    inside = [p for p in range(min(start, end) + 1, max(start, end)) if in_key[p]]
    return inside[len(inside) // 2] if inside else start


def melody(
    draws: np.random.Generator, start: int, end: int, classes: list[int], in_key: np.ndarray
) -> np.ndarray:
    """Half a bar (8,) of the soprano, from its note to where the next half begins."""
    rhythms = LIVELY if draws.random() < 0.7 else CALM
    lengths = rhythms[draws.integers(len(rhythms))]
    line, place, pitch = np.zeros(8, np.int64), 0, start
    for number, length in enumerate(lengths):
        if number > 0 and place == 4:
            pitch = nearest(pitch + int(draws.choice((-3, 3))), classes, *COMPASS["soprano"])
        elif number > 0:
            pitch = step(pitch, end if end != pitch else start, in_key)
        line[place : place + length] = pitch
        place += length
    return line


def step(pitch: int, towards: int, in_key: np.ndarray) -> int:
    """The next pitch of the key in a direction, upwards if there is none; within the compass."""
    low, high = COMPASS["soprano"]
    way = -1 if towards < pitch or pitch >= high - 1 else 1
    pitch += way
    while not in_key[pitch]:
        pitch += way
    return min(max(pitch, low), high)
