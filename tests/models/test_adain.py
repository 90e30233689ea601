import torch
from support import build, fit, some
from torch.nn.functional import softplus

from gan_lab.models.adain import in_colours, style_distance
from gan_lab.networks.adain import adapt, moments

DATA = ["data=styles", "data.resolution=16", "data.num=64"]


def test_loss_is_content_style_patches_and_identity():
    data, gan = build(
        "model=adain",
        *DATA,
        "model.style_weight=3",
        "model.adversarial_weight=2",
        "model.identity_weight=5",
    )
    batch = some(data, 4)
    x, y = batch["domain_a"], batch["domain_b"]
    G, E, D = gan.generator, gan.generator_ema.encode, gan.discriminator
    fake = G(x, y)
    wanted = adapt(E(x)[-1], E(y)[-1])
    content = torch.stack(
        [(E(fake)[-1][n] - wanted[n]).square().mean() / wanted[n].square().mean() for n in range(4)]
    ).mean()
    style = torch.zeros(())
    for ours, theirs in zip([fake, *E(fake)], [y, *E(y)], strict=True):
        for n in range(4):
            apart = [(a[n] - b[n]).square().mean() for a, b in zip(moments(ours), moments(theirs))]
            style = style + sum(apart) / theirs[n].square().mean() / 4 / 6
    adversarial = softplus(-D(in_colours(fake, y))).mean()
    identity = ((G(x, x) - x).abs().mean() + (G(y, y) - y).abs().mean()) / 2
    expected = content + 3 * style + 2 * adversarial + 5 * identity
    torch.testing.assert_close(gan.generator_loss(batch), expected, rtol=1e-4, atol=1e-4)


def test_nothing_is_learnt_from_what_the_losses_look_through():
    data, gan = build("model=adain", *DATA)
    assert not any(w.requires_grad for w in gan.generator_ema.parameters())
    before = gan.generator_ema.encoder[0].weight.clone()
    gan.generator_loss(some(data, 4)).backward()
    assert torch.equal(before, gan.generator_ema.encoder[0].weight)
    assert gan.generator.encoder[0].weight.grad.abs().sum() > 0


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
