import torch
from support import build

from gan_lab.metrics.flicker import Flicker, flicker


def test_only_changes_count():
    truth = torch.rand(2, 3, 1, 4, 4)
    still = torch.zeros(2, 2, 2, 4, 4)
    steady = flicker(truth + 0.3, truth, still)
    torch.testing.assert_close(steady, torch.zeros(2), atol=1e-6, rtol=0)
    output = truth.clone()
    output[1, 1] += 0.5  # a frame that flashes: up, and down again
    torch.testing.assert_close(flicker(output, truth, still), torch.tensor([0.0, 0.5]))


def test_what_moves_along_does_not_flicker():
    """An error that sticks to things is no change; one that stays while they move is."""
    error = torch.rand(1, 1, 12, 12)
    motion = torch.zeros(1, 2, 2, 12, 12)
    motion[:, 0, 1], motion[:, 1, 1] = -1, 1  # things go to the right
    truth = torch.zeros(1, 3, 1, 12, 12)
    stuck = torch.stack([error.roll(t - 1, -1) for t in range(3)], 1)
    kept = torch.stack([error] * 3, 1)
    assert flicker(stuck, truth, motion) < 0.3 * flicker(kept, truth, motion)


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
