import pytest
import torch
from support import build, fit

from gan_lab.augment.diffaugment import DiffAugment


def pictures(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 12), (4, 9, 16)])
def test_shape_is_kept_and_draws_decide(shape):
    augment, images = DiffAugment(), pictures(6, *shape)
    draws = torch.rand(6, augment.num_draws)
    assert augment(images, draws).shape == images.shape
    assert torch.equal(augment(images, draws), augment(images, draws))
    assert torch.equal(augment(images, draws)[2:3], augment(images[2:3], draws[2:3]))


def test_colour_of_the_middle_draws_changes_nothing():
    images = pictures(4, 3, 8, 8)
    same = DiffAugment(["colour"])(images, torch.full((4, 3), 0.5))
    assert torch.allclose(same, images, atol=1e-6)


def test_colour_is_brightness_then_saturation_then_contrast():
    images = pictures(1, 3, 8, 8)
    brightness, saturation, contrast = 0.3, 1.6, 0.7
    draws = torch.tensor([[brightness + 0.5, saturation / 2, contrast - 0.5]])
    expected = images + brightness
    grey = expected.mean(1, keepdim=True)
    expected = grey + saturation * (expected - grey)
    expected = expected.mean() + contrast * (expected - expected.mean())
    assert torch.allclose(DiffAugment(["colour"])(images, draws), expected, atol=1e-6)


def test_alpha_is_not_coloured():
    images = pictures(3, 4, 8, 8)
    coloured = DiffAugment(["colour"])(images, torch.rand(3, 3))
    assert torch.equal(coloured[:, 3], images[:, 3])
    assert not torch.allclose(coloured[:, :3], images[:, :3])


def test_translation_moves_by_up_to_an_eighth_and_fills_with_zero():
    images = pictures(2, 3, 16, 8)
    draws = torch.tensor([[0.0, 0.999], [0.5, 0.5]])  # two down and one left, and nowhere
    moved = DiffAugment(["translation"])(images, draws)
    assert torch.equal(moved[0, :, 2:, :-1], images[0, :, :-2, 1:])
    assert not moved[0, :, :2].any() and not moved[0, :, :, -1].any()
    assert torch.equal(moved[1], images[1])


def test_cutout_removes_a_square_of_half_a_side():
    images = torch.ones(3, 1, 8, 8)
    draws = torch.tensor([[0.5, 0.5], [0.0, 0.0], [0.999, 0.5]])  # centres at 4, 0, and 8 and 4
    cut = DiffAugment(["cutout"])(images, draws)
    holes = [(cut[i, 0] == 0).nonzero() for i in range(3)]
    assert [len(hole) for hole in holes] == [16, 4, 8]
    assert holes[0].min() == 2 and holes[0].max() == 5


def test_differentiable_twice():
    augment = DiffAugment()
    images = pictures(2, 3, 8, 8).double().requires_grad_()
    draws = torch.rand(2, augment.num_draws, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: augment(x, draws), images)
    assert torch.autograd.gradgradcheck(
        lambda x: augment(x, draws).square(), images, fast_mode=True
    )


@pytest.mark.parametrize("policy", [["color"], ["cutout", "cutout"]])
def test_unknown_policies_are_refused(policy):
    with pytest.raises(ValueError, match="policy="):
        DiffAugment(policy)


@pytest.mark.parametrize("model", ["gan", "wgan_gp", "r3gan_small"])
def test_players_learn_through_it(model):
    data, gan = build(f"model={model}", "augment=diffaugment", "data.resolution=16")
    before = [w.clone() for w in gan.parameters()]
    fit(gan, data, steps=5)
    assert all(torch.isfinite(w).all() for w in gan.parameters())
    assert any(not torch.equal(a, b) for a, b in zip(before, gan.parameters(), strict=True))
