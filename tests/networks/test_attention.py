import pytest
import torch

from gan_lab.networks.attention import SelfAttention, halvings_to_attention


def test_starts_as_the_identity():
    torch.manual_seed(0)
    x = torch.randn(2, 16, 4, 6)
    assert torch.equal(SelfAttention(16)(x), x)


def test_agrees_with_one_place_at_a_time():
    torch.manual_seed(0)
    layer, x = SelfAttention(16).eval(), torch.randn(2, 16, 4, 6)
    torch.nn.init.constant_(layer.gamma, 0.7)
    theta, phi, g, o = (
        convolution.weight[:, :, 0, 0] for convolution in (layer.theta, layer.phi, layer.g, layer.o)
    )

    def pooled(features):  # the largest of each 2x2 places, as a list of vectors
        return [features[:, i : i + 2, j : j + 2].amax((1, 2)) for i in (0, 2) for j in (0, 2, 4)]

    expected = x.clone()
    for b in range(2):
        keys = pooled(torch.einsum("kc,chw->khw", phi, x[b]))
        values = pooled(torch.einsum("kc,chw->khw", g, x[b]))
        for i in range(4):
            for j in range(6):
                likeness = torch.stack([theta @ x[b, :, i, j] @ key for key in keys]).exp()
                shares = likeness / likeness.sum()
                seen = sum(share * value for share, value in zip(shares, values, strict=True))
                expected[b, :, i, j] += 0.7 * (o @ seen)
    torch.testing.assert_close(layer(x), expected)


def test_is_placed_at_the_largest_features_that_are_small_enough():
    assert halvings_to_attention(32, height=128, levels=5) == 2
    assert halvings_to_attention(32, height=32, levels=3) == 1  # not at the picture itself
    assert halvings_to_attention(32, height=96, levels=5) == 2  # 24 px
    with pytest.raises(ValueError, match=r"attention=2 .* at least 4"):
        halvings_to_attention(2, height=32, levels=3)
