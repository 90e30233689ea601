import io
import wave

import mido
import numpy as np
import pytest
import torch

from gan_lab.data.base import as_float
from gan_lab.media import Rolls, holds_pictures, usual_medium
from gan_lab.media.rolls import DRUMS, SAMPLE_RATE_HZ, notes_of, tone

MEDIUM = Rolls(
    lowest_pitch=60, steps_per_bar=8, tempo=120, tracks=["high", "low"], programs=[73, 32]
)


def piece(*notes, tracks=2, T=16, P=12):
    """Notes (track, pitch, start, end) as a sample in [-1, 1]."""
    roll = torch.full((tracks, T, P), -1.0)
    for track, pitch, start, end in notes:
        roll[track, start:end, pitch] = 1
    return roll


NOTES = [(0, 0, 0, 4), (0, 4, 4, 6), (0, 4, 8, 9), (1, 7, 2, 16)]
PIECE = piece(*NOTES)[None]


def test_equal_pitches_in_a_row_are_one_note():
    assert notes_of(PIECE[0].numpy() > 0) == NOTES
    assert notes_of(piece((0, 3, 0, 2), (0, 3, 2, 5))[0:1].numpy() > 0) == [(0, 3, 0, 5)]


def test_what_is_stored_is_what_sounds():
    stored = MEDIUM.stored(PIECE * 0.3)
    assert stored.dtype == torch.uint8 and set(stored.unique().tolist()) == {0, 255}
    assert torch.equal(MEDIUM.stored(stored), stored)
    assert torch.equal(as_float(stored), PIECE)


def test_fields_are_plain_and_it_holds_no_pictures():
    data = type("Data", (), {"medium": MEDIUM, "shape": (2, 16, 12)})
    assert not holds_pictures(data) and holds_pictures(
        type("Data", (), {"medium": usual_medium((1, 8, 8)), "shape": (1, 8, 8)})
    )
    assert Rolls(60, 4, 8, 120, ("high", "low"), (73, 32)) == MEDIUM


def test_midi_has_the_notes_at_their_times(tmp_path):
    pretty_midi = pytest.importorskip("pretty_midi")  # reads the file by itself
    MEDIUM.write(PIECE, tmp_path / "a.mid", columns=1)
    file = pretty_midi.PrettyMIDI(str(tmp_path / "a.mid"))
    step = 60 / 120 / 4  # seconds
    assert [instrument.program for instrument in file.instruments] == [73, 32]
    assert [instrument.name for instrument in file.instruments] == ["high", "low"]
    found = [
        (track, note.pitch - 60, round(note.start / step, 3), round(note.end / step, 3))
        for track, instrument in enumerate(file.instruments)
        for note in instrument.notes
    ]
    assert sorted(found) == NOTES
    assert file.get_tempo_changes()[1].tolist() == [120]
    assert file.time_signature_changes[0].numerator == 2


def test_pieces_follow_each_other_after_a_bar_of_rest(tmp_path):
    MEDIUM.write(PIECE.repeat(2, 1, 1, 1), tmp_path / "two.mid", columns=1)
    track = mido.MidiFile(tmp_path / "two.mid").tracks[1]
    now, starts = 0, []
    for message in track:
        now += message.time
        if message.type == "note_on":
            starts.append(now // 120)
    assert starts == [0, 4, 8, 24, 28, 32]


def test_drums_play_on_their_channel_and_nothing_else_does(tmp_path):
    names = [f"track {n}" for n in range(12)]
    medium = Rolls(60, 4, 8, 120, names, [DRUMS, *range(11)])
    sample = piece(*((n, 0, 0, 2) for n in range(12)), tracks=12)
    medium.write(sample[None], tmp_path / "a.mid", columns=1)
    tracks = mido.MidiFile(tmp_path / "a.mid").tracks[1:]
    channels = [{m.channel for m in track if m.type == "note_on"} for track in tracks]
    assert channels[0] == {9} and all(9 not in channel for channel in channels[1:])


def test_folder_holds_a_file_of_each(tmp_path):
    MEDIUM.write(PIECE.repeat(3, 1, 1, 1), tmp_path / "pieces", columns=1)
    names = sorted(path.name for path in (tmp_path / "pieces").iterdir())
    assert names == ["000000.mid", "000001.mid", "000002.mid"]


def test_tone_has_its_pitch_and_dies_away():
    sound = tone(69, 1.0)  # a' = 440 Hz
    spectrum = np.abs(np.fft.rfft(sound))
    assert abs(spectrum.argmax() * SAMPLE_RATE_HZ / len(sound) - 440) <= 1
    assert np.abs(sound[12000:]).max() < 0.3 * np.abs(sound[:4000]).max()


def test_recording_lies_beside_the_sheet_and_lasts_as_long_as_the_music(tmp_path):
    path = MEDIUM.recording(PIECE, tmp_path / "10.0.png")
    assert path == tmp_path / "10.0.wav"
    with wave.open(io.BytesIO(path.read_bytes())) as file:
        assert file.getframerate() == SAMPLE_RATE_HZ and file.getnchannels() == 1
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert len(sound) == pytest.approx(24 * 0.125 * SAMPLE_RATE_HZ, abs=2)  # 16 steps and a bar
    assert 20_000 < np.abs(sound).max() < 2**15
    silent = MEDIUM.recording(piece()[None], tmp_path / "silent.png")
    assert silent.stat().st_size > 1000


def test_sheet_shows_each_note_in_its_tracks_colour():
    sheet = np.asarray(MEDIUM.sheet(PIECE, columns=1))
    colours = {tuple(c) for c in sheet.reshape(-1, 3).tolist()}
    assert (214, 69, 65) in colours and (237, 145, 33) in colours and (60, 145, 80) not in colours
    red = (sheet == (214, 69, 65)).all(2)
    left = np.flatnonzero(red.any(0))
    assert left[0] == 6 and left[-1] < 6 + (sheet.shape[1] - 12) * 9 / 16
    four = MEDIUM.sheet(PIECE.repeat(4, 1, 1, 1), columns=2)
    assert four.height > 1.5 * MEDIUM.sheet(PIECE.repeat(2, 1, 1, 1), columns=2).height
