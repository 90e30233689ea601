import torch
from support import build
from torch.nn.functional import avg_pool2d


def still(gan, data, num=4):
    """A batch, and a model that draws one half for every number."""
    torch.manual_seed(0)
    z, noise = torch.randn(num, gan.latent_dim), torch.randn(num, gan.generator.num_noise)
    gan.latent, gan.normal = lambda like: z, lambda like, *shape: noise
    gan.uniform = lambda like, *shape: torch.full((len(like), *shape), 0.5)
    return {"image": torch.randn(num, *data.shape).tanh()}, z, noise


def test_losses_agree_with_one_patch_at_a_time():
    data, gan = build("model=fastgan", "data.resolution=16", "model.reconstruction_weight=3.0")
    gan.eval()  # batch norm and spectral norm rest
    batch, z, noise = still(gan, data)
    D, real = gan.discriminator, batch["image"]
    fake = D.logits(D.look(*gan.generator.views(z, noise)))
    features = D.look(real, D.shrink(real))
    hinge = sum(
        (max(0.9 - r.item(), 0) + max(0.9 + f.item(), 0)) / fake.numel()
        for r, f in zip(D.logits(features).flatten(), fake.flatten(), strict=True)
    )
    small, quarter = avg_pool2d(real, 2), real[:, :, 8:, :8]  # corner 2: u = 0.5 of four
    targets = small, small, quarter
    made = D.reconstructions(features, torch.full((4,), 2))
    distance = sum(gan.reconstruction(a, b).mean() for a, b in zip(made, targets, strict=True))
    torch.testing.assert_close(gan.discriminator_loss(batch), hinge + 3 * distance)
    torch.testing.assert_close(gan.generator_loss(batch), -fake.mean())


def test_margins_lie_between_four_fifths_and_one():
    _, gan = build("model=fastgan", "data.resolution=16")
    for u, margin in [(0.0, 0.8), (0.5, 0.9), (1.0, 1.0)]:
        gan.uniform = lambda like, *shape, u=u: torch.full((len(like), *shape), u)
        torch.testing.assert_close(gan.margin(torch.zeros(2, 3)), torch.full((2, 3), margin))


def test_real_pictures_are_reconstructed_as_the_discriminator_sees_them():
    data, gan = build("model=fastgan", "data.resolution=16")
    batch, *_ = still(gan, data)
    gan.augmented = lambda images: -images
    seen = []
    gan.reconstruction.register_forward_hook(lambda module, pair, distance: seen.append(pair[1]))
    gan.discriminator_loss(batch)
    small = -avg_pool2d(batch["image"], 2)
    torch.testing.assert_close(seen, [small, small, -batch["image"][:, :, 8:, :8]])
