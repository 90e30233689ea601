from functools import partial

import pytest
import torch
from support import build, fit, some
from torch.nn.functional import softplus

from gan_lab.errors import UserError
from gan_lab.models.adain import Looking, style_distance
from gan_lab.networks.adain import adapt, moments
from gan_lab.networks.squeezenet import pretrained

DATA = ["data=styles", "data.resolution=16", "data.num=64"]


def with_draws(gan):
    """The game with draws that need no trainer."""
    torch.manual_seed(0)
    gan.normal = lambda like, *shape: torch.randn(len(like), *shape)
    gan.uniform = lambda like, *shape: torch.rand(len(like), *(shape or (1, 1, 1)))
    return gan


def test_loss_is_recoloured_contents_moments_and_patches():
    data, gan = build(
        "model=adain",
        *DATA,
        "model.style_weight=3",
        "model.adversarial_weight=2",
        "model.content_weight=5",
    )
    batch = some(data, 4)
    x, y = batch["domain_a"], batch["domain_b"]
    G, D = gan.generator, gan.discriminator
    truth = x.flip(1)
    gan.recoloured, gan.viewed = lambda *_: truth, lambda images: images.flip(3)
    fake = G(x, y.flip(3))
    content = (G(x, truth.flip(3)) - truth).abs().mean()
    style = sum((a - b).square().mean() for a, b in zip(moments(fake), moments(y)))
    adversarial = softplus(-D(torch.cat([fake, y.flip(3)], 1))).mean()
    expected = 5 * content + 3 * style + 2 * adversarial
    torch.testing.assert_close(gan.generator_loss(batch), expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(gan.kept("told"), y.flip(3))


def test_recoloured_contents_have_a_styles_moments_or_stay():
    data, gan = build("model=adain", *DATA)
    with_draws(gan)
    batch = some(data, 40)
    x, y = batch["domain_a"], 0.1 * batch["domain_b"]  # so small that nothing is clamped
    truth = gan.recoloured(x, y)
    stay = (truth == x).flatten(1).all(1)
    assert 0 < stay.sum() < 40
    for ours, theirs in zip(moments(truth[~stay]), moments(y[~stay]), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=1e-2)
    paper = (x == x[..., :1, :1]).all(1)  # the ground stays one colour
    spread = torch.stack([t[:, p].std(1).max() for t, p in zip(truth, paper, strict=True)])
    assert spread.max() < 1e-3


def test_views_keep_colours_and_change_their_shares():
    _, gan = build("model=adain", *DATA)
    with_draws(gan)
    halves = torch.ones(40, 3, 16, 16)
    halves[..., :8] = -1
    views = gan.viewed(halves)
    assert views.min() >= -1.001 and views.max() <= 1.001
    shares = (views > 0).float().mean((1, 2, 3))
    assert shares.min() < 0.4 and shares.max() > 0.6


class TwoMaps(torch.nn.Module):
    """Pictures to two maps, of which the second is hundreds of times larger."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 5, 3).requires_grad_(False)

    def forward(self, images):
        return [self.layer(images), 300 * self.layer(images.flip(1)).relu()]


def test_losses_through_a_network_are_of_moments_and_of_an_adapted_map():
    data, gan = build("model=adain", *DATA, "model.structure_map=1")
    gan.look = Looking(TwoMaps)
    gan.look.prepare(gan.device)
    batch = some(data, 4)
    x, y = batch["domain_a"], batch["domain_b"]
    fake = x.flip(2)
    F = gan.look.network

    def size(maps):
        return maps.square().mean((1, 2, 3))

    texture = 0
    for f, s in zip(F(fake), F(y), strict=True):
        for statistic in (
            lambda m: m.mean((2, 3)),
            lambda m: (m.var((2, 3), correction=0) + 1e-5).sqrt(),
        ):
            texture += ((statistic(f) - statistic(s)).square().mean(1) / size(s)).mean() / 2
    wanted = adapt(F(x)[1], F(y)[1])
    structure = (size(F(fake)[1] - wanted) / size(F(y)[1])).mean()
    expected = 10 * texture + structure
    torch.testing.assert_close(gan.seen_loss(fake, x, y), expected, rtol=1e-4, atol=1e-4)
    small, F.forward = F.forward, lambda images: [m / 100 for m in small(images)]
    # Equal but for what keeps deviations above 0.
    torch.testing.assert_close(gan.seen_loss(fake, x, y), expected, rtol=0.2, atol=0)


def test_a_network_to_look_through_is_no_state_and_learns_nothing():
    data, gan = build("model=adain", *DATA, "model.structure_map=1")
    gan.look = Looking(TwoMaps)
    gan.look.prepare(gan.device)
    with_draws(gan)
    gan.generator_loss(some(data, 4)).backward()
    assert gan.look.network.layer.weight.grad is None
    assert gan.generator.last.weight.grad.abs().sum() > 0
    assert not any(key.startswith("look") for key in gan.state_dict())


def test_weights_to_look_through_are_needed_to_train_alone(tmp_path):
    data, gan = build("model=adain", *DATA, "model.generator.width=8")
    gan.look = Looking(partial(pretrained, str(tmp_path / "none.npz")))
    assert gan.generate(some(data, 2)).shape == (2, 3, 16, 16)
    with pytest.raises(UserError, match="none.npz does not exist"):
        fit(gan, data, steps=1)


def test_first_outputs_are_grey_also_with_halvings():
    data, gan = build("model=adain", *DATA, "model.generator.halvings=2", "model.generator.side=3")
    batch = some(data, 8)
    outputs = gan.generator(batch["domain_a"], batch["domain_b"])
    assert outputs.abs().mean() < 0.5 and outputs.abs().amax() < 0.999


def test_equal_pictures_have_no_style_distance():
    maps = torch.rand(2, 5, 8, 8)
    shuffled = maps.flatten(2)[..., torch.randperm(64)].view_as(maps)
    assert style_distance(shuffled, maps).max() < 1e-6  # places do not matter
    assert style_distance(maps.flip(0), maps).min() > 1e-4


def test_the_style_decides_the_output_and_saved_weights_hold_no_network_to_look_through():
    data, gan = build("model=adain", *DATA)
    fit(gan, data, steps=2)
    batch = some(data, 3)
    other = {**batch, "domain_b": batch["domain_b"].flip(0)}
    assert not torch.equal(gan.generate(batch)[0], gan.generate(other)[0])
    assert {key.split(".")[0] for key in gan.state_dict()} == {
        "generator",
        "generator_ema",
        "discriminator",
    }
