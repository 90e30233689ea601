import pytest
import torch
from support import build, compose, fit
from torch.nn.functional import logsigmoid

from gan_lab.training import build_data, build_model

PRESETS = {  # name: (gamma, ema_halflife_kimg, augment_p, kimg), each where the burn-in ends
    "r3gan_cifar10": (0.005, 5_000, 0.55, 20_000),
    "r3gan_ffhq64": (0.2, 500, 0.3, 20_000),
    "r3gan_ffhq256": (15, 500, 0.3, 20_000),
    "r3gan_imagenet32": (0.05, 50_000, 0.5, 200_000),
    "r3gan_imagenet64": (0.1, 50_000, 0.4, 200_000),
}


def test_losses_agree_with_one_pair_at_a_time():
    data, gan = build("model=r3gan_small", "model.gamma=0.5")
    torch.manual_seed(0)
    real, z = torch.randn(4, *data.shape).tanh(), torch.randn(4, gan.latent_dim)
    gan.latent = lambda like: z
    fake = gan.generator(z).detach()
    D = gan.discriminator

    def squared_norm(x):
        x = x[None].requires_grad_()
        return torch.autograd.grad(D(x).sum(), x)[0].square().sum()

    pairs = list(zip(real, fake, strict=True))
    for_discriminator = [
        -logsigmoid(D(x[None]) - D(y[None])) + 0.25 * (squared_norm(x) + squared_norm(y))
        for x, y in pairs
    ]
    for_generator = [-logsigmoid(D(y[None]) - D(x[None])) for x, y in pairs]
    batch = {"image": real}
    torch.testing.assert_close(gan.discriminator_loss(batch), torch.cat(for_discriminator).mean())
    torch.testing.assert_close(gan.generator_loss(batch), torch.cat(for_generator).mean())


def test_both_players_are_told_the_label():
    data, gan = build("model=r3gan_conditional")
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in gan.parameters():  # what begins at zero would hide the label
            weight.normal_(0, 0.3)
    z = torch.randn(4, gan.latent_dim)
    gan.latent = lambda like: z
    seen = []
    gan.discriminator.register_forward_hook(lambda module, args, logits: seen.append(args))
    label = torch.tensor([3, 1, 4, 1])
    gan.generator_loss({"image": torch.zeros(4, *data.shape), "label": label})
    ((both, labels),) = seen  # one pass of real and fake together
    torch.testing.assert_close(both[4:], gan.generator(z, label))
    assert labels.tolist() == [3, 1, 4, 1] * 2


@pytest.mark.parametrize("name", PRESETS)
def test_presets_burn_in_as_in_the_authors_code(name):
    config = compose(f"model={name}", "model.generator.width=8", "model.discriminator.width=8")
    build_data(config)
    gan = build_model(config)
    gamma, ema_halflife_kimg, augment_p, kimg = PRESETS[name]
    first = (10 * gamma, 0, 0, 0.9, 1)
    last = (gamma, ema_halflife_kimg, augment_p, 0.99, 0.25)
    schedules = (gan.gamma, gan.ema_halflife, gan.augment_p, gan.beta2, gan.schedule)
    middle = [(a + b) / 2 for a, b in zip(first, last, strict=True)]
    for now, expected in [(0, first), (kimg / 2, middle), (kimg, last), (2 * kimg, last)]:
        assert [schedule(now) for schedule in schedules] == pytest.approx(list(expected))
    assert gan.ema_rampup == float("inf")


def recorded(gan, numbers):
    """A model that notes what is scheduled in each of its turns."""
    descend = gan.descend

    def watched(players, *turn):
        groups = [group for o in gan.trainer.optimizers for group in o.param_groups]
        (beta2,) = {group["betas"][1] for group in groups}
        numbers.append((beta2, float(gan.augment.p), gan.ema_halflife_kimg))
        descend(players, *turn)

    gan.descend = watched
    return gan


def test_schedules_follow_the_images_seen_even_across_a_stop(tmp_path):
    # 12 steps of 16 images; the burn-in ends with the tenth.
    options = [
        *("model=r3gan", "augment=ada_fixed"),
        *("model.beta2.kimg=0.16", "model.augment_p.kimg=0.16"),
        "model.ema_halflife_kimg={_target_: gan_lab.optim.linear, kimg: 0.16}",
    ]
    numbers = []
    for steps, checkpoint in [(6, None), (12, tmp_path / "half.ckpt")]:
        data, gan = build(*options)
        trainer = fit(recorded(gan, numbers), data, steps, ckpt_path=checkpoint)
        trainer.save_checkpoint(tmp_path / "half.ckpt")
    assert numbers[::2] == numbers[1::2]  # both players' turns
    beta2, p, halflife = zip(*numbers[::2], strict=True)
    assert beta2[:6:5] == pytest.approx((0.9, 0.945)) and beta2[10:] == pytest.approx((0.99, 0.99))
    assert p[:6:5] == pytest.approx((0, 0.15)) and p[10:] == pytest.approx((0.3, 0.3))
    assert halflife[:6:5] == pytest.approx((1, 0.5)) and halflife[10:] == (0, 0)
    assert list(p) == sorted(p) and len(p) == 12
