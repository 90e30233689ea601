import torch

from gan_lab.losses.gradient_difference import gradient_difference


def test_it_is_equation_6_of_mathieu():
    draw = torch.Generator().manual_seed(0)
    output, truth = (torch.randn(2, 3, 1, 4, 5, generator=draw) for _ in range(2))
    expected = torch.zeros(2)
    for b in range(2):
        down = [
            ((truth[b, t, 0, i, j] - truth[b, t, 0, i - 1, j]).abs()
             - (output[b, t, 0, i, j] - output[b, t, 0, i - 1, j]).abs()).abs()
            for t in range(3) for i in range(1, 4) for j in range(5)
        ]  # fmt: skip
        across = [
            ((truth[b, t, 0, i, j - 1] - truth[b, t, 0, i, j]).abs()
             - (output[b, t, 0, i, j - 1] - output[b, t, 0, i, j]).abs()).abs()
            for t in range(3) for i in range(4) for j in range(1, 5)
        ]  # fmt: skip
        expected[b] = torch.stack(down).mean() + torch.stack(across).mean()
    torch.testing.assert_close(gradient_difference(output, truth), expected)


def test_brightness_does_not_matter_and_blur_does():
    truth = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert gradient_difference(truth + 0.3, truth) < 1e-6
    assert gradient_difference(truth.mean() * torch.ones_like(truth), truth) > 0.3
