import pytest
import torch
from support import build, fit

from gan_lab.augment.flip import Flip


def test_half_of_the_draws_mirror():
    images = torch.arange(2 * 3 * 4 * 5.0).view(2, 3, 4, 5)
    flipped = Flip()(images, torch.tensor([[0.49], [0.5]]))
    assert torch.equal(flipped, torch.stack([images[0].flip(2), images[1]]))


def test_points_are_refused():
    data, gan = build("model=gan", "data=gaussians", "augment=flip")
    with pytest.raises(ValueError, match="augment=none"):
        fit(gan, data, steps=1)
