import pytest
import torch
from support import build, fit

SMALL = [
    "data.resolution=8",
    "model.generator.latent_dim=8",
    "model.generator.w_dim=8",
    "model.generator.mapping_depth=2",
]


@pytest.fixture
def gan():
    """One that is asked for its losses outside training, where nothing draws for it."""
    _, gan = build("model=stylegan2", *SMALL, "model.gamma=3")
    draws = torch.Generator().manual_seed(0)
    gan.normal = lambda like, *shape: torch.randn(len(like), *shape, generator=draws)
    gan.uniform = lambda like, *shape: torch.rand(len(like), *shape, generator=draws)
    with torch.no_grad():
        for weight in gan.parameters():
            weight += 0.1 * torch.randn(weight.shape, generator=draws)
    return gan


def real(rows=8):
    return torch.randn(rows, 1, 8, 8, generator=torch.Generator().manual_seed(1)).tanh()


def test_r1_is_the_gradient_at_the_picture_before_its_augmentation(gan):
    gan.augmented = lambda images: 3 * images.flip(3)
    expected = 0
    for group in real().split(4):  # rows of a group see each other
        x = group.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(gan.discriminator(3 * x.flip(3)).sum(), x)
        expected += 3 / 2 * gradient.square().sum() / 8
    torch.testing.assert_close(gan.r1_loss({"image": real()}), expected)


def test_path_length_is_that_of_the_jacobian(gan):
    gan.path_mean.fill_(0.5)
    ws, noise = torch.randn(4, gan.generator.num_ws, 8), torch.randn(4, 1, 8, 8)
    maps = torch.zeros(4, gan.generator.num_noise)
    gan.styles = lambda like, label: ws.requires_grad_()
    gan.normal = lambda like, *shape: noise if shape == (1, 8, 8) else maps
    loss = gan.path_length_loss({"image": real()})  # every other row of 8

    def picture(w):
        return gan.generator.synthesis(w[None], maps[:1])[0]

    lengths = []
    for w, y in zip(ws, noise, strict=True):
        jacobian = torch.autograd.functional.jacobian(picture, w.detach())  # (C, H, W, L, D)
        product = torch.einsum("chwld,chw->ld", jacobian, y) / 8
        lengths.append(product.square().sum(1).mean().sqrt())
    lengths = torch.stack(lengths)
    torch.testing.assert_close(loss, 2 * (lengths - 0.5).square().mean())
    gan.move_path_mean()
    torch.testing.assert_close(gan.path_mean, 0.99 * 0.5 + 0.01 * lengths.mean())


def test_some_rows_mix_the_styles_of_two_latents(gan):
    L = gan.generator.num_ws
    latents = [-torch.ones(4, 8), torch.ones(4, 8)]
    gan.latent = lambda like: latents.pop()
    gan.uniform = lambda like, n: torch.tensor(
        [[0.89, 0.0], [0.89, 0.999], [0.91, 0.0], [0.1, 0.5]]
    )
    ws = gan.styles(real(4), None)
    first, second = gan.generator.mapping(torch.tensor([[1.0], [-1.0]]).expand(2, 8))[:, 0]
    crossovers = [1, L - 1, L, 1 + (L - 1) // 2]
    for row, crossover in zip(ws, crossovers, strict=True):
        torch.testing.assert_close(row[:crossover], first.expand(crossover, -1))
        torch.testing.assert_close(row[crossover:], second.expand(L - crossover, -1))


def test_without_mixing_one_latent_is_mapped(gan):
    gan.mixing = 0.0
    ws = gan.styles(real(), None)
    assert torch.equal(ws[:, 0], ws[:, -1])


def test_penalties_have_turns_of_their_own():
    data, gan = build("model=stylegan2", *SMALL, "model.r1_every=3", "model.path_every=2")
    turns, descend = [], gan.descend

    def watched(players, loss, batch, weight=1.0):
        turns.append((gan.iteration, loss.__name__, weight))
        descend(players, loss, batch, weight)

    gan.descend = watched
    fit(gan, data, steps=6)
    assert [turn for turn in turns if turn[1] == "r1_loss"] == [
        (2, "r1_loss", 3),
        (5, "r1_loss", 3),
    ]
    lazy = [turn for turn in turns if turn[1] == "path_length_loss"]
    assert lazy == [(step, "path_length_loss", 2) for step in (1, 3, 5)]
    assert len(turns) == 2 * 6 + 2 + 3
    assert gan.path_mean > 0


def test_optimizers_are_corrected_for_the_lazy_turns():
    data, gan = build("model=stylegan2", *SMALL, "model.path_every=9")
    fit(gan, data, steps=1)
    for player, c in (("generator", 9 / 10), ("discriminator", 16 / 17)):
        (group,) = gan._optimizer[player].param_groups
        assert group["lr"] == pytest.approx(2e-3 * c)
        assert group["betas"] == pytest.approx((0, 0.99**c))


def test_truncation_draws_w_to_its_average():
    data, gan = build("model=stylegan2", *SMALL)
    fit(gan, data, steps=3)
    generator = gan.generator_ema
    expected = generator.synthesis(generator.mapping.w_avg.expand(2, generator.num_ws, -1))
    torch.testing.assert_close(gan.sample(2, seed=0, truncation=0.0), expected.clamp(-1, 1))


def test_resumes_with_the_same_bits_under_ada(tmp_path):
    ada = ["augment=ada", "augment.target=-0.9", "augment.adjust_kimg=1"]  # p rises from the start
    overrides = ["model=stylegan2_conditional", *SMALL, *ada]
    (data, whole), (_, half), (_, resumed) = (build(*overrides) for _ in range(3))
    fit(whole, data, steps=19)
    fit(half, data, steps=14).save_checkpoint(tmp_path / "half.ckpt")
    fit(resumed, data, steps=19, ckpt_path=tmp_path / "half.ckpt")
    for name, tensor in resumed.state_dict().items():
        assert torch.equal(tensor, whole.state_dict()[name]), name
    assert whole.augment.p > 0 and whole.path_mean > 0
