import pytest
import torch
from torch import nn
from torch.nn.functional import linear
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.parametrize import is_parametrized

from gan_lab.networks.biggan import BigGANDiscriminator, BigGANGenerator

# Pixels, classes, width and, of the author's implementation at these settings, the parameters of
# its generator and of its discriminator. The paper's own settings are those from 128 px on.
COUNTS = [
    (64, 1000, 64, 31_804_676, 20_566_721),
    (128, 1000, 96, 70_433_988, 87_982_370),
    (256, 1000, 96, 82_235_844, 99_225_890),
    (512, 1000, 96, 82_468_068, 99_401_282),
]


FAST = {"weight_std": 0.02}  # no orthogonal matrices to be found


@pytest.fixture
def meta(monkeypatch):
    """Networks without numbers, of any size at no cost."""
    monkeypatch.setattr(_SpectralNorm, "_power_method", lambda *_: None)
    return torch.device("meta")


def count(network):
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize(("pixels", "num_classes", "width", "generator", "discriminator"), COUNTS)
def test_parameter_counts_are_the_reference_s(
    pixels, num_classes, width, generator, discriminator, meta
):
    shape = (3, pixels, pixels)
    with meta:
        assert count(BigGANGenerator(shape, num_classes, width=width, **FAST)) == generator
        assert count(BigGANDiscriminator(shape, num_classes, width=width, **FAST)) == discriminator


def test_parameter_counts_for_cifar10_are_the_reference_s(meta):
    shape = (3, 32, 32)
    plain = {"latent_part": 128, "shared_dim": None, "hierarchical": False, **FAST}
    with meta:
        assert count(BigGANGenerator(shape, 10, width=64, **plain)) == 4_304_387
        assert count(BigGANDiscriminator(shape, 10, width=64, **FAST)) == 4_207_361


@pytest.mark.parametrize("shape", [(1, 16, 16), (4, 32, 24), (3, 64, 64), (3, 128, 128)])
def test_every_size_has_the_promised_shape(shape):
    G, D = BigGANGenerator(shape, 5, 3, width=2), BigGANDiscriminator(shape, 5, width=2)
    label = torch.tensor([0, 4])
    fake = G(torch.randn(2, G.latent_dim), label)
    assert fake.shape == (2, *shape) and fake.abs().max() <= 1
    assert D(fake, label).shape == (2,)


def test_1024_pixels_are_built(meta):
    pixels = 1024
    with meta:
        G = BigGANGenerator((3, pixels, pixels), 5, width=2, **FAST)
        x = G(torch.empty(2, G.latent_dim), torch.zeros(2, dtype=torch.long))
        assert x.shape == (2, 3, pixels, pixels)
        D = BigGANDiscriminator((3, pixels, pixels), 5, width=2, **FAST)
        assert D(x, torch.zeros(2, dtype=torch.long)).shape == (2,)


def test_every_layer_but_the_generator_s_embedding_has_spectral_norm_1():
    G = BigGANGenerator((3, 16, 16), 5, 4, width=4, attention=[8], weight_std=0.5)
    D = BigGANDiscriminator((3, 16, 16), 5, width=4, attention=[8], weight_std=0.5)
    for network, kinds in (G, nn.Conv2d | nn.Linear), (D, nn.Conv2d | nn.Linear | nn.Embedding):
        for layer in network.modules():
            if isinstance(layer, kinds):
                assert is_parametrized(layer)
                norm = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
                assert 0.98 < norm < 1.25  # 15 iterations come close, from above
    assert not is_parametrized(G.shared)


def test_initial_weights_are_orthogonal():
    G = BigGANGenerator((3, 16, 16), 5, 4, width=4, attention=[])
    for weight in G.filters():
        flat = weight.flatten(1)
        gram = flat @ flat.T if len(flat) <= flat.shape[1] else flat.T @ flat
        torch.testing.assert_close(gram, torch.eye(len(gram)), atol=1e-5, rtol=0)
    assert len(G.filters()) == 1 + 2 * (3 + 4) + 1  # start; blocks with gains and biases; end
    assert not any(weight is G.shared.weight for weight in G.filters())


def test_each_block_sees_its_own_part_of_z():
    torch.manual_seed(0)
    G = BigGANGenerator((3, 16, 16), 5, 4, width=4).eval()
    seen = []
    for block in G.blocks:
        block.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[1]))
    z, label = torch.randn(3, G.latent_dim), torch.tensor([0, 1, 4])
    G(z, label)
    for index, condition in enumerate(seen, 1):
        torch.testing.assert_close(condition[:, :-4], G.shared(label))
        torch.testing.assert_close(condition[:, -4:], z[:, 4 * index : 4 * index + 4])


def test_logits_are_a_projection_on_the_class():
    torch.manual_seed(0)
    D = BigGANDiscriminator((3, 16, 16), 5, width=4).eval()
    x, label = torch.randn(3, 3, 16, 16), torch.tensor([0, 1, 4])
    h = D.layers(x).relu().sum((2, 3))
    for row, k in enumerate(label):
        expected = linear(h[row], D.end.weight, D.end.bias) + D.project.weight[k] @ h[row]
        torch.testing.assert_close(D(x, label)[row : row + 1], expected)


@pytest.mark.parametrize(
    ("shape", "options", "match"),
    [
        ((3, 8, 8), {}, "data.resolution=8x8"),
        ((3, 50, 50), {}, "data.resolution=50x50"),
        ((3, 32, 32), {"num_classes": None}, "num_classes=null"),
        ((3, 32, 32), {"shared_dim": None}, "hierarchical=true"),
    ],
)
def test_what_it_cannot_make_is_refused(shape, options, match):
    with pytest.raises(ValueError, match=match):
        BigGANGenerator(shape, **{"num_classes": 5, **options})
