"""Figures of the generator itself, in a suite."""

import math
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from metrics.fakes import CPU, Data, Echo, Pixels, figures
from metrics.test_path_length import LinearGAN, SquaredDistance
from support import build

from gan_lab.metrics.features import Formula
from gan_lab.metrics.frechet import FrechetDistance
from gan_lab.metrics.generator import GeneratorFigure
from gan_lab.metrics.path_length import PathLengthW, PathLengthZ
from gan_lab.metrics.protocol import Record, same_protocol
from gan_lab.metrics.suite import Suite
from gan_lab.networks.squeezenet import SqueezeNet

CONF = str(Path(__file__).parents[2] / "conf")


class Sharpness(GeneratorFigure):
    """A figure without a network."""

    names, lower_is_better, num = ("sharpness",), False, 20

    def applies(self, gan):
        return gan.noise < 0.3

    def parameters(self):
        return {"power": 2}

    def __call__(self, gan, seed):
        return (gan.sample(self.num, seed=seed).square().mean().item(),)


def suite(**of_generator):
    return Suite(
        {"pixels": Pixels()}, {"fd": FrechetDistance()}, block=70, of_generator=of_generator
    )


def test_records_follow_those_of_the_samples_with_their_protocol():
    data = Data()
    records = figures(suite(sharp=Sharpness()), data, Echo(data.set, 0.1), seed=5)
    assert [r.name for r in records] == ["fd_pixels_300", "sharpness_20"]
    record = records[1]
    assert not record.lower_is_better and math.isfinite(record.value)
    protocol = record.protocol
    assert (protocol.metric, protocol.extractor, protocol.num_fake) == ("sharpness", "none", 20)
    assert (protocol.parameters, protocol.seed) == ({"power": 2}, 5)
    assert Record.from_dict(record.to_dict()) == record
    assert not same_protocol(protocol, records[0].protocol)


def test_figures_that_do_not_apply_are_left_out():
    data = Data()
    assert len(figures(suite(sharp=Sharpness()), data, Echo(data.set, 0.4))) == 1


def test_path_lengths_are_named_after_network_and_count():
    data, gan = Data(20), LinearGAN()
    gan.num_classes = None
    gan.sample = lambda num, *, seed, label=None, raw=False: torch.zeros(num, 1, 8, 8)
    paths = {
        "z": PathLengthZ(SquaredDistance(), extractor="pixels", num=1000),
        "w": PathLengthW(SquaredDistance(), extractor="pixels", num=1000, positions="end"),
    }
    names = [r.name for r in figures(suite(**paths), data, gan)]
    assert names[1:] == ["ppl_z_full_pixels_1k", "ppl_w_end_pixels_1k"]


def test_config_of_the_figures_builds(tmp_path, monkeypatch):
    torch.save(SqueezeNet().state_dict(), tmp_path / "weights.pth")
    monkeypatch.setenv("GAN_LAB_SQUEEZENET", str(tmp_path / "weights.pth"))
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose(overrides=["+metrics=generator"])
    made = instantiate(config.metrics, _convert_="all")
    made.prepare(Data(20), CPU)
    names = [name for figure in made.of_generator for name in figure.names]
    assert {"ppl_z_full", "ppl_w_end", "cas", "cas_of_reals"} <= set(names)


@pytest.mark.parametrize("kind", [Formula, GeneratorFigure])
def test_what_is_not_written_is_not_computed(kind):
    with pytest.raises(NotImplementedError):
        kind()(None, None, None) if kind is Formula else kind()(None, 0)


def test_a_style_based_generator_with_labels_has_all_of_them(tmp_path, monkeypatch):
    torch.save(SqueezeNet().state_dict(), tmp_path / "weights.pth")
    monkeypatch.setenv("GAN_LAB_SQUEEZENET", str(tmp_path / "weights.pth"))
    data, gan = build(
        "model=stylegan2_conditional",
        "data.resolution=16",
        "model.generator.latent_dim=8",
        "model.generator.w_dim=8",
    )
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose(
            overrides=[
                "+metrics=generator",
                "metrics.num_fake=40",
                "metrics.num_real=40",
                "metrics.block=20",
                "+metrics.extractors.squeezenet.side=32",
                "metrics.of_generator.path_z.num=20",
                "metrics.of_generator.path_w.num=20",
                "+metrics.of_generator.classification.split=train",
                "+metrics.of_generator.classification.num_images=400",
                "metrics.of_generator.classification.num=100",
            ]
        )
    made = instantiate(config.metrics, _convert_="all")
    before = torch.get_rng_state()
    first, second = (figures(made, data, gan) for _ in range(2))
    assert first == second and torch.equal(torch.get_rng_state(), before)
    assert [r.name for r in first] == [
        "fd_squeezenet_40",
        "ppl_z_full_squeezenet_20",
        "ppl_w_end_squeezenet_20",
        "cas_classifier_100",
        "cas_of_reals_classifier_100",
    ]
    assert all(math.isfinite(r.value) and r.value >= 0 for r in first)
