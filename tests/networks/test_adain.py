import pytest
import torch

from gan_lab.networks.adain import StyleTransferGenerator, adapt, moments


def test_adapted_content_has_the_moments_of_the_style():
    torch.manual_seed(0)
    content, style = 3 * torch.randn(2, 4, 9, 9) + 1, 0.5 * torch.randn(2, 4, 5, 7) - 2
    for ours, theirs in zip(moments(adapt(content, style)), moments(style), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_adapted_to_itself_nothing_changes_and_affine_changes_of_content_are_lost():
    torch.manual_seed(0)
    content, style = torch.randn(2, 4, 9, 9), torch.randn(2, 4, 9, 9)
    torch.testing.assert_close(adapt(content, content), content)
    other = content * 7 - 3
    torch.testing.assert_close(adapt(other, style), adapt(content, style), rtol=1e-4, atol=1e-4)


def test_strength_goes_from_content_to_style():
    torch.manual_seed(0)
    network = StyleTransferGenerator((3, 16, 16), width=4)
    content, style = torch.rand(2, 2, 3, 16, 16)
    alone = network.decode(network.encode(content)[-1])
    torch.testing.assert_close(network(content, style, 0.0), alone)
    assert not torch.allclose(network(content, style), alone)


def test_content_and_style_may_differ_in_size():
    network = StyleTransferGenerator((3, 16, 16), width=4)
    assert network(torch.rand(1, 3, 32, 20), torch.rand(1, 3, 16, 16)).shape == (1, 3, 32, 20)


def test_sides_must_be_multiples_of_four():
    with pytest.raises(ValueError, match="multiples of 4"):
        StyleTransferGenerator((3, 18, 16), halvings=2)
