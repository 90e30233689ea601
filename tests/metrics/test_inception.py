import pytest
import torch
from metrics.fakes import Data
from PIL import Image

from gan_lab.errors import UserError
from gan_lab.metrics.inception import FILE_BYTES, Inception

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A file of seeded random weights in the original's format."""
    from torch_fidelity import feature_extractor_inceptionv3 as module

    class Kept(module.FeatureExtractorInceptionV3):
        def load_state_dict(self, state):
            return None

    path = tmp_path_factory.mktemp("weights") / "random.pth"
    torch.save({}, path)
    torch.manual_seed(0)
    network = Kept("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(path))
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight)  # or the features would all but vanish
    torch.save(network.state_dict(), path)
    return path


def test_missing_file_is_named_with_its_size_and_place(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LAB_INCEPTION", str(tmp_path / "absent.pth"))
    extractor = Inception()
    assert not extractor.at_hand()
    with pytest.raises(UserError) as caught:
        extractor.prepare(Data(20), CPU)
    message = str(caught.value)
    for part in ("absent.pth", f"{FILE_BYTES:,}", "GAN_LAB_INCEPTION", "hub/checkpoints"):
        assert part in message


def test_failed_download_is_a_message(tmp_path, monkeypatch):
    monkeypatch.delenv("GAN_LAB_INCEPTION", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def fail(*arguments):
        raise OSError("no route")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(UserError, match="no route"):
        Inception().prepare(Data(20), CPU)


def test_hostile_file_is_refused_unread(tmp_path):
    class Hostile:
        def __reduce__(self):
            return (open, (str(tmp_path / "owned"), "w"))

    torch.save({"fc.weight": Hostile()}, tmp_path / "hostile.pth")
    with pytest.raises(UserError, match="hostile.pth"):
        Inception(path=str(tmp_path / "hostile.pth")).prepare(Data(20), CPU)
    assert not (tmp_path / "owned").exists()


def test_other_weights_are_never_called_fid(weights):
    data = Data(20)
    extractor = Inception(path=str(weights))
    extractor.prepare(data, CPU)
    assert extractor.name == f"inception_{extractor.fingerprint[:8]}"
    grey = data.set.images(range(2))
    features, logits = extractor(grey)
    assert (features.shape, logits.shape) == ((2, 2048), (2, 1008))
    assert torch.equal(features, extractor(grey.expand(-1, 3, -1, -1))[0])


def test_features_of_files_equal_torch_fidelitys(weights, tmp_path):
    """The same network, resizing and channel rule, from PNG files on (FID itself: benchmarks)."""
    from torch_fidelity.utils import create_feature_extractor, extract_featuresdict_from_input_id

    data = Data(6, channels=1, size=20)
    for i, image in enumerate(data.set.images(range(6))):
        Image.fromarray(image[0].numpy()).save(tmp_path / f"{i}.png")
    options = {"cuda": False, "feature_extractor_weights_path": str(weights), "verbose": False}
    reference = create_feature_extractor("inception-v3-compat", ["2048"], **options)
    expected = extract_featuresdict_from_input_id(
        1, reference, input1=str(tmp_path), batch_size=6, **options
    )["2048"]
    extractor = Inception(path=str(weights))
    extractor.prepare(data, CPU)
    features = extractor(data.set.images(range(6)))[0]
    assert expected.std(dim=0).mean() > 1e-3  # the pictures are told apart
    assert torch.allclose(features, expected, rtol=1e-4, atol=1e-5)
