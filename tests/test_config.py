"""Every config composes and fits its Python; every mistake is named with what was meant."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import hydra
import pytest
from omegaconf import OmegaConf
from support import compose as composed

from gan_lab import config
from gan_lab.command_line import mistakes
from gan_lab.errors import UserError
from gan_lab.training import build_data

ROOT = Path(__file__).resolve().parents[1]
CONF = ROOT / "conf"
CHOICES = [
    f"{file.parent.relative_to(CONF).as_posix()}={file.stem}"
    for file in sorted(CONF.glob("*/**/*.yaml"))
    if not file.stem.startswith("_") and "hydra" not in file.parts
]


def compose(*overrides, name="train"):
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        return hydra.compose(name, list(overrides))


@pytest.mark.parametrize("choice", CHOICES)
def test_every_config_composes_and_fits_what_it_names(choice):
    group, name = choice.split("=")
    if group == "mode":
        cfg = compose(choice, name="sample")
    elif group.startswith("mode/"):
        cfg = compose("mode=projection", choice, name="sample")
    elif group.startswith("model/"):
        cfg = compose("model=srgan", choice)
    elif group == "experiment/zoo":
        cfg = compose(f"experiment=zoo/{name}")
    else:
        cfg = compose("data=folder", choice) if group == "data" else compose(choice)
    config.validate(cfg)


MISTAKES = {
    "modl.accumulate=1": "there is no option `modl.accumulate`. Did you mean `model.accumulate`?",
    "trainer.kimgs=3": "there is no option `trainer.kimgs`. Did you mean `trainer.kimg`?",
    "kimg=3": "there is no option `kimg`. Did you mean `trainer.kimg`",
    "sede=1": "there is no option `sede`. Did you mean `seed`?",
    "modle=gan": "there is no option `modle`. Did you mean `model`",
    "model=wgan_pg": "model=wgan_pg: there is no such model. Did you mean `wgan_gp`",
    "data=digit": "data=digit: there is no such data. Did you mean `digits`?",
    "data=mnist,digit": "data=digit: there is no such data",
    "model=_base": "model=_base: there is no such model",
    "~callbacks.evalution": "there is no option `callbacks.evalution`. Did you mean",
    "+seed=1": "+seed: there is a `seed` already; write seed=... without the plus.",
    "hydra.launcher.njobs=2": "there is no option `hydra.launcher.njobs`. Did you mean",
    "seed=[1,": "cannot read `seed=[1,`",
    "model.clip_value=1": "there is no option `model.clip_value`",
    "trainer.acelerator=gpu": "Did you mean `trainer.accelerator`?",
}


@pytest.mark.parametrize("argument", MISTAKES)
def test_a_mistake_is_named_with_the_nearest_right_thing(argument):
    messages = mistakes(CONF, "train", [argument])
    assert len(messages) == 1
    assert MISTAKES[argument] in messages[0]


def test_right_arguments_are_not_mistakes():
    right = "seed=1,2 model=gan trainer.kimg=1 +note=x ++trainer.kimg=2 ~callbacks.samples -m"
    assert mistakes(CONF, "train", right.split()) == []


def test_all_mistakes_are_told_at_once():
    assert len(mistakes(CONF, "train", ["data=digit", "sede=1", "trainer.kimg=1"])) == 2


def run(*arguments, seconds=60):
    command = [sys.executable, "train.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=seconds
    )


def test_the_command_prints_one_message_and_exits_with_2():
    for flags in ([], ["-m"], ["--cfg", "job"]):
        done = run(*flags, "trainer.kimgs=3")
        assert done.returncode == 2
        assert done.stderr == (
            "error: there is no option `trainer.kimgs`. Did you mean `trainer.kimg`?\n"
        )


def test_help_and_cfg_are_quick():
    began = time.perf_counter()
    assert "model" in run("--help").stdout
    assert "kimg: 1" in run("--cfg", "job", "trainer.kimg=1").stdout
    assert time.perf_counter() - began < 8  # 1.2 s alone; other tests run beside this one


class Network:
    def __init__(self, width: int, *, depth: int = 2, kind: str | None = None) -> None: ...


class Deeper(Network):
    def __init__(self, rate: float = 0.1, **network: object) -> None:
        super().__init__(**network)


def node(name, **options):
    return {"_target_": f"{__name__}.{name}", **options}


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__, SimpleNamespace()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widht": 3}, "model.widht=3: .*Network has no `widht`. Did you mean `width`?"),
        ({}, "model: .*Network needs `width`"),
        ({"width": "3O"}, "model.width=3O: .*Network takes int there, not str"),
        ({"width": 1.5}, "model.width=1.5: .* takes int"),
        ({"width": 1, "kind": 3}, r"model.kind=3: .* takes str \| None"),
    ],
)
def test_a_node_that_its_target_would_refuse_is_named(options, message):
    with pytest.raises(UserError, match=message):
        config.validate(OmegaConf.create({"model": node("Network", **options)}))


def test_nodes_that_bind_pass():
    good = {
        "a": node("Network", width="${b.size}", kind=None),
        "b": [node("Deeper", width=3, depth=1, rate=1), node("Network", _partial_=True)],
    }
    config.validate(OmegaConf.create(good))


def test_a_wrong_target_is_named():
    with pytest.raises(UserError, match=r"torch.nn has no `Linaer`. Did you mean `Linear`"):
        config.validate(OmegaConf.create({"net": {"_target_": "torch.nn.Linaer"}}))
    with pytest.raises(UserError, match="net._target_: gan_lab has no `nowhere`"):
        config.validate(OmegaConf.create({"net": {"_target_": "gan_lab.nowhere.Net"}}))


def test_a_followed_option_is_named_itself():
    cfg = OmegaConf.create({"size": "big", "model": node("Network", width="${size}")})
    with pytest.raises(UserError, match="^size=big: .*Network takes int there, not str"):
        config.validate(cfg)


def test_budgets_are_positive_numbers():
    for value in ("abc", 0, -1):
        with pytest.raises(UserError, match=f"trainer.kimg={value}: must be a number above 0"):
            config.validate(OmegaConf.create({"trainer": {"kimg": value}}))


def test_half_precision_needs_a_gpu():
    cfg = OmegaConf.create({"trainer": {"precision": "16-mixed", "accelerator": "cpu"}})
    with pytest.raises(UserError, match="trainer.precision=16-mixed needs a GPU"):
        config.validate(cfg)
    cfg.trainer.precision = "bf16-mixed"
    config.validate(cfg)


def impossible(num_classes=None, batch_size=64, model=None, **trainer):
    model = node("Network", **(model or {}))
    cfg = OmegaConf.create(
        {"model": model, "trainer": trainer, "model_name": "cgan", "data_name": "faces"}
    )
    data = SimpleNamespace(gives=("image", "label"), num_classes=num_classes, batch_size=batch_size)
    config.refuse_impossible(cfg, data)


def test_impossible_combinations_are_refused():
    conditional = {"generator": {"num_classes": "${data.num_classes}"}}
    impossible(num_classes=10, model=conditional)
    impossible(devices=4, num_nodes=2)
    with pytest.raises(UserError, match=r"model=cgan takes labels, but data=faces has none"):
        impossible(model=conditional)
    with pytest.raises(UserError, match=r"data.batch_size=64 does not divide .* is 66"):
        impossible(devices=3)


def test_a_constructor_error_names_its_key_and_the_data():
    cfg = OmegaConf.create(
        {
            "data": {"shape": [1, 7, 7], "resolution": 7},
            "model": {"_target_": f"{__name__}.refuse_odd", "size": "${data.resolution}"},
            "model_name": "dcgan",
            "data_name": "digits",
        }
    )
    with pytest.raises(UserError, match=r"model: size 7 is odd \(model=dcgan on data=digits at"):
        config.build(cfg, "model")


def refuse_odd(size: int) -> None:
    raise ValueError(f"size {size} is odd")


@pytest.mark.parametrize(
    ("model", "data", "remedy"),
    [
        ("pix2pix", "digits", "data=pairs"),
        ("cyclegan", "pairs", "data=unpaired"),
        ("dcgan", "unpaired", "data=digits"),
    ],
)
def test_a_model_names_the_data_that_it_learns_from(model, data, remedy):
    with pytest.raises(UserError, match=f"model={model} learns from.*data={data} gives.*{remedy}"):
        build_data(composed(f"model={model}", f"data={data}"))
