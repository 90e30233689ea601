import numpy as np
import pytest
import torch

from gan_lab.data.degradation import (
    Order,
    SecondOrder,
    compressed,
    filtered,
    gaussian_kernel,
    noisy,
    sinc_kernel,
)
from gan_lab.data.superres import SuperResolution


def draws(seed=0):
    return np.random.default_rng(seed)


def photo(side=64):
    y, x = np.mgrid[:side, :side] / side
    return np.stack([np.sin(9 * x + c) * np.cos(7 * y) / 2 + 0.5 for c in range(3)])


def test_a_gaussian_kernel_has_the_variances_it_is_asked_for():
    kernel = gaussian_kernel(3.0, 1.5, np.pi / 2)  # turned: the long axis is upright
    places = np.arange(21) - 10
    variances = [kernel.sum(1 - axis) @ places**2 for axis in (0, 1)]
    np.testing.assert_allclose(variances, [9.0, 2.25], rtol=0.03)
    assert kernel.sum() == pytest.approx(1)


def test_a_sinc_kernel_lets_pass_what_is_below_its_cutoff():
    x = np.arange(200)
    waves = {f: np.tile(np.cos(f * x), (1, 60, 1)) for f in (0.3, 1.2)}
    passed = {f: filtered(w, sinc_kernel(0.75))[0, 30, 40:160] for f, w in waves.items()}
    np.testing.assert_allclose(passed[0.3], waves[0.3][0, 0, 40:160], atol=0.15)
    assert np.abs(passed[1.2]).max() < 0.15


def test_a_flat_picture_stays_flat_under_filters():
    flat = np.full((3, 16, 16), 0.3, np.float32)
    for kernel in (gaussian_kernel(2, 1, 0.5), sinc_kernel(2.0)):
        np.testing.assert_allclose(filtered(flat, kernel), 0.3, rtol=1e-4)


def test_noise_has_the_strength_and_colour_it_is_asked_for():
    grey = np.full((3, 200, 200), 0.5)
    order = Order(gaussian_share=1, gaussian=(10, 10), grey_share=1)
    noise = noisy(grey, order, draws()) - 0.5
    assert noise.std() * 255 == pytest.approx(10, rel=0.02)
    assert np.ptp(noise, axis=0).max() == 0
    order = Order(gaussian_share=0, poisson=(1, 1), grey_share=0)
    ramp = np.linspace(0.1, 0.9, 256 * 256).reshape(1, 256, 256)
    noise = noisy(ramp, order, draws()) - ramp
    dark, bright = noise[:, :64].var(), noise[:, -64:].var()
    assert bright / dark == pytest.approx(0.8 / 0.2, rel=0.1)  # variance grows with brightness


def test_jpeg_of_low_quality_loses_more():
    errors = [
        np.abs(compressed(photo(), Order(quality=(q, q)), draws()) - photo()).mean()
        for q in (95, 30)
    ]
    assert 0 < errors[0] < errors[1] < 0.1


@pytest.mark.parametrize("scale", [2, 4])
def test_the_whole_chain_gives_a_likeness_of_the_right_size(scale):
    high = (photo() * 255).astype(np.uint8)
    for seed in range(8):
        low = SecondOrder()(high, scale, draws(seed))
        assert low.shape == (3, 64 // scale, 64 // scale) and low.dtype == np.uint8
        small = high.reshape(3, 64 // scale, scale, 64 // scale, scale).mean((2, 4))
        assert np.corrcoef(low.ravel(), small.ravel())[0, 1] > 0.5


def test_each_draw_is_keyed_and_rows_for_judging_stay():
    data = SuperResolution(crop=32, batch_size=4, degradation=SecondOrder())
    make = data.minibatches(0, 4)
    again = SuperResolution(crop=32, batch_size=4, degradation=SecondOrder()).minibatches(2, 2)
    assert torch.equal(make(5)["low"][2:], again(5)["low"])
    assert not torch.equal(make(5)["low"], make(6)["low"])
    rows = [data.rows("test", [1])["low"] for _ in range(2)]
    assert torch.equal(*rows)
    assert data.fingerprint() != SuperResolution(crop=32).fingerprint()


def test_ranges_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match=r"blur=\[3, 1\]"):
        Order(blur=(3, 1))
