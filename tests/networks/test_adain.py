import pytest
import torch

from gan_lab.networks.adain import StyleDiscriminator, StyleTransferGenerator, adapt, moments


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
    alone = network.decode(network.encode(content))
    torch.testing.assert_close(network(content, style, 0.0), alone)
    assert not torch.allclose(network(content, style), alone)


def test_content_and_style_may_differ_in_size():
    network = StyleTransferGenerator((3, 16, 16), width=4)
    assert network(torch.rand(1, 3, 32, 20), torch.rand(1, 3, 16, 16)).shape == (1, 3, 32, 20)


def test_sides_must_be_multiples_of_four():
    with pytest.raises(ValueError, match="multiples of 4"):
        StyleTransferGenerator((3, 18, 16), halvings=2)


def test_a_map_of_each_size_is_adapted():
    network = StyleTransferGenerator((3, 16, 16), width=4, halvings=2)
    sizes = [m.shape[1:] for m in network.encode(torch.rand(1, 3, 16, 16))]
    assert sizes == [(4, 16, 16), (8, 8, 8), (16, 4, 4)]


def test_with_side_one_a_pixel_changes_itself_alone():
    torch.manual_seed(0)
    network = StyleTransferGenerator((3, 16, 16), width=4, halvings=0, side=1)
    images = torch.rand(1, 3, 16, 16)
    other = images.clone()
    other[..., 8, 8] = 0
    changed = network.decode(network.encode(images)) != network.decode(network.encode(other))
    assert changed.any(1)[0].nonzero().tolist() == [[8, 8]]


def test_a_side_without_a_middle_is_refused():
    with pytest.raises(ValueError, match="side=2"):
        StyleTransferGenerator((3, 16, 16), side=2)


def test_patches_are_told_the_style_whatever_its_places():
    torch.manual_seed(0)
    network = StyleDiscriminator((3, 16, 16), width=4, halvings=1)
    images, style, other = torch.rand(3, 2, 3, 16, 16)
    logits = network(torch.cat([images, style], 1))
    mirrored = network(torch.cat([images, style.flip(3)], 1))
    assert (logits - mirrored).abs().max() < (
        logits - network(torch.cat([images, other], 1))
    ).abs().max()
