import hashlib

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from PIL import Image
from support import compose
from torch.testing import assert_close
from torchmetrics.functional.image.lpips import _LPIPS

from gan_lab.data.superres import SuperResolution
from gan_lab.errors import UserError
from gan_lab.metrics.engine import AnsweredFakes, evaluate
from gan_lab.metrics.superres import (
    LPIPS,
    FittedPerceptualDistance,
    LumaPSNR,
    LumaSSIM,
    PerceptualDistance,
    luma,
)
from gan_lab.networks import squeezenet
from gan_lab.networks.squeezenet import SqueezeNet
from gan_lab.ops.bicubic import enlarged

CPU = torch.device("cpu")


def pictures(*shape, seed=0):
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.rand(*shape[:2], 6, 6, generator=draw)
    smooth = torch.nn.functional.interpolate(coarse, shape[2:], mode="bilinear")
    noise = 0.1 * torch.rand(shape, generator=draw)
    return (255 * (0.9 * smooth + noise)).byte()


def prepared(formula, scale=4):
    formula.prepare(SuperResolution(scale=scale), CPU)
    return formula


def inside(picture, border):
    """(C, H, W) uint8 -> (h, w, C) without a border, for scikit-image."""
    return picture[:, border:-border, border:-border].permute(1, 2, 0).numpy()


def test_luma_is_that_of_scikit_image():
    from skimage.color import rgb2ycbcr

    picture = pictures(1, 3, 9, 11)
    theirs = rgb2ycbcr(picture[0].permute(1, 2, 0).numpy())[..., 0]
    np.testing.assert_allclose(luma(picture)[0, 0], theirs, rtol=1e-12)
    ends = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1)
    np.testing.assert_allclose(luma(ends).flatten(), [16, 235])


@pytest.mark.parametrize("scale", [2, 4])
def test_figures_are_those_of_scikit_image(scale):
    from skimage.color import rgb2ycbcr
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    output, truth = pictures(2, 3, 40, 33), pictures(2, 3, 40, 33, seed=1)
    output = (0.9 * truth + 0.1 * output).byte()
    ours = [prepared(f, scale)(output, truth)[:, 0] for f in (LumaPSNR(), LumaSSIM())]
    for row in range(2):
        x, y = (rgb2ycbcr(inside(p[row], scale))[..., 0] for p in (output, truth))
        assert float(ours[0][row]) == pytest.approx(peak_signal_noise_ratio(y, x, data_range=255))
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        theirs = structural_similarity(x, y, data_range=255, **options)
        assert float(ours[1][row]) == pytest.approx(theirs)


def test_the_border_does_not_count():
    truth = pictures(1, 3, 24, 24)
    output = truth.clone()
    output[..., :4, :] = 0
    assert prepared(LumaPSNR())(output, truth).item() == 100


class Bicubic:
    """A model that has learnt nothing."""

    seen: list

    def __init__(self):
        self.seen = []

    def generate(self, batch, *, seed, raw):
        self.seen.append(tuple(batch["low"].shape))
        return enlarged(batch["low"], 4)


def photos(folder):
    for n, (height, width) in enumerate([(40, 50), (48, 44), (61, 45)]):
        for split in ("train", "test"):
            path = folder / split / f"{n}.png"
            path.parent.mkdir(exist_ok=True)
            picture = pictures(1, 3, height, width, seed=n)[0].permute(1, 2, 0).numpy()
            Image.fromarray(picture).save(path)
    return SuperResolution(root=str(folder), crop=16)


def test_pictures_of_different_sizes_are_judged_one_by_one_and_whole(tmp_path):
    data = photos(tmp_path)
    suite = instantiate(compose("data=superres").metrics, _convert_="all")
    extractors = suite.prepare(data, CPU)
    gan = Bicubic()
    records = evaluate(suite, extractors, AnsweredFakes(gan, data, "test"), data, CPU)
    assert extractors == [] and sorted(gan.seen) == [
        (1, 3, 10, 12), (1, 3, 12, 11), (1, 3, 15, 11)
    ]  # fmt: skip
    by_name = {record.name: record for record in records}
    assert {"psnr_y_3", "ssim_y_3", "l1_3"} <= by_name.keys()
    expected = []
    for n in range(3):
        batch = data.rows("test", [n])
        expected.append(prepared(LumaPSNR())(enlarged(batch["low"], 4), batch["high"]).item())
    record = by_name["psnr_y_3"]
    assert record.value == pytest.approx(np.mean(expected), abs=1e-6)
    assert record.beside["bicubic"] == pytest.approx(record.value)
    assert record.protocol.parameters["border"] == 4


def test_a_distance_of_sets_is_refused_where_sizes_differ(tmp_path):
    suite = instantiate(compose("data=superres", "metrics=squeezenet").metrics, _convert_="all")
    with pytest.raises(UserError, match="differ in size.*metrics=auto"):
        suite.prepare(photos(tmp_path), CPU)


def test_fitted_weights_are_read_from_lpips_files(tmp_path):
    torch.manual_seed(0)
    channels = (64, 128, 256, 384, 384, 512, 512)
    state = {f"lin{n}.model.1.weight": torch.rand(1, c, 1, 1) for n, c in enumerate(channels)}
    torch.save(state, tmp_path / "linear.pth")
    torch.save(SqueezeNet().state_dict(), tmp_path / "network.pth")
    path = {"path": str(tmp_path / "network.pth")}
    fitted = FittedPerceptualDistance(linear=str(tmp_path / "linear.pth"), **path)
    plain = PerceptualDistance(**path)
    x, y = pictures(1, 3, 40, 40), pictures(1, 3, 40, 40, seed=1)
    for formula in (fitted, plain):
        formula.prepare(SuperResolution(), CPU)
        assert formula.applies(SuperResolution())
    assert 0 < fitted(x, y) < plain(x, y)  # weights are below 1
    assert fitted.parameters() and fitted(x, x).item() == 0
    with pytest.raises(UserError, match="linear="):
        FittedPerceptualDistance(linear="none.pth", **path).prepare(SuperResolution(), CPU)
    absent = PerceptualDistance(path=str(tmp_path / "absent.pth"))
    assert not absent.applies(SuperResolution())


def test_lpips_is_that_of_torchmetrics_on_torchvisions_network_alone(tmp_path, monkeypatch):
    torch.manual_seed(0)
    network, file = SqueezeNet(), tmp_path / "network.pth"
    torch.save(network.state_dict(), file)
    formula = LPIPS(path=str(file))
    assert not formula.applies(SuperResolution())  # another network's distance has another name
    hashed = hashlib.sha256(file.read_bytes()).hexdigest()[:8]
    monkeypatch.setattr(squeezenet, "FILE", f"squeezenet1_1-{hashed}.pth")
    assert formula.applies(SuperResolution())
    reference = _LPIPS(net="squeeze", pnet_rand=True)
    slices = [layer for part in reference.net.slices for layer in part]
    for ours, theirs in zip(network.features, slices, strict=True):
        theirs.load_state_dict(ours.state_dict())
    x, y = pictures(2, 3, 40, 48), pictures(2, 3, 40, 48, seed=1)
    found = prepared(formula)(x, y)[:, 0]
    expected = reference(x / 127.5 - 1, y / 127.5 - 1).flatten()
    assert_close(found, expected.double(), rtol=1e-4, atol=1e-7)
    assert prepared(FittedPerceptualDistance(path=str(file)))(x, y)[0, 0] == found[0]
