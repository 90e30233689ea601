import pytest
import torch
from metrics.fakes import Data

from gan_lab.errors import UserError
from gan_lab.metrics.classifier import Classifier

CPU = torch.device("cpu")


def prepared(data, **options):
    extractor = Classifier(num_images=3000, **options)
    extractor.prepare(data, CPU)
    return extractor


def test_learns_the_labels_and_reports_its_accuracy():
    data = Data()
    extractor = prepared(data)
    features, logits = extractor(data.set.images(range(10)))
    assert extractor.record()["classifier_accuracy"] > 0.9
    assert (features.shape, logits.shape) == ((10, 64), (10, 3))
    assert features.dtype == torch.float32


def test_same_weights_for_any_number_of_threads(cache):
    data, before = Data(100), torch.get_num_threads()
    fingerprints = set()
    for num_threads in (1, 2):
        torch.set_num_threads(num_threads)
        fingerprints.add(prepared(data).fingerprint)
        assert torch.get_num_threads() == num_threads
        for file in (cache / "classifiers").iterdir():
            file.unlink()
    torch.set_num_threads(before)
    assert len(fingerprints) == 1


def test_learns_once_per_data_set(monkeypatch):
    data = Data(100)
    first = prepared(data).fingerprint
    monkeypatch.setattr(Classifier, "learn", None)  # would fail if it were called
    assert prepared(data).fingerprint == first


def test_leaves_the_draws_of_training_alone():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    prepared(Data(100))
    assert torch.rand(1) == expected


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (28, 1), (32, 3), (64, 3), (48, 4)])
def test_takes_pictures_of_any_shape(size, channels):
    data = Data(60, size=size, channels=channels)
    extractor = Classifier(num_images=60)
    extractor.prepare(data, CPU)
    assert extractor(data.set.images(range(2)))[0].shape == (2, 64)


def test_unlabelled_data_are_refused_with_a_remedy():
    data = Data(60)
    data.num_classes = None
    assert "metrics=inception" in Classifier().unsuited(data)


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GAN_LAB_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="GAN_LAB_CACHE"):
        prepared(Data(60))
