import math

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from gan_lab.augment import geometry
from gan_lab.augment.ada import FixedADA
from gan_lab.augment.colour import coloured
from gan_lab.augment.corruption import filter_bank, hashed_normals
from gan_lab.augment.draws import Draws
from gan_lab.augment.pipeline import STEPS

ALL = tuple(STEPS)
NEVER, ALWAYS = 1 - 2.0**-24, 0.0  # what a coin draws


def pictures(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def smooth(num, height, width):
    """Pictures of a few low frequencies, whose value between pixels is known."""
    y = torch.linspace(-1, 1, height, dtype=torch.float64)[:, None]
    x = torch.linspace(-1, 1, width, dtype=torch.float64)
    return torch.stack([torch.sin(2 * x + y + k) for k in range(num)])[:, None].float()


def blit(images, mirror=0.0, quarters=0, x=0, y=0):
    """One chosen blit of all pictures: the draws that lead to it."""
    H, W = images.shape[2:]
    range_x, range_y = W * geometry.SHIFT, H * geometry.SHIFT
    draws = [mirror, ALWAYS, quarters / 4, ALWAYS, 0.5 + x / range_x / 2, 0.5 + y / range_y / 2, 0]
    return FixedADA(1.0, policy=["blit"])(images, torch.tensor([draws] * len(images)))


def test_blits_are_exact_permutations_of_pixels():
    images = pictures(3, 3, 16, 16)
    assert torch.equal(blit(images, mirror=0.5), images.flip(3))
    for quarters in range(4):
        assert torch.equal(blit(images, quarters=quarters), images.rot90(quarters, (2, 3)))
    moved = blit(images, x=2, y=-1)
    assert torch.equal(moved[:, :, :-1, 2:], images[:, :, 1:, :-2])
    assert torch.equal(moved[:, :, :-1, :2], images[:, :, 1:, 1:3].flip(3))  # its mirror image


def test_rectangles_turn_about_their_centre():
    images = pictures(2, 1, 8, 16)
    turned = blit(images, quarters=1)
    assert torch.equal(turned[:, :, :, 4:12], images[:, :, :, 4:12].rot90(1, (2, 3)))


def test_p_0_is_the_identity_bit_for_bit():
    images = pictures(8, 3, 12, 12)
    augment = FixedADA(0.0, policy=ALL)
    assert torch.equal(augment(images, torch.rand(8, augment.num_draws)), images)
    never = FixedADA(0.5)(images, torch.full((8, 28), NEVER))
    assert torch.allclose(never, images, atol=1e-6)


def test_rows_that_nothing_moves_are_not_filtered():
    images = pictures(8, 3, 12, 12)
    draws = torch.rand(8, 18)
    draws[::2] = NEVER
    out = FixedADA(0.9, policy=["blit", "geometry"])(images, draws)
    assert torch.equal(out[::2], images[::2])
    assert not torch.allclose(out[1::2], images[1::2], atol=0.1)


def test_filters_undo_each_other():
    like = torch.float64, torch.device("cpu")
    identity = geometry.halving(16, *like)[:, 6:-6] @ geometry.doubling(16, 0, 0, *like)
    middle = slice(3, -3)  # the rest sees beyond the border
    assert torch.allclose(identity[middle], torch.eye(16, dtype=torch.float64)[middle], atol=1e-9)


@pytest.mark.parametrize("shape", [(16, 16), (12, 20)])
def test_warp_is_the_homography_of_a_smooth_picture(shape):
    H, W = shape
    images = smooth(4, H, W)
    angle = torch.tensor([0.1, -0.2, 0.3, 0.0])
    inverse = geometry.rotation(angle) @ geometry.scaling(torch.full((4,), 0.9), torch.ones(4))
    inverse = inverse @ geometry.translation(torch.tensor([0.0, 0.4, 0, 0.5]), torch.zeros(4))
    out = geometry.transformed(images, inverse)
    rows, columns = torch.arange(H) - (H - 1) / 2, torch.arange(W) - (W - 1) / 2
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    places = torch.stack([x, y, torch.ones_like(x)]).flatten(1)
    x, y, _ = (inverse @ places).view(4, 3, H, W).unbind(1)
    phase = torch.arange(4).view(4, 1, 1)
    expected = torch.sin(2 * x / ((W - 1) / 2) + y / ((H - 1) / 2) + phase)
    middle = (slice(None), slice(4, -4), slice(4, -4))
    assert (out[:, 0][middle] - expected[middle]).abs().max() < 0.01


def test_warp_is_the_slow_chain_of_padding_filtering_and_sampling():
    images = pictures(1, 1, 5, 4).double()
    inverse = geometry.rotation(torch.tensor([0.7])) @ geometry.scaling(
        torch.tensor([0.8]), torch.tensor([1.1])
    )
    margins = (3, 3, 4, 4)
    out = geometry.warped(images, inverse, margins)
    assert torch.allclose(out[0, 0], slow_warp(images[0, 0], inverse[0].double(), margins))


def slow_warp(image, inverse, margins):
    """The same by loops over pixels."""
    taps = geometry.lowpass()
    H, W = image.shape
    left, right, above, below = margins
    mirror = lambda i, n: i if 0 <= i < n else (-i if i < 0 else 2 * (n - 1) - i)  # noqa: E731
    big_h, big_w = H + above + below, W + left + right
    up = torch.zeros(2 * big_h, 2 * big_w, dtype=torch.float64)
    kernel = torch.outer(taps, taps) * 4
    for i in range(big_h):
        for j in range(big_w):
            value = image[mirror(i - above, H), mirror(j - left, W)]
            for a in range(12):
                for b in range(12):
                    y, x = 2 * i + a - 5, 2 * j + b - 5
                    if 0 <= y < 2 * big_h and 0 <= x < 2 * big_w:
                        up[y, x] += kernel[a, b] * value

    def value_at(y, x):
        y0, x0, total = math.floor(y), math.floor(x), 0.0
        for i in (y0, y0 + 1):
            for j in (x0, x0 + 1):
                if 0 <= i < 2 * big_h and 0 <= j < 2 * big_w:
                    total += up[i, j] * (1 - abs(y - i)) * (1 - abs(x - j))
        return total

    out = torch.zeros(H, W, dtype=torch.float64)
    for i in range(H):
        for j in range(W):
            for a in range(12):
                for b in range(12):
                    # An index at the doubled resolution, as pixels from the picture's centre.
                    place = torch.tensor(
                        [(2 * j + b - 5) / 2 - (W - 1) / 2, (2 * i + a - 5) / 2 - (H - 1) / 2, 1]
                    ).double()
                    x, y, _ = (inverse @ place).tolist()
                    y, x = y + (H - 1) / 2 + above, x + (W - 1) / 2 + left
                    out[i, j] += taps[a] * taps[b] * value_at(2 * y, 2 * x)
    return out


def test_margins_change_nothing_if_they_suffice():
    images = pictures(4, 1, 16, 16).double()
    angle = torch.tensor([0.2, -0.3, 0.1, 0.4])
    inverse = geometry.rotation(angle)
    small = geometry.needed_margins(inverse, 16, 16)
    assert max(small) < 15
    expected = geometry.warped(images, inverse, (15, 15, 15, 15))
    assert torch.allclose(geometry.warped(images, inverse, small), expected, atol=1e-6)


def test_filtering_all_rows_gives_what_filtering_some_does():
    images, draws = pictures(16, 3, 16, 12), torch.rand(16, 18)
    numbers, p = Draws(draws), torch.tensor(0.3)
    inverse = geometry.blit(numbers, p, 16, 12) @ geometry.geometry(numbers, p, 16, 12)
    some, every = geometry.transformed(images, inverse), geometry.transformed_all(images, inverse)
    assert torch.allclose(some, every, atol=2e-5)


def test_a_constant_picture_stays_constant():
    images = torch.full((64, 3, 16, 16), 0.7)
    augment = FixedADA(1.0, policy=["blit", "geometry"])
    out = augment(images, torch.rand(64, 18, generator=torch.Generator().manual_seed(0)))
    inside = (out - 0.7).abs().flatten(1).amax(1) < 1e-4
    assert inside.float().mean() > 0.8  # the rest see beyond the mirror image, where there is 0


def test_probability_is_p_for_each_transformation():
    draws = torch.rand(20_000, 28, generator=torch.Generator().manual_seed(0))
    p = torch.tensor(0.36)
    numbers = Draws(draws)
    still = torch.eye(3)
    moved = (geometry.blit(numbers, p, 16, 16) != still).flatten(1).any(1)
    # Mirrored in 1/2 of the cases, turned in 3/4, shifted in all but 1/16 (both coordinates 0).
    expected = 1 - (1 - 0.36 / 2) * (1 - 0.36 * 3 / 4) * (1 - 0.36 * 15 / 16)
    assert moved.float().mean().item() == pytest.approx(expected, abs=0.02)
    turned = 1 - (1 - p).sqrt()
    moved = (geometry.geometry(numbers, p, 16, 16) != still).flatten(1).any(1)
    expected = 1 - (1 - p) ** 3 * (1 - turned) ** 2
    assert moved.float().mean().item() == pytest.approx(expected.item(), abs=0.01)


def test_normals_of_uniforms_are_normal_and_finite():
    grid = (torch.arange(10_000) + 0.5) / 10_000
    numbers = Draws(torch.stack([grid, torch.zeros(10_000), torch.full((10_000,), NEVER)], 1))
    normal = numbers.normal()
    assert normal.mean().abs() < 1e-4 and normal.var().item() == pytest.approx(1, abs=1e-3)
    assert numbers.normal().isfinite().all() and numbers.normal().isfinite().all()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_colour_is_the_chain_of_its_steps(channels):
    images = pictures(1, channels, 4, 4)
    brightness, contrast, hue, saturation = 0.3, 1.4, 0.8, 0.6
    uniform = lambda normal: 0.5 * (1 + math.erf(normal / 2**0.5))  # noqa: E731
    draws = [
        *(uniform(brightness / 0.2), ALWAYS),
        *(uniform(math.log2(contrast) / 0.5), ALWAYS),
        *(0.5, ALWAYS),  # flip
        *((hue / math.pi + 1) / 2, ALWAYS),
        *(uniform(math.log2(saturation)), ALWAYS),
    ]
    out = FixedADA(1.0, policy=["colour"])(images, torch.tensor([draws]))

    axis = torch.ones(3) / 3**0.5
    x = images[0, :3] if channels > 1 else images[0].expand(3, 4, 4)
    x = (x + brightness) * contrast
    x = x - 2 * axis.view(3, 1, 1) * torch.einsum("c,chw->hw", axis, x)
    if channels > 1:
        along = axis.view(3, 1, 1) * torch.einsum("c,chw->hw", axis, x)
        turned = torch.linalg.cross(axis.view(3, 1, 1).expand_as(x), x, dim=0)
        x = x * math.cos(hue) + turned * math.sin(hue) + along * (1 - math.cos(hue))
        x = along + saturation * (x - along)
    assert torch.allclose(out[0, :3], x[:channels], atol=1e-5)
    assert torch.equal(out[0, 3:], images[0, 3:])


def test_colour_keeps_rows_that_nothing_changes():
    images = pictures(4, 3, 5, 5)
    assert torch.equal(coloured(images, torch.eye(4).repeat(4, 1, 1)), images)


def test_filter_bank_splits_a_signal_into_its_bands():
    bank = filter_bank()
    total = bank.sum(0)
    assert bank.shape[0] == 4
    assert abs(total[len(total) // 2] - 1) < 1e-9 and abs(total).sum() - 1 < 1e-9


def test_noise_is_white_and_a_function_of_its_seed():
    normals = hashed_normals(torch.tensor([0.1, 0.1, 0.7]), 50_000)
    assert torch.equal(normals[0], normals[1])
    assert normals.mean(1).abs().max() < 0.02 and (normals.std(1) - 1).abs().max() < 0.02
    assert torch.corrcoef(normals[1:])[0, 1].abs() < 0.02
    assert torch.corrcoef(torch.stack([normals[0, 1:], normals[0, :-1]]))[0, 1].abs() < 0.02


def test_cutout_removes_a_quarter():
    augment = FixedADA(1.0, policy=["cutout"])
    out = augment(torch.ones(1, 3, 8, 8), torch.tensor([[ALWAYS, 0.5, 0.5]]))
    assert (out == 0).sum() == 3 * 16 and not out[:, :, 2:6, 2:6].any()


@pytest.mark.parametrize("shape", [(3, 5, 6), (1, 6, 4)])
def test_differentiable_twice(shape):
    augment = FixedADA(0.8, policy=ALL).double()
    draws = torch.rand(3, augment.num_draws, generator=torch.Generator().manual_seed(1)).double()
    images = pictures(3, *shape).double().requires_grad_()
    assert gradcheck(lambda x: augment(x, draws), images, fast_mode=True)
    assert gradgradcheck(lambda x: augment(x, draws).square(), images, fast_mode=True)


def test_a_row_does_not_depend_on_its_neighbours():
    images = pictures(8, 3, 16, 16)
    augment = FixedADA(0.6)
    draws = torch.rand(8, augment.num_draws, generator=torch.Generator().manual_seed(0))
    whole = augment(images, draws)
    halves = torch.cat([augment(images[:4], draws[:4]), augment(images[4:], draws[4:])])
    assert torch.allclose(whole, halves, atol=2e-5)


def test_computed_in_float32_under_autocast():
    images, augment = pictures(4, 3, 16, 16), FixedADA(1.0)
    draws = torch.rand(4, augment.num_draws)
    expected = augment(images, draws)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(augment(images, draws), expected)
        assert augment(images.bfloat16(), draws).dtype == torch.float32


@pytest.mark.parametrize(
    "options", [{"p": 1.5}, {"p": 0.1, "policy": ["bgc"]}, {"p": 1, "policy": []}]
)
def test_nonsense_is_refused(options):
    with pytest.raises(ValueError, match="p=|policy="):
        FixedADA(**options)


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match="2"):
        FixedADA(0.5)(torch.zeros(1, 2, 8, 8), torch.zeros(1, 28))
