import pytest
import torch

from gan_lab.errors import UserError
from gan_lab.networks import vgg
from gan_lab.networks.vgg import VGG19, layer_names, pretrained


def test_layers_are_torchvisions():
    from torchvision.models import vgg19

    with torch.device("meta"):
        ours, theirs = VGG19(["5_4"]).state_dict(), vgg19().state_dict()
    theirs = {k: v.shape for k, v in theirs.items() if k.startswith("features")}
    assert {k: v.shape for k, v in ours.items()} == theirs
    assert layer_names().index("5_4") == 34 and layer_names().index("1_2") == 2


def test_maps_are_those_before_activation(monkeypatch, tmp_path):
    monkeypatch.setattr(vgg, "LEVELS", ((2, 2), (3, 2)))
    torch.manual_seed(0)
    network = VGG19(["1_2", "2_1"])
    torch.save(VGG19(["2_2"]).state_dict(), tmp_path / "small.pth")
    read = pretrained(str(tmp_path / "small.pth"), ["1_2", "2_1"])
    assert not any(w.requires_grad for w in read.parameters())
    images = torch.rand(2, 3, 8, 8) * 2 - 1
    first, second = network(images)
    layers = network.features
    x = ((images + 1) / 2 - network.mean) / network.deviation
    x = layers[2](torch.relu(layers[0](x)))
    torch.testing.assert_close(first, x)
    x = layers[5](torch.nn.functional.max_pool2d(torch.relu(x), 2))
    torch.testing.assert_close(second, x)
    assert second.min() < 0


def test_missing_and_wrong_weights_say_what_to_do(tmp_path):
    with pytest.raises(UserError, match="does not exist.*GAN_LAB_VGG19"):
        pretrained(str(tmp_path / "none.pth"))
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "wrong.pth")
    with pytest.raises(UserError, match="features.0.weight"):
        pretrained(str(tmp_path / "wrong.pth"), ["1_1"])
    with pytest.raises(ValueError, match="layers=6_1"):
        VGG19(["6_1"])
