import pytest
import torch
from torch import nn

from gan_lab.losses.reconstruction import (
    GradientError,
    PixelError,
    Pretrained,
    ReducedError,
    SquaredError,
    Sum,
)

CPU = torch.device("cpu")


def pictures(seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(3, 2, 8, 8, generator=draw), torch.rand(3, 2, 8, 8, generator=draw)


def test_distances_of_a_constant_difference():
    x, _ = pictures()
    y = x + torch.tensor([0.0, 0.5, -1.0]).view(3, 1, 1, 1)
    for loss in (PixelError(), ReducedError(4)):
        torch.testing.assert_close(loss(y, x), torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(SquaredError()(y, x), torch.tensor([0.0, 0.25, 1.0]))
    torch.testing.assert_close(GradientError()(y, x), torch.zeros(3), atol=1e-6, rtol=0)


def test_means_over_squares_do_not_see_what_lies_in_them():
    x, _ = pictures()
    y = x.view(3, 2, 2, 4, 2, 4).flip(3).reshape(x.shape)  # squares upside down
    torch.testing.assert_close(ReducedError(4)(y, x), torch.zeros(3), atol=1e-6, rtol=0)
    assert PixelError()(y, x).min() > 0.1


def test_a_sum_weighs_its_terms():
    x, y = pictures()
    loss = Sum({"pixel": PixelError(), "square": SquaredError()}, {"square": 3.0})
    torch.testing.assert_close(loss(x, y), PixelError()(x, y) + 3 * SquaredError()(x, y))
    with pytest.raises(ValueError, match="weights.pixle=2.0.*pixel"):
        Sum({"pixel": PixelError()}, {"pixle": 2.0})


class Distance(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x, y):
        return (self.network(x) - self.network(y)).abs().flatten(1).mean(1)


def test_weights_are_read_when_training_starts_and_are_in_no_checkpoint():
    made = []
    loss = Pretrained(Distance, lambda: made.append(nn.Conv2d(2, 1, 1)) or made[0])
    holder = nn.Module()
    holder.content = loss
    assert not made and not holder.state_dict()
    loss.prepare(CPU)
    loss.prepare(CPU)
    assert len(made) == 1 and not holder.state_dict()
    assert loss(*pictures()).shape == (3,)
