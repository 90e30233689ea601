"""Piano rolls: pieces by rule, MIDI files, chorales, windows, transposition."""

import gzip
import io
import json
import zipfile

import mido
import numpy as np
import pytest
import torch

from gan_lab.data.pianoroll import PianoRoll, transposed, windows
from gan_lab.data.pieces import COMPASS, VOICES
from gan_lab.data.roll_files import read_midi
from gan_lab.errors import UserError
from gan_lab.media.rolls import notes_of


def all_of(data, split="train"):
    reals = data.reals(split)
    return reals.images(range(len(reals)))


# Pieces made by rule ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made():
    return PianoRoll(num=200)


def test_each_voice_sings_one_pitch_at_a_time_in_its_compass(made):
    rolls = all_of(made) > 0
    assert rolls.shape == (200, *made.shape) == (200, 4, 64, 48)
    assert rolls.sum(3).max() == 1 and rolls[:, :, :56].any(3).all()
    for voice, name in enumerate(VOICES):
        pitches = 36 + rolls[:, voice].any(0).any(0).nonzero()
        low, high = COMPASS[name]
        assert low <= pitches.min() and pitches.max() <= high


def test_pieces_keep_to_a_key_and_end_on_its_chord(made):
    rolls = all_of(made) > 0
    classes = torch.zeros(200, 12)
    classes.index_add_(1, torch.arange(48) % 12, rolls.sum((1, 2)).float())
    major = torch.zeros(12)
    major[[0, 2, 4, 5, 7, 9, 11]] = 1
    scales = torch.stack([major.roll(tonic) for tonic in range(12)], 1)
    outside = classes.sum(1) - (classes @ scales).amax(1)
    assert outside.max() == 0
    for last in rolls[:20, :, 56]:  # (voices, pitches) in the last bar
        assert len(set((last.nonzero()[:, 1] % 12).tolist())) <= 3


def test_voices_do_not_cross_on_the_beat_of_a_chord(made):
    rolls = all_of(made)[:, :, ::8].float()
    pitches = rolls.argmax(3)  # (N, voices, halves)
    upper, lower = pitches[:, 0], pitches[:, 1]
    assert (upper[:, :6] > lower[:, :6]).float().mean() > 0.95


def test_pieces_depend_on_no_seed_and_splits_differ():
    first, second = PianoRoll(num=40, seed=1), PianoRoll(num=40, seed=2)
    assert torch.equal(all_of(first), all_of(second))
    assert first.fingerprint() == second.fingerprint()
    test = all_of(first, "test")
    assert len(test) == 10 and not torch.equal(test, all_of(first)[:10])
    fine = PianoRoll(num=40, steps_per_beat=8)
    assert torch.equal(all_of(fine)[:, :, ::2], all_of(first))


@pytest.mark.parametrize(
    "options, told",
    [
        ({"num": 10}, "data.num=10"),
        ({"lowest_pitch": 48, "num_pitches": 24}, "data.lowest_pitch=48.*38 to 79"),
        ({"lowest_pitch": 100}, "data.lowest_pitch=100.*0 to 127"),
        ({"num_bars": 1}, "data.num_bars=1"),
        ({"beats_per_bar": 3}, "data.beats_per_bar=3"),
        ({"steps_per_beat": 3}, "data.steps_per_beat=3"),
        ({"transpose": 12}, "data.transpose=12"),
        ({"hop_bars": 0}, "data.hop_bars=0"),
    ],
)
def test_what_cannot_be_made_is_refused(options, told):
    with pytest.raises(UserError, match=told):
        PianoRoll(**options).reals()


# Windows and transposition ---------------------------------------------------------------------


def test_windows_begin_at_bars():
    piece = np.zeros((1, 20, 3), bool)
    piece[0, np.arange(20), 0] = True
    piece[0, 17, 2] = True
    found = windows(piece, 8, 4, 4)
    assert len(found) == 4 and all(w.shape == (1, 8, 3) for w in found)
    assert found[3][0, 5, 2] and len(windows(piece, 8, 8, 4)) == 2
    (short,) = windows(piece[:, :5], 8, 4, 4)
    assert short.shape == (1, 8, 3) and not short[0, 5:].any()
    assert windows(np.zeros((1, 9, 3), bool), 8, 4, 4) == []


def test_transposition_keeps_every_note_in_the_range():
    roll = np.zeros((2, 4, 12), np.uint8)
    roll[0, :, 1], roll[1, :2, 9] = 255, 255
    shifts = []
    for place in np.linspace(0, 0.999, 50):
        moved = transposed(roll, place, 4)
        assert moved.sum() == roll.sum()
        shifts.append(int(np.flatnonzero(moved[0].any(0))[0]) - 1)
        assert moved[1, 0, 9 + shifts[-1]]
    assert {n: shifts.count(n) for n in set(shifts)}.keys() == {-1, 0, 1, 2}
    assert max(map(shifts.count, set(shifts))) - min(map(shifts.count, set(shifts))) <= 1


def test_transposed_minibatches_are_keyed_and_shared_alike():
    def rows(first, count, iteration=3, seed=0):
        data = PianoRoll(num=40, transpose=3, seed=seed, batch_size=8)
        return data.minibatches(first, count)(iteration)["image"]

    whole = rows(0, 8)
    assert torch.equal(whole, torch.cat([rows(0, 4), rows(4, 4)]))
    plain = PianoRoll(num=40, batch_size=8).minibatches(0, 8)(3)["image"]
    assert not torch.equal(whole, plain)
    assert torch.equal(whole.sum((1, 2, 3)), plain.sum((1, 2, 3)))
    data = PianoRoll(num=40, transpose=3, batch_size=8)
    before = all_of(data).clone()
    data.minibatches(0, 8)(0)
    assert torch.equal(all_of(data), before)  # the split itself is not moved


# Chorales --------------------------------------------------------------------------------------


def chorales(path, content):
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


STEPS = [[72, 67, 64, 48]] * 16 + [[71, 67, -1, 43]] * 20


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_chorales_keep_their_splits_and_notes(tmp_path, name):
    content = {"train": [STEPS, STEPS[:20]], "valid": [STEPS[16:32]], "test": [STEPS]}
    data = PianoRoll(root=chorales(tmp_path / name, content), num_bars=1)
    assert data.splits == ("train", "val", "test") and data.shape == (4, 16, 48)
    assert len(data.reals()) == 2 + 1 and len(data.reals("val")) == 1
    val = all_of(data, "val")[0].numpy() > 0
    assert notes_of(val) == [(0, 35, 0, 16), (1, 31, 0, 16), (3, 7, 0, 16)]
    assert data.medium.tracks == VOICES


def test_chorales_may_be_read_in_eighths(tmp_path):
    root = chorales(tmp_path / "a.json", {"train": [STEPS]})
    data = PianoRoll(root=root, num_bars=1, steps_per_beat=2)
    assert data.shape == (4, 8, 48) and data.splits == ("train",)
    with pytest.raises(UserError, match="data.steps_per_beat=3.*1, 2 or 4"):
        PianoRoll(root=root, num_bars=1, steps_per_beat=3).reals()


@pytest.mark.parametrize(
    "content, told",
    [
        ("{", "cannot be read as JSON"),
        ([], "chorales are"),
        ({"train": [STEPS], "rest": []}, "split rest"),
        ({"train": [STEPS, [[1, 2], [3]]]}, "a.json, piece 1 of train: not a list"),
        ({"train": [[[-1, -1, -1, -1]] * 16]}, "piece 0 of train: it has no notes"),
        ({"train": [STEPS, [[90, 60, 50, 40]]]}, "piece 1 of train.*data.num_pitches=55"),
        ({"train": [["a", "b"]]}, "piece 0 of train: not a list"),
    ],
)
def test_what_is_no_chorale_is_named(tmp_path, content, told):
    with pytest.raises(UserError, match=told):
        PianoRoll(root=chorales(tmp_path / "a.json", content), num_bars=1).reals()


# MIDI ------------------------------------------------------------------------------------------


def midi(*tracks, ticks=96):
    """Tracks as lists of (program, channel, [(pitch, first beat, last beat), ...]) -> bytes."""
    file = mido.MidiFile(ticks_per_beat=ticks)
    for program, channel, notes in tracks:
        track = file.add_track()
        track.append(mido.Message("program_change", program=program, channel=channel))
        events = [(s, 1, p) for p, s, e in notes] + [(e, 0, p) for p, s, e in notes]
        now = 0
        for moment, on, pitch in sorted(events):
            time = round(moment * ticks) - now
            now += time
            velocity = 64 * on  # a note of velocity 0 ends one
            track.append(
                mido.Message("note_on", note=pitch, velocity=velocity, time=time, channel=channel)
            )
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def test_midi_is_read_onto_the_grid_as_another_library_reads_it():
    pretty_midi = pytest.importorskip("pretty_midi")
    draws = np.random.default_rng(0)
    notes = [(int(draws.integers(40, 80)), n * 0.75, n * 0.75 + 0.5) for n in range(20)]
    content = midi((5, 0, notes), (33, 1, notes[::2]))
    ours = read_midi("a.mid", content, 4)
    theirs = pretty_midi.PrettyMIDI(io.BytesIO(content))
    assert [part.program for part in ours] == [i.program for i in theirs.instruments] == [5, 33]
    for part, instrument in zip(ours, theirs.instruments, strict=True):
        expected = [(round(8 * n.start), round(8 * n.end), n.pitch) for n in instrument.notes]
        assert sorted(part.notes) == sorted(expected)  # 120 beats per minute


def test_midi_files_are_split_by_folders_and_archives_are_read(write, tmp_path):
    voices = [(0, n, [(60 + n, 0, 4), (62 + n, 4, 8)]) for n in range(4)]
    files = {"train/a.mid": midi(*voices), "test/b.MID": midi(*voices), "notes.txt": b""}
    root = write(files)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    for path in (root, tmp_path / "a.zip"):
        data = PianoRoll(root=str(path), num_bars=1)
        assert data.splits == ("train", "test") and len(data.reals()) == 2
        assert notes_of(all_of(data)[0].numpy() > 0) == [(n, 24 + n, 0, 16) for n in range(4)]


def test_families_group_programs(write):
    parts = [
        *((0, 0, [(60, 0, 2)]), (4, 1, [(64, 0, 2)]), (33, 2, [(40, 0, 4)])),
        *((0, 9, [(38, 0, 1)]), (70, 3, [(72, 0, 4)])),
    ]
    root = str(write({"a.mid": midi(*parts)}))
    data = PianoRoll(root=root, num_bars=1, tracks=["piano", "bass", "drums"])
    roll = all_of(data)[0].numpy() > 0
    assert notes_of(roll) == [(0, 24, 0, 8), (0, 28, 0, 8), (1, 4, 0, 16), (2, 2, 0, 4)]
    assert data.medium.tracks == ("piano", "bass", "drums") and data.medium.programs == (0, 32, -1)
    with pytest.raises(UserError, match="a.mid: no instrument of it is of.*organ"):
        PianoRoll(root=root, num_bars=1, tracks=["organ"]).reals()
    with pytest.raises(UserError, match="data.tracks=.'flute'.*piano"):
        PianoRoll(root=root, tracks=["flute"])
    with pytest.raises(UserError, match="a.mid: it has 4 voices and not 3"):
        PianoRoll(root=root, num_bars=1, tracks=3).reals()


def test_drums_are_not_transposed(write):
    parts = [(0, 0, [(60, 0, 4)]), (0, 9, [(45, 0, 4)])]
    root = str(write({f"{n}.mid": midi(*parts) for n in range(8)}))
    data = PianoRoll(root=root, num_bars=1, tracks=["piano", "drums"], transpose=5, batch_size=8)
    batch = data.minibatches(0, 8)(0)["image"]
    assert (batch[:, 1, :, 9] == 255).all()
    assert len(set(batch[:, 0, 0].argmax(1).tolist())) > 2


@pytest.mark.parametrize(
    "content, told",
    [
        (b"MThd what", "bad.mid: cannot be read as MIDI"),
        (b"", "bad.mid: cannot be read as MIDI"),
        (midi(), "bad.mid: it has no notes"),
        (midi((0, 9, [(40, 0, 1)])), "bad.mid: it has no notes"),
        (midi((0, 0, [(20, 0, 1)])), "bad.mid: its notes go from 20 to 20.*data.lowest_pitch=20"),
        (midi((0, 0, [(60, 0, 200_000)])), "bad.mid: it lasts for"),
    ],
    ids=["no MIDI", "empty", "no notes", "drums alone", "too low", "too long"],
)
def test_a_midi_file_that_will_not_do_is_named(write, content, told):
    root = str(write({"good.mid": midi((0, 0, [(60, 0, 4)])), "bad.mid": content}))
    with pytest.raises(UserError, match=told):
        PianoRoll(root=root, num_bars=1, tracks=1).reals()


def test_a_folder_without_midi_is_refused(write):
    with pytest.raises(UserError, match="no .mid files"):
        PianoRoll(root=str(write({"a.txt": b""})))
    with pytest.raises(UserError, match="no such folder"):
        PianoRoll(root="nowhere.mid")


def test_common_key_moves_whole_pieces_to_c_major(write):
    d_major = [
        (pitch, 4 * n, 4 * n + 4) for n, pitch in enumerate((62, 64, 66, 67, 69, 71, 73, 74))
    ]
    notes = (0, 0, d_major), (0, 9, [(45, 0, 4)])
    root = str(write({"a.mid": midi(*notes)}))
    options = {"root": root, "num_bars": 1, "tracks": ["piano", "drums"]}
    plain = PianoRoll(**options).reals().images([0, 1]) > 0
    found = PianoRoll(**options, common_key=True).reals().images([0, 1]) > 0
    assert torch.equal(found[:, 0], plain[:, 0].roll(-2, 2))  # two semitones down
    assert torch.equal(found[:, 1], plain[:, 1])  # drums stay
    root = str(write({"b.mid": midi(notes[0])}, "without_drums"))
    narrow = PianoRoll(
        root=root, num_bars=1, tracks=1, lowest_pitch=62, num_pitches=13, common_key=True
    )
    assert narrow.reals().images([0])[0, 0, 0, 0] > 0  # there is no room to move
