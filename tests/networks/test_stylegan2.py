import math

import pytest
import torch
from torch.nn.functional import conv2d, leaky_relu

from gan_lab.networks.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator
from gan_lab.ops.resample import fir, resample

FILTER = fir([1.0, 3.0, 3.0, 1.0])


def generator(shape=(3, 16, 16), **options):
    torch.manual_seed(0)
    options = {"latent_dim": 6, "w_dim": 5, "width": 2, "mapping_depth": 2, **options}
    return scrambled(StyleGAN2Generator(shape, **options).eval())


def discriminator(shape=(3, 16, 16), **options):
    torch.manual_seed(0)
    return scrambled(StyleGAN2Discriminator(shape, width=2, mapping_depth=2, **options))


def scrambled(network):
    """Biases and noise strengths start at 0, where a mistake could hide."""
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.3 * torch.randn_like(weight)
    return network.requires_grad_(False)


def activation(x):
    return leaky_relu(x, 0.2) * math.sqrt(2)


def linear(weights, name, x, lr_multiplier=1.0):
    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return x @ weight.T * (lr_multiplier / math.sqrt(weight.shape[1])) + bias * lr_multiplier


def enlarged(x):
    return resample(x, FILTER, up=2, padding=(2, 1, 2, 1), gain=4)


def slow_layer(weights, name, x, w, up):
    """One row (1, I, H, W) through Figure 2c: a style, its weights, noise, bias."""
    style = linear(weights, f"{name}.affine", w)
    own = weights[f"{name}.weight"] * style[:, None, None]
    own = own / (own.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
    if up:
        x = conv2d(resample(x, FILTER, up=2, padding=(3, 2, 3, 2), gain=4), own.flip(2, 3))
    else:
        x = conv2d(x, own, padding=1)
    x = x + weights[f"{name}.noise"] * weights[f"{name}.noise_strength"]
    return activation(x + weights[f"{name}.bias"][:, None, None])


def slow_picture(weights, ws, levels):
    """One row of ws (L, D) to a picture (C, H, W)."""
    x, picture, layer = weights["const"][None], 0, 0
    for level in range(levels + 1):
        block = f"blocks.{level}"
        if level:
            x = slow_layer(weights, f"{block}.conv0", x, ws[layer], up=True)
            picture, layer = enlarged(picture), layer + 1
        x = slow_layer(weights, f"{block}.conv1", x, ws[layer], up=False)
        layer += 1
        style = linear(weights, f"{block}.torgb.affine", ws[layer]) / math.sqrt(x.shape[1])
        own = weights[f"{block}.torgb.weight"] * style[:, None, None]
        picture = picture + conv2d(x, own) + weights[f"{block}.torgb.bias"][:, None, None]
    return picture[0]


def test_generator_agrees_with_a_slow_plain_one():
    network = generator((2, 16, 12))
    z = torch.randn(3, 6)
    w = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
    for layer in range(2):
        w = activation(linear(network.mapping.state_dict(), f"layers.{layer}", w, 0.01))
    ws = network.mapping(z)
    torch.testing.assert_close(ws, w[:, None].expand(-1, network.num_ws, -1))
    ws = ws + 0.3 * torch.randn_like(ws)  # another w for each layer
    weights = network.synthesis.state_dict()
    expected = torch.stack([slow_picture(weights, row, levels=2) for row in ws])
    torch.testing.assert_close(network.synthesis(ws), expected, rtol=1e-4, atol=1e-4)


def test_discriminator_agrees_with_a_slow_plain_one():
    network = discriminator((2, 16, 12), num_classes=5)
    x, label = torch.randn(4, 2, 16, 12), torch.tensor([0, 4, 4, 1])
    weights = network.state_dict()

    def convolution(x, name, activated=True, down=False):
        weight = weights[f"{name}.weight"]
        margin = weight.shape[-1] // 2
        if down:
            x = resample(x, FILTER, padding=(1 + margin,) * 4)
            x = conv2d(x, weight / math.sqrt(weight[0].numel()))[:, :, ::2, ::2]
        else:
            x = conv2d(x, weight / math.sqrt(weight[0].numel()), padding=margin)
        if not activated:
            return x
        return activation(x + weights[f"{name}.bias"][:, None, None])

    h = convolution(x, "fromrgb")
    for block in ("blocks.0", "blocks.1"):
        around = convolution(h, f"{block}.skip", activated=False, down=True)
        through = convolution(convolution(h, f"{block}.conv0"), f"{block}.conv1", down=True)
        h = (around + through) / math.sqrt(2)
    deviation = (h.var(0, correction=0) + 1e-8).sqrt().mean()
    h = convolution(torch.cat([h, deviation.expand(4, 1, 4, 3)], 1), "conv")
    h = linear(weights, "out", activation(linear(weights, "linear", h.flatten(1))))
    y = linear(weights, "embed", torch.eye(5)[label])
    y = y / (y.square().mean(1, keepdim=True) + 1e-8).sqrt()
    for layer in range(2):
        y = activation(linear(weights, f"mapping.{layer}", y, 0.01))
    expected = (h * y).sum(1) / math.sqrt(h.shape[1])
    torch.testing.assert_close(network(x, label), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "resolution, width, mapping_depth, num_classes, residual, numbers",
    [
        (32, 512, 2, None, False, (19_947_539, 20_720_641)),  # cifar
        (32, 512, 2, 10, False, (20_215_315, 23_089_664)),  # cifar with labels
        (256, 64, 8, None, True, (24_767_458, 24_001_089)),  # paper256
        (256, 64, 2, None, True, (23_191_522, 24_001_089)),  # auto at 256 pixels
        (1024, 32, 8, None, True, (30_370_060, 29_012_513)),  # configuration F
    ],
)
def test_as_many_parameters_as_the_reference_implementation(
    resolution, width, mapping_depth, num_classes, residual, numbers
):
    shape = (3, resolution, resolution)
    with torch.device("meta"):
        g = StyleGAN2Generator(
            shape, width=width, mapping_depth=mapping_depth, num_classes=num_classes
        )
        d = StyleGAN2Discriminator(shape, width=width, num_classes=num_classes, residual=residual)
    assert tuple(sum(w.numel() for w in network.parameters()) for network in (g, d)) == numbers


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 24), (4, 20, 28), (1, 28, 28)])
def test_sizes_and_channels(shape):
    network = generator(shape)
    pictures = network(torch.randn(2, 6))
    assert pictures.shape == (2, *shape) == (2, *network.shape)
    assert discriminator(shape)(pictures).shape == (2,)


def test_a_size_that_doubling_cannot_reach_is_refused():
    with pytest.raises(ValueError, match="data.resolution=50x50"):
        generator((3, 50, 50))


def test_noise_is_split_over_the_layers():
    network = generator()
    layers = [m for m in network.synthesis.modules() if hasattr(m, "noise_strength")]
    constant = torch.cat([layer.noise.flatten() for layer in layers])
    assert len(constant) == network.num_noise == 16 + 2 * 64 + 2 * 256
    z = torch.randn(2, 6)
    same = network(z, noise=constant.expand(2, -1))
    torch.testing.assert_close(same, network(z))
    assert not torch.allclose(network(z, noise=torch.randn(2, network.num_noise)), same)


def test_truncation_draws_w_to_its_average():
    network = generator(num_classes=3)
    network.mapping.w_avg.normal_()
    z, label = torch.randn(2, 6), torch.tensor([0, 2])
    ws, average = network.mapping(z, label), network.mapping.w_avg
    drawn = network.mapping(z, label, 0.7)
    torch.testing.assert_close(drawn, average + 0.7 * (ws - average))
    torch.testing.assert_close(drawn[:, 0], drawn[:, -1])
    ours = network(z, label, truncation=0.7)
    torch.testing.assert_close(ours, network.synthesis(drawn))


def test_average_w_moves_in_training_alone_and_can_be_held():
    mapping = generator().mapping
    z = torch.randn(16, 6)
    mapping(z)
    assert not mapping.w_avg.any()
    mapping.train()
    w = mapping(z)[:, 0]
    torch.testing.assert_close(mapping.w_avg, 0.005 * w.mean(0))
    held = mapping.w_avg.clone()
    mapping.keeps_statistics = False
    mapping(z)
    assert torch.equal(mapping.w_avg, held)


def test_labels_between_two_classes():
    network = generator(num_classes=3)
    z, one = torch.randn(1, 6), torch.eye(3)
    ids = [network(z, torch.tensor([k])) for k in range(3)]
    torch.testing.assert_close(network(z, one[1:2]), ids[1])
    assert not torch.allclose(network(z, (one[1:2] + one[2:]) / 2), ids[1])


def test_clamp_bounds_the_layers():
    network = generator(clamp=0.1)
    outputs = []
    for module in network.modules():
        if hasattr(module, "noise_strength"):
            module.register_forward_hook(lambda m, i, out: outputs.append(out.abs().max()))
    network(torch.randn(2, 6))
    assert len(outputs) == 5 and max(outputs) <= 0.1
    x = 100 * torch.randn(4, 3, 16, 16)
    assert discriminator(clamp=0.1)(x).abs().max() < discriminator()(x).abs().max()


def test_pictures_are_float32_and_close_under_autocast():
    network, z = generator(width=8), torch.randn(4, 6)
    exact = network(z)
    with torch.autocast("cpu", torch.bfloat16):
        rough = network(z)
    assert rough.dtype == torch.float32
    assert (rough - exact).norm() < 0.03 * exact.norm()


def test_exports_for_any_number_of_rows():
    network, rows = generator((1, 8, 8)), torch.export.Dim("rows", min=2)
    z = torch.randn(2, 6)
    exported = torch.export.export(network, (z,), dynamic_shapes={"z": {0: rows}}).module()
    z = torch.randn(5, 6)
    torch.testing.assert_close(exported(z), network(z))
