import torch
from support import build, fit, some

from gan_lab.losses.contrastive import patch_nce

DATA = ["data=unpaired", "data.resolution=16", "data.num=64"]


def test_losses_are_equation_5():
    data, gan = build("model=cut", *DATA, "model.source_weight=3", "model.identity_weight=2")
    batch = some(data, 4)
    x, y = batch["domain_a"], batch["domain_b"]
    places = torch.rand(4, 5)
    gan.uniform = lambda like, *shape: places
    G, D, H = gan.generator, gan.discriminator, gan.heads

    def nce(output, source):
        pairs = zip(H(G.encode(output), places), H(G.encode(source), places), strict=True)
        return torch.stack([patch_nce(q, k) for q, k in pairs]).mean()

    expected = (D(G(x)) - 1).square().mean() + (3 * nce(G(x), x) + 2 * nce(G(y), y)) / 2
    torch.testing.assert_close(gan.generator_loss(batch), expected)
    expected = ((D(y) - 1).square().mean() + D(G(x)).square().mean()) / 2
    batch["fake"] = gan.kept("fake")
    torch.testing.assert_close(gan.discriminator_loss(batch), expected)


def test_places_are_looked_up_along_rows():
    data, gan = build("model=cut", *DATA)
    maps = [torch.arange(2 * 3 * 4 * 4).float().view(2, 3, 4, 4) for _ in range(8)]
    gan.heads.layers, gan.heads.heads = (0,), torch.nn.ModuleList([torch.nn.Identity()])
    (vectors,) = gan.heads(maps, torch.tensor([[0.0, 5.5 / 16], [15.9 / 16, 0.0]]))
    expected = torch.stack([maps[0][0, :, 0, 0], maps[0][0, :, 1, 1]])
    torch.testing.assert_close(vectors[0], expected / expected.norm(dim=1, keepdim=True))
    torch.testing.assert_close(vectors[1, 0], maps[0][1, :, 3, 3] / maps[0][1, :, 3, 3].norm())


def test_the_source_is_translated_once_in_a_step():
    data, gan = build("model=cut", *DATA)
    calls = []
    decode = gan.generator.decode
    gan.generator.decode = lambda x: (calls.append(len(x)), decode(x))[1]
    fit(gan, data, steps=2)
    assert calls == [2 * data.batch_size] * 2  # x and y in one pass, and none for the discriminator
