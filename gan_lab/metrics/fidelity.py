"""How near a picture is to the one that it should equal, by formula alone."""

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW, SIGMA = 11, 1.5  # pixels
K1, K2 = 0.01, 0.03
MOST_DECIBELS = 100.0


def psnr(output: Tensor, truth: Tensor) -> Tensor:
    """Peak signal to noise ratio in decibels, 10 log10(255^2 / MSE): (B,) float64.

    Equal pictures have an MSE of 0; they count as 100 dB, so that means stay finite.

    Args:
        output, truth: uint8 (B, C, H, W).
    """
    error = (output.double() - truth.double()).square().flatten(1).mean(1)
    return (10 * torch.log10(255**2 / error)).clamp(max=MOST_DECIBELS)


def ssim(output: Tensor, truth: Tensor) -> Tensor:
    """Structural similarity, Equation 13 of Wang et al. 2004: (B,) float64.

    "Image Quality Assessment: From Error Visibility to Structural Similarity", with their Gaussian
    window of 11x11 pixels, wherever it lies inside; the mean over places and channels.

    Args:
        output, truth: uint8 (B, C, H, W), both sides at least 11.
    """
    B, C, H, W = output.shape
    x, y = (pictures.double().reshape(B * C, 1, H, W) for pictures in (output, truth))
    mean_x, mean_y, xx, yy, xy = blurred(torch.cat([x, y, x * x, y * y, x * y])).chunk(5)
    variance_x, variance_y = xx - mean_x.square(), yy - mean_y.square()
    covariance = xy - mean_x * mean_y
    c1, c2 = (K1 * 255) ** 2, (K2 * 255) ** 2
    value = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    value = value / ((mean_x.square() + mean_y.square() + c1) * (variance_x + variance_y + c2))
    return value.reshape(B, -1).mean(1)


def blurred(x: Tensor) -> Tensor:
    """Means under the Gaussian window, where it lies inside: (B, 1, H, W) -> (B, 1, h, w)."""
    window = torch.arange(WINDOW, dtype=x.dtype, device=x.device) - WINDOW // 2
    window = (-window.square() / (2 * SIGMA**2)).exp()
    window = window / window.sum()
    return F.conv2d(F.conv2d(x, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1))
