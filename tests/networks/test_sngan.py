import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, relu

from gan_lab.networks.sngan import (
    DiscriminatorBlock,
    GeneratorBlock,
    ProjectionHead,
    ResNetDiscriminator,
    ResNetGenerator,
)


def num_weights(network):
    return sum(weight.numel() for weight in network.parameters())


def sizes(blocks, x, *condition):
    """(C, H, W) after each block."""
    seen = []
    for block in blocks:
        x = block(x, *condition)
        seen.append(tuple(x.shape[1:]))
    return seen


def test_networks_have_the_sizes_of_table_4():
    G, D = ResNetGenerator((3, 32, 32)), ResNetDiscriminator((3, 32, 32))
    x = G.start(torch.randn(1, 128))
    assert x.shape == (1, 256, 4, 4)
    assert sizes(G.blocks, x) == [(256, 8, 8), (256, 16, 16), (256, 32, 32)]
    x = torch.randn(1, 3, 32, 32)
    assert sizes(D.blocks, x) == [(128, 16, 16), (128, 8, 8), (128, 8, 8), (128, 8, 8)]
    assert num_weights(G) == 4_276_739


def test_networks_have_the_sizes_of_table_6():
    G = ResNetGenerator((3, 128, 128), width=2, widest=16)
    D = ResNetDiscriminator((3, 128, 128), width=2, widest=16, smallest=4, num_plain=1)
    x = G.start(torch.randn(1, 128))
    assert x.shape == (1, 32, 4, 4)
    assert [channels for channels, _, _ in sizes(G.blocks, x)] == [32, 16, 8, 4, 2]
    x = torch.randn(1, 3, 128, 128)
    halved = [(2, 64, 64), (4, 32, 32), (8, 16, 16), (16, 8, 8), (32, 4, 4)]
    assert sizes(D.blocks, x) == [*halved, (32, 4, 4)]


@pytest.mark.parametrize("shape", [(1, 8, 8), (4, 16, 16), (3, 28, 28), (3, 24, 32)])
def test_small_and_rectangular_pictures(shape):
    fake = ResNetGenerator(shape, latent_dim=4, width=4)(torch.randn(2, 4))
    assert fake.shape == (2, *shape) and fake.abs().max() <= 1
    assert ResNetDiscriminator(shape, width=4)(fake).shape == (2,)


def test_every_layer_of_the_discriminator_has_spectral_norm_1():
    torch.manual_seed(0)
    D = ResNetDiscriminator((3, 16, 16), width=8, num_classes=5)
    with torch.no_grad():
        for weight in D.parameters():
            weight.mul_(3)
        for _ in range(30):
            D(torch.randn(2, 3, 16, 16), torch.tensor([0, 4]))
    kinds = nn.Conv2d | nn.Linear | nn.Embedding
    layers = [module for module in D.modules() if isinstance(module, kinds)]
    assert len(layers) == 3 + 2 * 2 + 2
    D.eval()
    for layer in layers:
        norm = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
        assert abs(norm - 1) < 0.02, layer


def test_shortcuts_are_those_of_the_paper_in_the_other_order():
    torch.manual_seed(0)
    up, down = GeneratorBlock(3, 5), DiscriminatorBlock(3, 4, 5, down=True).eval()
    x = torch.randn(2, 3, 8, 8)
    for batch_norm in (up.norm1, up.norm2):
        batch_norm.track_running_stats = False  # the second pass is the first
    for block in (up, down):
        nn.init.normal_(block.shortcut.bias)
    y = interpolate(relu(up.norm1(x)), scale_factor=2)
    y = up.conv2(relu(up.norm2(up.conv1(y))))
    torch.testing.assert_close(up(x), y + up.shortcut(interpolate(x, scale_factor=2)))
    y = avg_pool2d(down.conv2(relu(down.conv1(relu(x)))), 2)
    torch.testing.assert_close(down(x), y + avg_pool2d(down.shortcut(x), 2))


def test_label_is_projected_on_the_features():
    torch.manual_seed(0)
    head, features = ProjectionHead(6, num_classes=4).eval(), torch.randn(3, 6)
    label = torch.tensor([3, 0, 3])
    expected = [
        head.linear(x).squeeze() + head.embedding.weight[y] @ x
        for x, y in zip(features, label, strict=True)
    ]
    torch.testing.assert_close(head(features, label), torch.stack(expected))
    torch.testing.assert_close(head(features), head.linear(features).squeeze(1))


def test_batch_norm_by_class_starts_as_plain_batch_norm():
    torch.manual_seed(0)
    plain = ResNetGenerator((1, 8, 8), latent_dim=4, width=4)
    by_class = ResNetGenerator((1, 8, 8), latent_dim=4, width=4, num_classes=3)
    by_class.load_state_dict(plain.state_dict(), strict=False)
    z, label = torch.randn(6, 4), torch.arange(6) % 3
    torch.testing.assert_close(by_class(z, label), plain(z))
    nn.init.normal_(by_class.blocks[0].norm1.bias.weight)
    assert (by_class(z, label) - plain(z)).abs().max() > 1e-3
