import pytest
import torch
from support import build, fit

from gan_lab.augment.ada import ADA


def shown(augment, logits, steps, num_images=32):
    """So many training steps in which the discriminator says `logits` of real pictures."""
    for _ in range(steps):
        augment.observe(logits)
        augment.adapt(num_images)


def test_p_rises_when_the_discriminator_knows_every_real():
    augment = ADA(adjust_kimg=1, every=4)
    shown(augment, torch.full((8,), 2.0), 3)
    assert augment.p == 0 and augment.r_t == 0
    shown(augment, torch.full((8,), 2.0), 1)
    assert augment.r_t == 1 and augment.p.item() == pytest.approx(4 * 32 / 1000)


def test_p_falls_below_the_target_and_stays_a_probability():
    augment = ADA(adjust_kimg=0.5, every=1)
    shown(augment, torch.ones(8), 100)
    assert augment.p == 1
    shown(augment, torch.tensor([1.0, 1, 1, -1]), 2)  # r_t = 0.5 < 0.6
    assert augment.p.item() == pytest.approx(1 - 2 * 32 / 500)
    shown(augment, -torch.ones(8), 100)
    assert augment.p == 0


def test_r_t_is_the_mean_sign_over_the_interval():
    augment = ADA(every=2)
    shown(augment, torch.tensor([3.0, -0.1]), 1)
    shown(augment, torch.tensor([5.0, 0.2]), 1)
    assert augment.r_t == 0.5


def test_a_critic_that_is_not_shown_leaves_p_alone():
    augment = ADA(every=1)
    for _ in range(3):
        augment.adapt(32)
    assert augment.p == 0 and augment.reports()["r_t"].isfinite()


@pytest.mark.parametrize("option", [{"target": 1.5}, {"adjust_kimg": 0}, {"every": 0}])
def test_nonsense_is_refused(option):
    with pytest.raises(ValueError, match=f"{next(iter(option))}="):
        ADA(**option)


def trained(*overrides, steps, ckpt=None):
    data, gan = build("model=dcgan", "data.resolution=16", *overrides)
    trainer = fit(gan, data, steps=steps, ckpt_path=ckpt)
    return gan, trainer


ADAPTIVE = ("augment=ada", "augment.adjust_kimg=0.5", "augment.target=-0.9")


def test_p_moves_in_training_and_is_reported():
    gan, _ = trained(*ADAPTIVE, steps=9)
    assert gan.augment.p > 0
    assert {"augment/p", "augment/r_t"} <= gan.take_reports().keys()


def test_resumed_run_ends_with_the_same_bits(tmp_path):
    whole, _ = trained(*ADAPTIVE, steps=14)
    _, trainer = trained(*ADAPTIVE, steps=7)  # within an interval
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    resumed, _ = trained(*ADAPTIVE, steps=14, ckpt=tmp_path / "half.ckpt")
    assert whole.augment.p > 0
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


@pytest.mark.parametrize("model", ["gan", "r3gan_small", "wgan_gp"])
@pytest.mark.parametrize("augment", ["ada_fixed", "flip"])
def test_players_learn_through_it(model, augment):
    data, gan = build(f"model={model}", f"augment={augment}", "data.resolution=16")
    fit(gan, data, steps=5)
    assert all(torch.isfinite(w).all() for w in gan.parameters())


def test_accumulated_parts_move_p_as_the_whole_does():
    adaptive = (*ADAPTIVE, "model=wgan_gp", "++model.optimizers.discriminator.eps=1e-3")
    whole, _ = trained(*adaptive, steps=9)
    parts, _ = trained(*adaptive, "model.accumulate=2", steps=9)
    assert whole.augment.p == parts.augment.p > 0
    assert torch.allclose(whole.augment.r_t, parts.augment.r_t)
