import pytest
import torch
from metrics.fakes import CPU, Data, Echo, figures

from gan_lab.errors import UserError
from gan_lab.metrics.frechet import FrechetDistance
from gan_lab.metrics.squeezenet import SqueezeNetFeatures
from gan_lab.metrics.suite import Suite
from gan_lab.networks.squeezenet import SqueezeNet


@pytest.fixture
def path(tmp_path):
    torch.manual_seed(0)
    torch.save(SqueezeNet().state_dict(), tmp_path / "weights.pth")
    return str(tmp_path / "weights.pth")


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_features_of_grey_colour_and_alpha(path, channels):
    extractor = SqueezeNetFeatures(path=path, side=48)
    extractor.prepare(Data(10, channels=channels), CPU)
    images = torch.randint(256, (3, channels, 20, 28), dtype=torch.uint8)
    features, logits = extractor(images)
    assert features.shape == (3, 512) and logits is None
    rgb = images[:, :3] if channels > 1 else images.repeat(1, 3, 1, 1)
    assert torch.allclose(extractor(rgb)[0], features, atol=1e-6)
    assert torch.allclose(extractor(images[1:2])[0], features[1:2], atol=1e-5)


def test_better_fakes_have_better_figures_named_after_the_network(path):
    data = Data(60)
    suite = Suite({"s": SqueezeNetFeatures(path=path, side=32)}, {"frechet": FrechetDistance()})
    good, bad = (figures(suite, data, Echo(data.set, noise))[0] for noise in (0.02, 0.5))
    assert good.name == "fd_squeezenet_60" and good.value < bad.value
    assert good.protocol.resize.startswith("bilinear to 32 x 32")
    assert len(good.protocol.extractor_weights) == 16


def test_missing_weights_are_an_error_before_training(tmp_path):
    extractor = SqueezeNetFeatures(path=str(tmp_path / "absent.npz"))
    assert not extractor.at_hand()
    with pytest.raises(UserError, match="absent.npz"):
        extractor.prepare(Data(10), CPU)


def test_unlabelled_pictures_suit_it_and_points_do_not():
    data = Data(10)
    data.num_classes = None
    assert SqueezeNetFeatures().unsuited(data) is None
    data.shape = (2,)
    assert "metrics=auto" in SqueezeNetFeatures().unsuited(data)
