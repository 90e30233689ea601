"""Sharpness of a prediction: "Deep Multi-Scale Video Prediction beyond Mean Square Error" (Mathieu
et al. 2016)."""

from torch import Tensor


def gradient_difference(output: Tensor, truth: Tensor) -> Tensor:
    """L_gdl, Equation 6 with alpha = 1: how far the steps between neighbours differ in size.

    The mean over steps where the paper has the sum, so that the weight does not depend on size.

    Args:
        output, truth: (B, ..., H, W).

    Returns:
        (B,)
    """
    value = 0
    for axis in (-2, -1):
        steps = [(x.narrow(axis, 1, x.shape[axis] - 1) - x.narrow(axis, 0, x.shape[axis] - 1)).abs()
                 for x in (output, truth)]  # fmt: skip
        value = value + (steps[0] - steps[1]).abs().flatten(1).mean(1)
    return value
