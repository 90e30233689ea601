import math

import pytest
import torch
from torch.nn.functional import conv2d, leaky_relu, pad

from gan_lab.networks.stylegan3 import FourierFeatures, Layer, Signal, StyleGAN3Generator, plan
from gan_lab.ops.filtered import Jinc, Kaiser

SMALL = {"latent_dim": 8, "w_dim": 12, "width": 6, "num_layers": 4, "margin": 3}
R = {"kernel": 1, "lowpass": Jinc()}


def generator(shape=(3, 16, 16), seed=0, **options):
    torch.manual_seed(seed)
    return StyleGAN3Generator(shape, **{**SMALL, **options}).eval()


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    "options, size", [({}, 28_472_133), ({"width": 1024, **R}, 18_816_387)], ids=["T", "R"]
)
def test_parameters_at_256_pixels_are_those_of_the_reference(options, size):
    with torch.device("meta"):
        network = StyleGAN3Generator((3, 256, 256), **options)
    assert count(network) == size
    assert count(network.mapping) == 525_312


def test_plan_at_256_pixels_is_that_of_the_reference():
    signals = plan(256, 3, 512, 32.0, 14, 2, 10, 2.0, 2**2.1, 2**0.3)
    sizes = [36, 36, 36, 52, 52, 84, 84, 148, 148, 148, 276, 276, 276, 256, 256]
    assert [signal.size for signal in signals] == sizes
    widths = [512] * 9 + [362, 256, 181, 128, 128, 3]
    assert [signal.channels for signal in signals] == widths
    assert [signal.cutoff for signal in signals[-3:]] == [128.0] * 3


@pytest.mark.parametrize("size", [16, 64])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("options", [{}, R], ids=["T", "R"])
def test_pictures_have_their_shape(size, channels, options):
    network = generator((channels, size, size), num_classes=5, **options)
    z, label = torch.randn(2, 8), torch.tensor([0, 4])
    assert network(z, label).shape == (2, channels, size, size)
    ws = network.mapping(z, label, 0.5)
    assert ws.shape == (2, network.num_ws, network.w_dim)
    expected = network(z, label, truncation=0.5)
    torch.testing.assert_close(network.synthesis(ws, None), expected)
    assert network.num_noise == 0


@pytest.mark.parametrize("shape", [(3, 48, 48), (3, 32, 64), (3, 8, 8)])
def test_sizes_that_it_cannot_make_are_refused(shape):
    with pytest.raises(ValueError, match=f"data.resolution={shape[1]}x{shape[2]}"):
        StyleGAN3Generator(shape)


def test_too_few_layers_are_refused():
    with pytest.raises(ValueError, match="num_layers=2 must exceed num_critical=2"):
        generator(num_layers=2)


def plain_layer(layer, x, w):
    """A layer by its definition: weights of each row, zeros inserted, whole convolutions."""
    rows = []
    for row, style in zip(x, layer.affine(w), strict=True):
        weight = layer.weight * style[:, None, None]
        weight = weight / weight.square().sum((1, 2, 3), keepdim=True).sqrt()
        row = row[None] / layer.magnitude_ema.sqrt()
        y = conv2d(row, weight, padding=weight.shape[-1] - 1) + layer.bias[:, None, None]
        C, H, W = y.shape[1:]
        sparse = y.new_zeros(1, C, H * layer.up, W * layer.up)
        sparse[:, :, :: layer.up, :: layer.up] = y
        y = layer.up**2 * filtered(pad(sparse, layer.padding), layer.up_filter)
        y = (leaky_relu(y, 0.2) * math.sqrt(2)).clamp(-layer.clamp, layer.clamp)
        rows.append(filtered(y, layer.down_filter)[:, :, :: layer.down, :: layer.down])
    return torch.cat(rows)


def filtered(x, filter):
    """Convolved where the filter fits (both kinds of filter are symmetric)."""
    filter = torch.outer(filter, filter) if filter.ndim == 1 else filter
    return conv2d(x, filter.expand(x.shape[1], 1, *filter.shape), groups=x.shape[1])


@pytest.mark.parametrize("kernel, lowpass", [(3, Kaiser()), (1, Jinc())], ids=["T", "R"])
@pytest.mark.parametrize("rates", [(8, 8), (8, 16), (16, 8)])
def test_layer_is_its_definition(kernel, lowpass, rates):
    torch.manual_seed(0)
    before, after = (Signal(5 - i, rate + 6, rate, 2.0, 3.0) for i, rate in enumerate(rates))
    layer = Layer(
        7,
        before,
        after,
        lowpass=lowpass,
        kernel=kernel,
        num_taps=6,
        oversampling=2,
        clamp=1.5,
        magnitude_beta=0.9,
    )
    torch.nn.init.normal_(layer.bias)
    layer.magnitude_ema.fill_(2.5)
    x, w = torch.randn(3, 5, before.size, before.size), torch.randn(3, 7)
    out = layer.eval()(x, w)
    assert out.shape == (3, 4, after.size, after.size)
    torch.testing.assert_close(out, plain_layer(layer, x, w), rtol=1e-4, atol=1e-5)


def test_fourier_features_are_waves_that_a_transform_moves():
    torch.manual_seed(0)
    signal = Signal(20, size=12, sampling_rate=8, cutoff=2.0, half_width=1.0)
    features = FourierFeatures(4, signal)
    assert features.frequencies.norm(dim=1).max() < 2
    features.weight.data.copy_(math.sqrt(20) * torch.eye(20))
    w = torch.randn(1, 4)
    x = features(w)[0]
    place = (torch.arange(12) - 5.5) / 8
    fx, fy = features.frequencies[:, 0, None, None], features.frequencies[:, 1, None, None]
    cycles = fx * place + fy * place[:, None] + features.phases[:, None, None]
    torch.testing.assert_close(x, torch.sin(2 * torch.pi * cycles), rtol=1e-4, atol=1e-5)

    shift = torch.eye(3)
    shift[0, 2], shift[1, 2] = -2 / 8, 1 / 8  # the picture moves right by 2 pixels, up by 1
    moved = features(w, shift)[0]
    torch.testing.assert_close(moved[:, :-1, 2:], x[:, 1:, :-2], rtol=1e-4, atol=1e-5)
    quarter = torch.tensor([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    torch.testing.assert_close(features(w, quarter)[0], x.rot90(-1, (1, 2)), rtol=1e-4, atol=1e-5)
    each = torch.stack([shift, quarter])
    both = features(w.expand(2, -1), each)
    torch.testing.assert_close(both, torch.stack([moved, features(w, quarter)[0]]))


def test_w_rotates_and_shifts_its_features():
    torch.manual_seed(0)
    features = FourierFeatures(2, Signal(6, 10, 8, 2.0, 1.0))
    with torch.no_grad():
        features.affine.bias.copy_(torch.tensor([0.0, 3.0, 0.25, 0.0]))  # a quarter turn, a shift
    linear, shift = features.transform(torch.zeros(1, 2))
    torch.testing.assert_close(linear[0], torch.tensor([[0.0, -1.0], [1.0, 0.0]]))
    torch.testing.assert_close(shift[0, :, 0], torch.tensor([0.0, -0.25 / 3]))


def test_frequencies_beyond_the_pixels_fade_out():
    features = FourierFeatures(2, Signal(6, 10, 8, 2.0, 1.0))
    finer = torch.diag(torch.tensor([1e3, 1e3, 1.0]))
    assert features(torch.zeros(1, 2), finer).abs().max() == 0


def test_rows_do_not_see_each_other():
    network = generator().train()
    z = torch.randn(4, 8)
    statistics = {k: v.clone() for k, v in network.state_dict().items()}
    together = network(z)
    network.load_state_dict(statistics)
    torch.testing.assert_close(together[2:3], network(z[2:3]), rtol=1e-4, atol=1e-5)


def test_statistics_move_in_training_alone_and_only_where_they_may():
    network = generator()
    names = [n for n, _ in network.named_buffers() if n.endswith(("w_avg", "magnitude_ema"))]
    assert len(names) == 1 + 4 + 1

    def moved():
        before = {n: b.clone() for n, b in network.named_buffers()}
        network(torch.randn(4, 8))
        return [n for n, b in network.named_buffers() if not torch.equal(b, before[n])]

    assert moved() == []
    network.train()
    assert sorted(moved()) == sorted(names)
    for module in network.modules():
        if hasattr(module, "keeps_statistics"):
            module.keeps_statistics = False
    assert moved() == []


def test_magnitudes_follow_the_mean_square_of_what_comes_in():
    network = generator(magnitude_beta=0.5).train()
    layer, seen = network.synthesis.layers[0], []
    layer.register_forward_pre_hook(lambda _, args: seen.append(args[0].square().mean()))
    network(torch.randn(4, 8))
    torch.testing.assert_close(layer.magnitude_ema, (1 + seen[0].detach()) / 2)


def test_no_truncation_is_left_of_a_latent_at_psi_0():
    network = generator()
    network.mapping.w_avg.normal_()
    pictures = network(torch.randn(2, 8), truncation=0.0)
    torch.testing.assert_close(pictures[0], pictures[1])


@pytest.mark.parametrize("options", [{}, R], ids=["T", "R"])
def test_it_can_be_differentiated_twice(options):
    network = generator(**options)
    ws = network.mapping(torch.randn(2, 8))
    (slope,) = torch.autograd.grad(network.synthesis(ws).square().sum(), ws, create_graph=True)
    slope.square().sum().backward()
    assert all(w.grad.abs().sum() > 0 for w in network.synthesis.layers[1].parameters())


@pytest.mark.parametrize("options", [{}, R], ids=["T", "R"])
def test_half_precision_stays_near_and_returns_float32(options):
    network, z = generator(**options), torch.randn(4, 8)
    exact = network(z)
    with torch.autocast("cpu", torch.bfloat16):
        half = network(z)
    assert half.dtype == torch.float32
    assert (half - exact).norm() < 0.05 * exact.norm()


def test_it_can_be_exported():
    network, z = generator(num_layers=3), torch.randn(2, 8)
    with torch.no_grad():
        program = torch.export.export(network, (z,))
        torch.testing.assert_close(program.module()(z), network(z))
