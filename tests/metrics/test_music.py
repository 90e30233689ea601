"""Each metric by pieces made by hand: pitches are counted from C, a bar has 8 steps, a beat 4."""

import json

import pytest
import torch
from support import build, compose

from gan_lab.apps.evaluate import evaluate
from gan_lab.media import Rolls
from gan_lab.metrics import music
from gan_lab.metrics.features import Features


def piece(*notes, tracks=2, T=16, P=24):
    """Notes (track, pitch, start, end) as a roll (1, tracks, T, P)."""
    roll = torch.zeros(1, tracks, T, P, dtype=torch.bool)
    for track, pitch, start, end in notes:
        roll[0, track, start:end, pitch] = True
    return roll


def test_bars_of_a_track_without_notes_are_empty():
    assert music.empty_bars(piece((0, 0, 0, 2), (0, 3, 9, 10), (1, 5, 7, 8)), 8) == 1 / 4
    assert music.empty_bars(piece(), 8) == 1


def test_pitch_classes_are_counted_once_in_whatever_octave():
    roll = piece((0, 0, 0, 2), (0, 12, 2, 4), (0, 7, 4, 8), (1, 3, 7, 9))
    assert music.pitch_classes(roll, 8, 60) == (2 + 0 + 1 + 1) / 4


def test_notes_of_three_steps_qualify():
    roll = piece((0, 0, 0, 3), (0, 4, 3, 5), (1, 0, 6, 16), (1, 2, 6, 7))
    assert music.qualified_notes(roll) == 2 / 4
    assert music.qualified_notes(piece((0, 0, 14, 16))) == 0  # the end is no step
    assert music.qualified_notes(piece()) == 1


def test_steps_with_two_pitches_in_a_track_are_polyphonic():
    roll = piece((0, 0, 0, 4), (0, 4, 2, 6), (1, 0, 0, 4))
    assert music.polyphonic_steps(roll) == torch.tensor(2 / 10)
    assert music.polyphonic_steps(piece((0, 0, 0, 4), (1, 4, 0, 4))) == 0


def test_notes_outside_of_the_best_scale_are_counted():
    c_major = [(0, pitch, n, n + 1) for n, pitch in enumerate((0, 2, 4, 5, 7, 9, 11))]
    for transposed in range(12):
        moved = [(0, (p + transposed) % 12, s, e) for _, p, s, e in c_major]
        assert music.in_scale(piece(*moved), 60) == 1
        assert music.in_scale(piece(*moved), 61) == 1
    assert music.in_scale(piece(*c_major, (1, 1, 0, 4)), 60) == 7 / 8
    chromatic = [(0, pitch, pitch, pitch + 1) for pitch in range(12)]
    assert music.in_scale(piece(*chromatic), 60) == torch.tensor(7 / 12)


def test_tonal_distance_of_an_interval_is_the_chord_on_its_circles():
    # Harte et al. 2006: turning by an angle on a circle of radius r moves by 2 r sin(angle / 2).
    def distance(interval):
        turns = torch.tensor([7 / 6, 3 / 2, 2 / 3]) * torch.pi * interval
        return (2 * torch.tensor([1, 1, 0.5]) * (turns / 2).sin()).norm()

    for interval in range(12):
        roll = piece((0, 3, 0, 16), (1, 3 + interval, 0, 16))
        found = music.tonal_distance(roll, 4, 60)
        torch.testing.assert_close(found[0], distance(interval), atol=1e-5, rtol=1e-5)
    assert distance(7) < distance(2) < distance(6)  # a fifth is near, a tritone far


def test_tonal_distance_counts_the_beats_in_which_both_tracks_sound():
    half = piece((0, 0, 0, 16), (1, 6, 0, 4))
    whole = piece((0, 0, 0, 16), (1, 6, 0, 16))
    assert music.tonal_distance(half, 4, 60) == music.tonal_distance(whole, 4, 60)
    assert music.tonal_distance(piece((0, 0, 0, 16)), 4, 60) == 0


def test_metrics_do_not_change_when_the_music_is_transposed():
    medium = Rolls(60, 4, 8, 100, ("a", "b"), (0, 0))
    draw = torch.Generator().manual_seed(0)
    rolls = torch.rand(5, 2, 16, 24, generator=draw) < 0.1
    rolls[..., -5:] = False
    moved = rolls.roll(5, 3)
    torch.testing.assert_close(music.values_of(rolls, medium), music.values_of(moved, medium))


def test_drums_have_no_pitch():
    medium = Rolls(60, 4, 8, 100, ("a", "drums"), (0, -1))
    tune, beat = [(0, 0, 0, 8), (0, 4, 8, 16)], [(1, 1, 0, 1), (1, 6, 0, 1)]
    names = list(music.UNITS)
    alone, both = (
        dict(zip(names, music.values_of(piece(*notes), medium)[0].tolist(), strict=True))
        for notes in (tune, tune + beat)
    )
    for name in ("pitch_classes", "polyphonic_steps", "in_scale", "tonal_distance"):
        assert alone[name] == both[name]
    assert alone["empty_bars"] == 1 / 2 and both["empty_bars"] == 1 / 4


def test_shuffled_notes_keep_their_tracks_lengths_and_compass():
    roll = piece((0, 2, 0, 1), (0, 20, 8, 12), (1, 7, 3, 16)).to(torch.uint8) * 255
    moved = music.shuffle(roll.repeat(20, 1, 1, 1), 0) > 0
    assert torch.equal(moved[:, 1].sum((1, 2)), torch.full((20,), 13))
    assert moved[:, 1, :, 7].sum() == 20 * 13  # a track of one pitch stays on it
    assert not moved[:, 0, :, :2].any() and not moved[:, 0, :, 21:].any()
    assert len({m.sum().item() for m in moved[:, 0]} - {4, 5}) == 0
    assert torch.equal(moved, music.shuffle(roll.repeat(20, 1, 1, 1), 0) > 0)
    assert not torch.equal(moved[:-1], moved[1:])


@pytest.fixture(scope="module")
def extractor(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_LAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        data, _ = build("model=musegan", "data=pianoroll", "data.num=200")
        extractor = music.Music()
        extractor.prepare(data, torch.device("cpu"))
    return data, extractor


def features(data, extractor):
    real = Features(extractor.measured(data.reals()))
    real.others = extractor.beside
    return real


def test_unseen_pieces_are_near_and_shuffled_ones_far(extractor):
    data, extractor = extractor
    real = features(data, extractor)
    found = music.MusicDistance().beside(real, data)
    assert found["test"][0] < 0.15 < 0.5 < found["shuffled"][0]
    assert music.MusicDistance()(real, real, data) == (0,)


def test_distance_is_the_mean_of_differences_in_interquartile_ranges():
    draw = torch.Generator().manual_seed(0)
    real = Features(torch.rand(400, 6, generator=draw))
    real.others = {"shuffled": Features(torch.rand(400, 6, generator=draw))}
    pooled = torch.cat([real.values, real.others["shuffled"].values]).double()
    ranges = pooled.quantile(0.75, dim=0) - pooled.quantile(0.25, dim=0)
    moved = Features(real.values + 0.3)
    expected = (0.3 / ranges).mean().item()
    assert music.MusicDistance()(real, moved, None)[0] == pytest.approx(expected, rel=1e-6)


def test_values_are_told_in_their_own_units(extractor):
    data, extractor = extractor
    real = features(data, extractor)
    beside = music.MusicValues().beside(real, data)
    assert list(beside) == ["training", "test", "shuffled"]
    rolls = data.reals().images(range(200)) > 0
    expected = music.values_of(rolls, data.medium).mean(0)
    torch.testing.assert_close(torch.tensor(beside["training"]), expected, atol=1e-5, rtol=1e-5)


def test_pictures_have_no_music():
    data, _ = build("model=wgan_gp")
    assert "no piano rolls" in music.Music().unsuited(data)


def test_evaluation_of_a_run_says_what_stands_beside(tmp_path, monkeypatch):
    from gan_lab.training import train

    monkeypatch.setenv("GAN_LAB_CACHE", str(tmp_path / "cache"))
    overrides = [
        *("model=musegan", "data=pianoroll", "data.num=40", "data.num_bars=2", "logger=none"),
        *("model.generator.width=8", "model.discriminator.width=8", "trainer.kimg=0.064"),
        *("callbacks.samples.num=4", f"run_dir={tmp_path / 'run'}"),
    ]
    train(compose(*overrides), overrides)
    lines = (tmp_path / "run/evaluations.jsonl").read_text().splitlines()
    records = {line["name"]: line for line in map(json.loads, lines)}
    assert records["in_scale_music_40"]["lower_is_better"] is None
    assert set(records["in_scale_music_40"]["beside"]) == {"training", "test", "shuffled"}
    assert records["distance_music_40"]["beside"]["shuffled"] > 0
    assert set(records["fd_music_40"]["beside"]) == {"test", "shuffled"}
    assert (tmp_path / "run/samples/real.wav").is_file()
    config = compose(f"run={tmp_path / 'run'}", "accelerator=cpu", name="evaluate")
    shown = {record.name: record for record in evaluate(config, "auto")}
    for name, record in shown.items():
        if name in records:
            assert record.beside == pytest.approx(records[name]["beside"])
