import torch
from support import build

from gan_lab.metrics.flicker import Flicker, flicker


def test_only_changes_count():
    truth = torch.rand(2, 3, 1, 4, 4)
    torch.testing.assert_close(flicker(truth + 0.3, truth), torch.zeros(2), atol=1e-6, rtol=0)
    output = truth.clone()
    output[1, 1] += 0.5  # a frame that flashes: up, and down again
    torch.testing.assert_close(flicker(output, truth), torch.tensor([0.0, 0.5]))


def test_a_model_is_measured_beside_bicubic():
    size = ["data=superres_video", "data.crop=16", "data.resolution=32"]
    data, gan = build("model=tempogan", *size, "model.generator.num_blocks=1")
    figure = Flicker(num=5)
    assert figure.applies(gan)
    figure.prepare(data, torch.device("cpu"))
    gan.generate = lambda batch, seed: data.baselines(batch)["bicubic"]
    (value,) = figure(gan, 0)
    assert figure.num == 5
    assert abs(value - figure.facts()["flicker_of_bicubic"]) < 1e-5 and value > 0
