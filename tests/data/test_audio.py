import io
import tarfile
import zipfile

import numpy as np
import pytest
import soundfile
import torch

from gan_lab.data.audio import Audio
from gan_lab.data.drawn_sounds import NAMES, PITCHES_HZ
from gan_lab.errors import UserError


def wav(samples, rate=8000, subtype="PCM_16", format="WAV") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, subtype=subtype, format=format)
    return buffer.getvalue()


def tone(hertz, rate, seconds=0.2):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def first(root, **options):
    data = Audio(root=str(root), **{"num_samples": 512, **options})
    return data.reals().images([0])[0, 0].double() / 2**15


def test_drawn_sounds_are_of_all_kinds_differ_and_depend_on_no_seed():
    data = Audio(num=60, num_samples=1024)
    reals, test = data.reals(), data.reals("test")
    sounds, labels = reals.images(range(60)), reals.labels(range(60))
    assert sounds.shape == (60, 1, 1024) == (60, *data.shape) and sounds.dtype == torch.int16
    assert data.class_names == NAMES and torch.bincount(labels).tolist() == [10] * 6
    everything = torch.cat([sounds, test.images(range(len(test)))])
    assert len(everything.flatten(1).unique(dim=0)) == 60 + len(test) == 75
    peaks = sounds.abs().amax((1, 2)) / 2**15
    assert 0.39 < peaks.min() < 0.6 < 0.75 < peaks.max() <= 0.95
    again = Audio(num=60, num_samples=1024, seed=7)
    assert (
        again.fingerprint() == data.fingerprint() != Audio(num=66, num_samples=1024).fingerprint()
    )


def test_drawn_tones_have_their_pitch():
    data = Audio(num=60, num_samples=4096)
    reals = data.reals()
    sounds = reals.images(range(60))[:, 0].double() * np.hanning(4096)
    spectra = torch.fft.rfft(sounds).abs()[:, 50:]  # above 98 Hz
    loudest = (spectra.argmax(1) + 50) * 8000 / 4096
    for name, pitch in PITCHES_HZ.items():
        found = loudest[reals.labels(range(60)) == NAMES.index(name)]
        harmonic = (found / pitch).round()
        assert ((12 * (found / pitch / harmonic).log2()).abs() < 0.7).all()  # semitones


def test_sixteen_bits_at_the_same_rate_come_back_exactly(write):
    samples = np.random.default_rng(0).integers(-(2**15), 2**15, 512).astype(np.int16)
    found = Audio(root=str(write({"a.wav": wav(samples)})), num_samples=512).reals().images([0])
    assert np.array_equal(found[0, 0].numpy(), samples)


def test_long_sounds_are_cut_and_short_ones_followed_by_silence(write):
    samples = np.arange(1, 601, dtype=np.int16)
    assert first(write({"a.wav": wav(samples)}))[-1] == 512 / 2**15
    found = first(write({"a.wav": wav(samples[:300])}))
    assert found[299] == 300 / 2**15 and not found[300:].any()


@pytest.mark.parametrize("rate", [4000, 11025, 44100])
@pytest.mark.parametrize("length", [0.2, 3.0])
def test_other_rates_are_resampled_to_the_same_tone(write, rate, length):
    found = first(write({"a.wav": wav(tone(500, rate, length), rate)}))
    error = (found - torch.from_numpy(tone(500, 8000)[:512])).abs()
    assert error[60:].max() < 0.01  # at its beginning, a sound is cut off


def test_resampling_leaves_out_what_the_new_rate_cannot_hold(write):
    found = first(write({"a.wav": wav(tone(6000, 32000), 32000)}))  # an alias would be at 2000 Hz
    assert found[60:].abs().max() < 0.002


def test_channels_are_averaged_and_other_formats_taken(write):
    both = np.stack([tone(500, 8000), -tone(500, 8000)], 1)
    assert not first(write({"a.wav": wav(both)})).any()
    expected = torch.from_numpy(tone(500, 8000)[:512])
    for format, subtype in (("WAV", "PCM_24"), ("WAV", "FLOAT"), ("FLAC", "PCM_16")):
        content = wav(tone(500, 8000), subtype=subtype, format=format)
        assert (first(write({"a.wav": content})) - expected).abs().max() < 1e-4


@pytest.fixture
def digits():
    return {
        f"recordings/{digit}_{who}_{n}.wav": wav(np.full(300, 100 * digit + n, np.int16))
        for digit in (3, 7) for who in ("ann", "bob") for n in range(4)
    }  # fmt: skip


def archived(tmp_path, files, kind):
    path = tmp_path / f"digits.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    with tarfile.open(path, "w:gz" if kind.endswith("gz") else "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "tar.gz"])
def test_labels_and_test_sounds_by_names(write, tmp_path, digits, kind):
    root = write(digits) if kind == "folder" else archived(tmp_path, digits, kind)
    data = Audio(root=str(root), num_samples=256, label_from="first_part", test_below=1)
    assert (data.num_classes, data.class_names, data.splits) == (2, ["3", "7"], ("train", "test"))
    for split, numbers in (("train", {1, 2, 3}), ("test", {0})):
        reals = data.reals(split)
        values = reals.images(range(len(reals)))[:, 0, 0]
        labels = reals.labels(range(len(reals)))
        expected = {100 * digit + n for digit in (3, 7) for n in numbers}
        assert len(reals) == 4 * len(numbers) and set(values.tolist()) == expected
        assert torch.equal(values // 100, torch.tensor([3, 7])[labels])


def test_labels_and_test_sounds_by_folders(write):
    sounds = {
        f"{s}/{c}/{n}.wav": wav(np.ones(9)) for s in ("train", "test") for c in "ab" for n in "12"
    }
    data = Audio(root=str(write(sounds)), num_samples=256)
    assert (data.splits, data.class_names, len(data.reals())) == (("train", "test"), ["a", "b"], 4)
    unlabelled = Audio(root=str(data.sounds.root), num_samples=256, labelled=False)
    assert unlabelled.num_classes is None and unlabelled.reals().labels([0]) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"RIFF", b"\x89PNG\r\n", wav(np.zeros(0)), wav(np.array([np.nan]), subtype="FLOAT")],
    ids=["empty", "cut off", "a picture", "no samples", "not a number"],  # bytes tell the time
)
def test_a_sound_that_cannot_be_read_ends_the_run_before_training_and_is_named(write, content):
    sounds = {"train/a/1.wav": wav(np.ones(9)), "test/a/2.wav": content}
    data = Audio(root=str(write(sounds)), num_samples=256)
    with pytest.raises(UserError, match="test/a/2.wav is no sound that can be read"):
        data.prepare_data()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"num_samples": 10}, "data.num_samples=10"),
        ({"sample_rate_hz": 8}, "data.sample_rate_hz=8"),
        ({"num": 2}, "data.num=2"),
        ({"peak": 1.5}, "data.peak=1.5"),
    ],
)
def test_options_that_cannot_work_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        Audio(**options)


def test_folders_that_cannot_work_are_refused(write):
    with pytest.raises(UserError, match="no sounds in it"):
        Audio(root=str(write({"a.txt": b""}, "texts")))
    root = str(write({"a.wav": b""}))
    with pytest.raises(UserError, match="label_from=foo.*folder or first_part"):
        Audio(root=root, label_from="foo")
    with pytest.raises(UserError, match="a.wav ends in no number"):
        Audio(root=root, test_below=5)
    with pytest.raises(UserError, match="no sounds to train on"):
        Audio(root=str(write({"a_1.wav": b""}, "one")), test_below=5)


def test_sounds_may_be_scaled_to_one_peak_and_silence_stays(write):
    sounds = {"1.wav": wav(0.1 * np.ones(9)), "2.wav": wav(np.zeros(9)), "3.wav": wav(np.ones(9))}
    reals = Audio(root=str(write(sounds)), num_samples=256, peak=0.5).reals()
    peaks = reals.images(range(3)).amax((1, 2)).tolist()
    assert peaks == pytest.approx([2**14, 0, 2**14], abs=1)


def test_without_soundfile_the_extra_is_named(write, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    with pytest.raises(UserError, match=r"gan-lab\[audio\]"):
        Audio(root=str(write({"a.wav": wav(np.ones(9))})), num_samples=256).prepare_data()
