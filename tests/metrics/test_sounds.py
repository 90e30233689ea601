import pytest
import torch
from metrics.fakes import Data

from gan_lab.data.audio import Audio
from gan_lab.metrics.label_accuracy import LabelAccuracy
from gan_lab.metrics.sounds import Sounds

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data():
    return Audio(num=240, num_samples=1024)


@pytest.fixture
def extractor(data):
    found = Sounds(num_images=2400)
    found.prepare(data, CPU)
    return found


class Echo:
    """A GAN whose samples are test sounds of the label that is asked for, or of the next."""

    conditional, num_classes = True, 6

    def __init__(self, data, wrong=0.0):
        self.reals, self.wrong = data.reals("test"), wrong

    def sample(self, num, *, seed, label):
        draw = torch.Generator().manual_seed(seed)
        given = (label + (torch.rand(num, generator=draw) < self.wrong)) % 6
        sounds = [self.reals.images([int(k) + 6 * (n % 10)]) for n, k in enumerate(given)]
        return torch.cat(sounds).float() / 2**15


def test_learns_the_labels_of_sounds(data, extractor):
    reals = data.reals("test")
    features, logits = extractor(reals.images(range(60)))
    assert features.shape == (60, 64) and logits.shape == (60, 6)
    assert (logits.argmax(1) == reals.labels(range(60))).double().mean() > 0.9
    assert extractor.record()["classifier_accuracy"] > 0.85


def test_learns_once_and_differs_by_seed_and_sample_rate(data, extractor, monkeypatch):
    again = Sounds(num_images=2400)
    with monkeypatch.context() as patched:
        patched.setattr(Sounds, "learn", None)  # would fail if it were called
        again.prepare(data, CPU)
    assert again.fingerprint == extractor.fingerprint
    faster = Audio(num=240, num_samples=1024)
    faster.medium = type(data.medium)(16000)
    for other, options in ((data, {"seed": 1}), (faster, {})):
        again = Sounds(num_images=2400, **options)
        again.prepare(other, CPU)
        assert again.fingerprint != extractor.fingerprint


@pytest.mark.parametrize("samples", [256, 1000, 40_000])
def test_sees_sounds_of_any_length(extractor, samples):
    assert extractor(torch.zeros(2, 1, samples, dtype=torch.int16))[0].shape == (2, 64)
    assert extractor.seen(torch.zeros(2, 1, samples, dtype=torch.int16)).shape[-1] <= 64


def test_pictures_and_sounds_without_labels_are_refused_with_a_remedy():
    assert "holds no sounds" in Sounds().unsuited(Data(60))
    assert "data.label_from" in Sounds().unsuited(Audio(num=12, labelled=False))


def test_label_accuracy_is_the_share_of_samples_that_are_what_was_asked_for(data):
    figure = LabelAccuracy(Sounds(seed=1, num_images=2400), num=120)
    figure.prepare(data, CPU)
    right, of_reals = figure(Echo(data), 0)
    assert of_reals > 0.9 and abs(right - of_reals) < 0.05
    assert figure.split == "test" and figure.num_real == 60
    half, _ = figure(Echo(data, wrong=0.5), 0)
    assert 0.35 < half < 0.65
    assert figure(Echo(data, wrong=1.0), 0)[0] < 0.1


def test_label_accuracy_is_of_sounds_of_models_that_take_labels(data):
    figure = LabelAccuracy(Sounds(seed=1, num_images=2400))
    figure.prepare(Data(60), CPU)
    assert not figure.applies(Echo(data))
    figure.prepare(data, CPU)
    free = Echo(data)
    assert figure.applies(free)
    free.conditional = False
    assert not figure.applies(free)
