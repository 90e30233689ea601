import pytest
from omegaconf import OmegaConf
from support import ROOT, target_of
from torch.nn.utils.parametrizations import _SpectralNorm

from gan_lab.apps import sizes
from gan_lab.apps.sizes import SETTINGS, agrees, counts, main
from gan_lab.config import locate

PINNED = [
    setting
    for setting in SETTINGS
    if setting.network in ("BigGAN", "StyleGAN2", "R3GAN")
    and ("CIFAR-10" in setting.where or "256 px" in setting.where)
]
# Rooms of networks that are not papers'.
ROOMS = ("small.", "mlp.", "musegan.", "detectors_conv.", "detectors_mlp.")
OTHERS = tuple(f"gan_lab.networks.{room}" for room in ROOMS)


@pytest.mark.parametrize("setting", PINNED, ids=lambda s: f"{s.network} {s.where}")
def test_counts_are_those_of_the_authors_code(setting, monkeypatch):
    monkeypatch.setattr(_SpectralNorm, "_power_method", lambda *_: None)  # no numbers to iterate on
    assert len(PINNED) == 6
    assert counts(setting) == setting.stated


def test_every_recipe_with_a_paper_s_networks_is_in_the_table():
    recipes = " ".join(setting.recipe for setting in SETTINGS)
    for file in (ROOT / "conf/model").glob("[!_]*.yaml"):
        if locate(target_of(file.stem)).takes != ("image",):
            continue  # models that answer a batch: their own tests pin the papers' sizes
        config = OmegaConf.load(file)
        keys = ("generator._target_", "discriminator._target_")
        players = [OmegaConf.select(config, key) for key in keys]
        a_paper_s = not any((target or OTHERS[0]).startswith(OTHERS) for target in players)
        assert file.stem in recipes or not a_paper_s, file.stem


def test_agreement_is_to_the_digits_that_are_stated():
    assert agrees((1_234_567, 10), (1_234_567, 10))
    assert not agrees((1_234_567, 10), (1_234_568, 10))
    assert agrees((1_234_567, 10), ("1.2 M", None))
    assert not agrees((1_260_000, 10), ("1.2 M", None))
    assert agrees((1_000_000, 500_000), ("1.5 M",))
    assert agrees((1, 2), ()) is None


def test_prints_nothing_but_a_table(capsys):
    main(["model=r3gan_ffhq64"])
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0].startswith("| network |") and lines[1].startswith("| --- |")
    assert "| 22,429,824 | 22,381,440 |" in lines[2] and lines[2].endswith("| yes |")
    assert len(lines) == 3 and printed.err == ""


def test_a_disagreement_is_marked(monkeypatch, capsys):
    monkeypatch.setattr(sizes, "counts", lambda setting: (1, 2))
    main(["r3gan_ffhq64"])
    assert capsys.readouterr().out.splitlines()[2].endswith("| **no** |")


def test_an_unknown_recipe_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["model=r3gam"])
    assert stop.value.code == 2 and "model=r3gam" in capsys.readouterr().err
