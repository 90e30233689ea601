import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from gan_lab.errors import UserError
from gan_lab.networks.squeezenet import SqueezeNet, pretrained


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return SqueezeNet().state_dict()


def test_maps_are_those_of_torchvision(state):
    models = pytest.importorskip("torchvision.models")
    theirs = models.squeezenet1_1(weights=None).eval()
    assert not theirs.load_state_dict(state, strict=False).unexpected_keys
    ours = SqueezeNet().eval()
    ours.load_state_dict(state)
    images = torch.rand(2, 3, 65, 48) * 2 - 1
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 3, 1, 1)
    with torch.no_grad():
        expected = theirs.features((images / 2 + 0.5 - mean) / deviation)
        maps = ours(images)
    assert torch.allclose(maps[-1], expected, atol=1e-5)
    assert [m.shape[1] for m in maps] == [64, 128, 256, 384, 384, 512, 512]


def test_has_the_weights_of_the_paper(state):
    assert len(state) == 50
    assert sum(w.numel() for w in state.values()) == 722_496


@pytest.mark.parametrize("side", [8, 16, 31, 32])
def test_small_pictures_are_enlarged(side):
    assert SqueezeNet()(torch.zeros(1, 3, side, side))[-1].shape[1] == 512


@pytest.mark.parametrize("kind", ["npz", "safetensors", "pth"])
def test_weights_come_from_a_file(kind, state, tmp_path, monkeypatch):
    path = tmp_path / f"weights.{kind}"
    extra = {**state, "classifier.1.bias": torch.zeros(10)}
    if kind == "npz":
        np.savez(path, **{name: w.numpy() for name, w in extra.items()})
    elif kind == "safetensors":
        save_file(extra, path)
    else:
        torch.save(extra, path)
    network = pretrained(str(path))
    assert all(torch.equal(w, state[name]) for name, w in network.state_dict().items())
    assert not any(w.requires_grad for w in network.parameters())
    monkeypatch.setenv("GAN_LAB_SQUEEZENET", str(path))
    assert torch.equal(pretrained().features[0].bias, state["features.0.bias"])


def test_missing_or_wrong_files_are_named(state, tmp_path):
    with pytest.raises(UserError, match=r"absent.pth does not exist.*GAN_LAB_SQUEEZENET"):
        pretrained(str(tmp_path / "absent.pth"))
    (tmp_path / "text.npz").write_text("no weights")
    with pytest.raises(UserError, match=r"text.npz cannot be read"):
        pretrained(str(tmp_path / "text.npz"))
    torch.save({**state, "features.0.bias": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"no features.0.bias of shape \(64,\)"):
        pretrained(str(tmp_path / "other.pth"))


def test_first_weights_do_not_move_the_callers_draws(state, tmp_path):
    torch.save(state, tmp_path / "w.pth")
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    pretrained(str(tmp_path / "w.pth"))
    assert torch.equal(torch.rand(1), expected)
