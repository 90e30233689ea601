import numpy as np
import torch

from gan_lab.metrics.fidelity import psnr, ssim


def pictures(seed, *shape):
    return torch.randint(
        256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8
    )


def test_psnr_of_known_errors():
    truth = torch.full((3, 1, 4, 4), 100, dtype=torch.uint8)
    output = truth.clone()
    output[0] += 10
    output[1, 0, 0, 0] += 40  # a mean square of 100, too
    values = psnr(output, truth)
    expected = 10 * np.log10(255**2 / 100)
    np.testing.assert_allclose(values, [expected, expected, 100.0])


def test_ssim_is_equation_13_of_wang():
    output, truth = pictures(0, 2, 2, 13, 14), pictures(1, 2, 2, 13, 14)
    truth = (0.7 * output.double() + 0.3 * truth).byte()
    window = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(window, window) / np.outer(window, window).sum()
    expected = np.zeros(2)
    for b in range(2):
        values = []
        for c in range(2):
            for i in range(3):
                for j in range(4):
                    x, y = (
                        p[b, c, i : i + 11, j : j + 11].double().numpy() for p in (output, truth)
                    )
                    mx, my = (window * x).sum(), (window * y).sum()
                    vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
                    cov = (window * (x - mx) * (y - my)).sum()
                    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
                    values.append(
                        (2 * mx * my + c1) * (2 * cov + c2) / (mx**2 + my**2 + c1) / (vx + vy + c2)
                    )
        expected[b] = np.mean(values)
    np.testing.assert_allclose(ssim(output, truth), expected, rtol=1e-9)


def test_ssim_of_equal_pictures_is_1():
    picture = pictures(0, 1, 3, 16, 16)
    torch.testing.assert_close(ssim(picture, picture), torch.ones(1, dtype=torch.float64))
