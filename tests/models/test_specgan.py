import pytest
import torch
from support import build, fit, small, some

from gan_lab.errors import UserError


def test_spectrograms_are_centred_and_scaled_by_the_training_set():
    data, gan = build(*small("specgan"), "model.floor=0.01")
    sounds = some(data, 64)["image"]
    gan.measure(sounds.split(30))
    log = gan.log_magnitudes(sounds).double()
    frames = log.transpose(0, 1).flatten(1)
    torch.testing.assert_close(gan.mean[:, 0].double(), frames.mean(1), rtol=0, atol=1e-4)
    expected = frames.std(1, correction=0)
    torch.testing.assert_close(gan.deviation[:, 0].double(), expected, rtol=1e-3, atol=1e-4)
    pictures = gan.to_pictures(sounds)
    assert pictures.shape == (64, *gan.judged_shape) == (64, 1, 32, 32)
    assert pictures.abs().max() <= 1
    assert pictures.mean((0, 1, 3)).abs().max() < 0.1


def test_the_training_set_s_statistics_are_measured_once_and_saved(tmp_path):
    data, gan = build(*small("specgan"))
    fit(gan, data, steps=2).save_checkpoint(tmp_path / "run.ckpt")
    mean = gan.mean.clone()
    assert mean.abs().min() > 0.1
    gan.mean.zero_()
    gan.measure = None  # would fail if it were called
    fit(gan, data, steps=4, ckpt_path=tmp_path / "run.ckpt")
    assert torch.equal(gan.mean, mean)


def test_sounds_come_back_from_their_spectrograms():
    data, gan = build(*small("specgan"), "model.num_rounds=60", "data.num_samples=2048")
    sounds = some(data, 12)["image"]
    gan.measure([sounds])
    pictures = gan.to_pictures(sounds)
    again = gan.to_pictures(gan.to_sounds(pictures))
    assert (again - pictures).abs().mean() < 0.05 < pictures.std()
    energies = gan.to_sounds(pictures).square().mean((1, 2)) / sounds.square().mean((1, 2))
    assert (energies.log().abs() < 0.3).all()


def test_samples_are_sounds_while_the_players_see_spectrograms():
    data, gan = build(*small("specgan_conditional"))
    z, label = torch.randn(3, gan.latent_dim), torch.tensor([0, 1, 2])
    assert gan.shape == data.shape == (1, 1024)
    assert gan.generator(z, label).shape == (3, 1, 32, 32)
    assert gan.decode(z, label).shape == (3, 1, 1024)


@pytest.mark.parametrize(
    "options", [["model.hop=24"], ["model.hop=64"], ["model.window=72"], ["model.window=2048"]]
)
def test_windows_that_do_not_fit_are_refused(options):
    with pytest.raises(UserError, match="hop="):
        build(*small("specgan"), *options)
