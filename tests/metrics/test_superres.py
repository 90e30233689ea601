import numpy as np
import pytest
import torch

from gan_lab.data.superres import SuperResolution
from gan_lab.metrics.superres import LumaPSNR, LumaSSIM, luma

CPU = torch.device("cpu")


def pictures(*shape, seed=0):
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.rand(*shape[:2], 6, 6, generator=draw)
    smooth = torch.nn.functional.interpolate(coarse, shape[2:], mode="bilinear")
    noise = 0.1 * torch.rand(shape, generator=draw)
    return (255 * (0.9 * smooth + noise)).byte()


def prepared(formula, scale=4):
    formula.prepare(SuperResolution(scale=scale), CPU)
    return formula


def inside(picture, border):
    """(C, H, W) uint8 -> (h, w, C) without a border, for scikit-image."""
    return picture[:, border:-border, border:-border].permute(1, 2, 0).numpy()


def test_luma_is_that_of_scikit_image():
    from skimage.color import rgb2ycbcr

    picture = pictures(1, 3, 9, 11)
    theirs = rgb2ycbcr(picture[0].permute(1, 2, 0).numpy())[..., 0]
    np.testing.assert_allclose(luma(picture)[0, 0], theirs, rtol=1e-12)
    ends = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1)
    np.testing.assert_allclose(luma(ends).flatten(), [16, 235])


@pytest.mark.parametrize("scale", [2, 4])
def test_figures_are_those_of_scikit_image(scale):
    from skimage.color import rgb2ycbcr
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    output, truth = pictures(2, 3, 40, 33), pictures(2, 3, 40, 33, seed=1)
    output = (0.9 * truth + 0.1 * output).byte()
    ours = [prepared(f, scale)(output, truth)[:, 0] for f in (LumaPSNR(), LumaSSIM())]
    for row in range(2):
        x, y = (rgb2ycbcr(inside(p[row], scale))[..., 0] for p in (output, truth))
        assert float(ours[0][row]) == pytest.approx(peak_signal_noise_ratio(y, x, data_range=255))
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        theirs = structural_similarity(x, y, data_range=255, **options)
        assert float(ours[1][row]) == pytest.approx(theirs)


def test_the_border_does_not_count():
    truth = pictures(1, 3, 24, 24)
    output = truth.clone()
    output[..., :4, :] = 0
    assert prepared(LumaPSNR())(output, truth).item() == 100
