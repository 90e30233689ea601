import lightning as L
import pytest
import torch
from support import build, fit

# In 20 steps of 16 images: 4x4 to 0.08 kimg, 8x8 faded in to 0.16, held to 0.24, then 16x16.
GROWING = ["model=progressive", "data.resolution=16", "model.growth.budget_kimg=0.32"]
GROWING += ["model.growth.share=1", "model.generator.latent_dim=16"]


def zeros(gan):
    """Latents outside of training, where the engine draws none."""
    gan.latent = lambda like: torch.zeros(len(like), gan.latent_dim)
    gan.uniform = lambda like: torch.full((len(like), 1, 1, 1), 0.25)


def test_losses_agree_with_the_equations():
    data, gan = build("model=progressive", "data.resolution=16", "model.drift_weight=0.5")
    torch.manual_seed(0)
    gan.discriminator.grow(0.5)
    real = torch.randn(8, *data.shape).tanh()
    zeros(gan)
    D, fake = gan.discriminator, gan.generator(torch.zeros(8, gan.latent_dim)).detach()
    faded = D.faded(real)
    between = (0.25 * faded + 0.75 * fake).requires_grad_()
    (slope,) = torch.autograd.grad(D(between).sum(), between)
    norm = slope.flatten(1).norm(dim=1)
    expected = D(fake) - D(faded) + 10 * (norm - 1) ** 2 + 0.5 * D(faded) ** 2
    batch = {"image": real}
    torch.testing.assert_close(gan.discriminator_loss(batch), expected.mean())
    torch.testing.assert_close(gan.generator_loss(batch), -D(fake).mean())


def test_reals_lose_the_detail_that_the_level_cannot_have():
    data, gan = build("model=progressive", "data.resolution=16")
    zeros(gan)
    coarse = torch.randn(8, data.shape[0], 4, 4).repeat_interleave(4, 2).repeat_interleave(4, 3)
    checkers = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(8, 8)
    losses = [gan.discriminator_loss({"image": coarse + n * checkers}) for n in (0, 1)]
    torch.testing.assert_close(*losses)


def test_all_networks_follow_the_images_seen():
    data, gan = build(*GROWING)
    levels = []

    class Watch(L.Callback):
        def on_train_batch_end(self, trainer, gan, *_):
            networks = gan.generator, gan.generator_ema, gan.discriminator
            levels.append({network.level for network in networks})

    assert gan.generator_ema.level == gan.discriminator.level == 0
    fit(gan, data, steps=21, callbacks=[Watch()])
    assert levels == [{gan.growth(16 * step / 1000)} for step in range(21)]
    assert levels[0] == {0} and levels[-1] == {2}
    assert sum(max(level) % 1 > 0 for level in levels) >= 8


@pytest.mark.parametrize("model", ["progressive", "stylegan"])
def test_run_resumed_across_growth_ends_with_the_same_bits(model, tmp_path):
    growing = [*GROWING, f"model={model}", "model.growth.start_resolution=4"]
    data, gan = build(*growing)
    first = {k: v.clone() for k, v in gan.state_dict().items()}
    fit(gan, data, steps=21).save_checkpoint(tmp_path / "whole.ckpt")
    gan.load_state_dict(first)
    gan.steps_done = gan.iteration = gan.images_averaged = 0
    fit(gan, data, steps=7).save_checkpoint(tmp_path / "half.ckpt")  # in the middle of a fade
    assert gan.discriminator.fading

    data, resumed = build(*growing)
    fit(resumed, data, steps=21, ckpt_path=tmp_path / "half.ckpt")
    expected = torch.load(tmp_path / "whole.ckpt", weights_only=True)["state_dict"]
    for name, tensor in resumed.state_dict().items():
        assert torch.equal(tensor, expected[name]), name
    assert resumed.discriminator.level == 2


def test_loaded_weights_sample_at_their_level():
    data, gan = build(*GROWING)
    fit(gan, data, steps=4)
    samples = gan.sample(3, seed=0)
    squares = samples.unflatten(2, (4, 4)).unflatten(4, (4, 4))
    assert samples.shape == (3, *data.shape)
    assert torch.equal(squares.amax((3, 5)), squares.amin((3, 5)))  # still 4x4
    _, loaded = build(*GROWING)
    loaded.generator_ema.grow(2)
    loaded.load_state_dict(gan.state_dict())
    assert torch.equal(loaded.sample(3, seed=0), samples)


def test_impossible_growth_is_refused():
    with pytest.raises(ValueError, match="start_resolution=32"):
        build("model=progressive", "data.resolution=16", "model.growth.start_resolution=32")
