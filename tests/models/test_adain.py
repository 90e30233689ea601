import torch
from support import build, fit, some
from torch.nn.functional import softplus

from gan_lab.models.adain import in_colours, style_distance
from gan_lab.networks.adain import moments

DATA = ["data=styles", "data.resolution=16", "data.num=64"]


def test_loss_is_coming_back_moments_and_patches():
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
    fake = G(x, y)
    own = ((G(x, x) - x).abs().mean() + (G(y, y) - y).abs().mean()) / 2
    back = (G(fake, x) - x).abs().mean()
    style = sum((a - b).square().mean() for a, b in zip(moments(fake), moments(y)))
    adversarial = softplus(-D(in_colours(fake, y))).mean()
    expected = 5 * (own + back) + 3 * style + 2 * adversarial
    torch.testing.assert_close(gan.generator_loss(batch), expected, rtol=1e-4, atol=1e-4)


def test_a_network_to_look_through_is_no_state_and_learns_nothing():
    data, gan = build("model=adain", *DATA, "++model.features={_target_: torch.nn.Identity}")
    network = torch.nn.Conv2d(3, 5, 3).requires_grad_(False)
    maps = torch.nn.Sequential(network, torch.nn.Unflatten(0, (1, -1)))  # (1, B, ...): one map
    gan.look.network = maps
    gan.generator_loss(some(data, 4)).backward()
    assert network.weight.grad is None and gan.generator.last.weight.grad.abs().sum() > 0
    assert not any(key.startswith("look") for key in gan.state_dict())


def test_equal_pictures_have_no_style_distance():
    maps = [torch.rand(2, 3, 8, 8), torch.rand(2, 5, 4, 4)]
    assert style_distance(maps, maps).max() < 1e-6
    shuffled = [m.flatten(2)[..., torch.randperm(m[0, 0].numel())].view_as(m) for m in maps]
    assert style_distance(shuffled, maps).max() < 1e-6  # places do not matter


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
