import io
import json
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch
from apps.official_files import R3GAN_KINDS, Persistent, r3gan, stylegan2, stylegan3, write
from PIL import Image
from support import fit
from torch import nn

import gan_lab
from gan_lab.apps.evaluate import evaluate_run
from gan_lab.apps.import_official import main
from gan_lab.apps.official import unpickler
from gan_lab.errors import UserError
from gan_lab.runs import Run
from gan_lab.training import build_data, build_model

KINDS = pytest.mark.parametrize("make", [stylegan2, stylegan3, r3gan])


def imported(networks, tmp_path, monkeypatch, *options, **extra):
    """The run's folder."""
    file = write(networks, tmp_path / "network.pkl", monkeypatch, **extra)
    main([str(file), str(tmp_path / "run"), *options])
    return tmp_path / "run"


@KINDS
def test_outputs_are_those_of_the_networks_in_the_file(make, tmp_path, monkeypatch):
    torch.manual_seed(0)
    ours, official = make()
    gan = gan_lab.load(imported(official, tmp_path, monkeypatch))
    G = ours["G_ema"]
    z, images = torch.randn(4, G.latent_dim), torch.rand(4, *G.shape)
    label = None if G.num_classes is None else torch.tensor([0, 1, 2, 0])
    with torch.no_grad():
        assert torch.equal(gan.generator_ema(z, label), G(z, label))
        if make is not r3gan:
            low = gan.generator_ema(z, label, truncation=0.7)
            assert torch.equal(low, G(z, label, truncation=0.7)) and not low.equal(G(z, label))
        if "G" in ours:
            assert torch.equal(gan.generator(z, label), ours["G"](z, label))
            assert torch.equal(gan.discriminator(images, label), ours["D"](images, label))
        assert torch.equal(gan.decode(z, label), G(z, label).clamp(-1, 1))


@KINDS
def test_a_run_that_says_what_it_is_and_what_comes_next(make, tmp_path, monkeypatch, capsys):
    _, official = make()
    run = imported(official, tmp_path, monkeypatch)
    said = capsys.readouterr().out
    assert {"stylegan2": "StyleGAN2", "stylegan3": "StyleGAN3", "r3gan": "R3GAN"}[
        make.__name__
    ] in said
    assert ("no discriminator" in said) == ("D" not in official)
    assert f"sample.py run={run}" in said and "no/such/pictures.zip" in said
    assert Image.open(run / "samples.png").size[0] > 100
    config = Run(run).config
    assert (config.data.root, config.data.mirror) == ("no/such/pictures.zip", True)
    assert list(config.data.shape) == list(config.model.generator.shape)
    with pytest.raises(UserError, match=r"no/such/pictures\.zip"):
        evaluate_run(
            type("Options", (), {"run": run, "trust": False, "checkpoint": "best"}), None, None
        )


@pytest.mark.parametrize("make", [stylegan2, r3gan])
def test_training_goes_on_from_the_file_s_weights_and_average(make, tmp_path, monkeypatch):
    pictures = tmp_path / "pictures"
    for i in range(9):
        (pictures / "abc"[i % 3]).mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(i).integers(0, 255, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(pictures / "abc"[i % 3] / f"{i}.png")
    ours, official = make()
    run = imported(official, tmp_path, monkeypatch, f"--data={pictures}")
    config = Run(run).config
    config.data.batch_size = 4
    data, gan = build_data(config), build_model(config)
    fit(gan, data, steps=1, ckpt_path=run / "checkpoints/last.ckpt")
    for theirs, mine in (("G", gan.generator), ("D", gan.discriminator)):
        moved = ours[theirs].state_dict()
        apart = [(moved[k] - v).abs().max() for k, v in mine.state_dict().items() if k in moved]
        assert 0 < max(apart) < 0.3  # one step of Adam; the mapping's weights are large
    raw, average = dict(gan.generator.named_parameters()), ours["G_ema"].state_dict()
    for name, weight in gan.generator_ema.named_parameters():
        assert (weight - average[name]).norm() <= 1e-3 * (raw[name] - average[name]).norm() + 1e-6


def test_gradual_schedules_of_r3gan_are_left_at_their_end(tmp_path, monkeypatch):
    model = Run(imported(r3gan()[1], tmp_path, monkeypatch)).config.model
    assert model.gamma == 0.005 and model.beta2 == 0.99 and model.schedule is None
    assert model.optimizers.generator.lr == pytest.approx(5e-5)


def attribute(layer, name, value):
    """What sets a plain attribute of a layer of G_ema."""
    return lambda networks: networks["G_ema"].get_submodule(layer).__dict__.update({name: value})


def drawing(name, value):
    """What sets an argument that StyleGAN3's file says it was made with."""
    return lambda networks: networks["G_ema"].synthesis._init_kwargs.update({name: value})


def weight(network, layer, name, tensor):
    """What replaces a weight."""
    return lambda networks: (
        networks[network]
        .get_submodule(layer)
        ._parameters.update({name: nn.Parameter(tensor, requires_grad=False)})
    )


def doubled(times):
    """A small list that is huge once written out."""
    lists = []
    for _ in range(times):
        lists = [lists, lists]
    return lists


UNLIKE = {
    "filter": (
        stylegan2,
        lambda networks: networks["G_ema"].synthesis.b8.resample_filter.mul_(2),
        "resampling filter is not [1, 3, 3, 1]",
    ),
    "alias-free filter": (
        stylegan3,
        lambda networks: networks["G_ema"].synthesis.L0_36_8.down_filter.mul_(2),
        "layers.0.down_filter is not that",
    ),
    "transform": (
        stylegan3,
        lambda networks: networks["G_ema"].synthesis.input.transform.mul_(2),
        "transform of the picture",
    ),
    "architecture": (
        stylegan2,
        attribute("synthesis.b8", "architecture", "resnet"),
        "architecture is resnet",
    ),
    "shape": (stylegan2, weight("D", "b8.conv0", "weight", torch.zeros(1, 2)), "(1, 2)"),
    "numbers": (
        stylegan2,
        lambda networks: networks["G_ema"].mapping.w_avg.fill_(torch.nan),
        "not finite",
    ),
    "lost layer": (
        stylegan2,
        lambda networks: networks["G_ema"].synthesis.b16._modules.pop("torgb"),
        "StyleGAN2 generator is incomplete",
    ),
    "added layer": (
        r3gan,
        lambda networks: networks["G_ema"].Model.add_module("Extra", nn.Linear(1, 1)),
        "Model.Extra.weight",
    ),
    "endless depth": (
        stylegan3,
        attribute("synthesis", "num_layers", 10**9),
        "number of layers is 1000000000",
    ),
    "endless width": (stylegan3, drawing("channel_base", 10**12), "full_cutoff is"),
    "endless filter": (stylegan3, drawing("filter_size", 10**9), "filter_size is 1000000000"),
    "endless margin": (stylegan3, attribute("synthesis", "margin_size", 10**9), "margin is"),
    "endless word": (
        stylegan2,
        attribute("synthesis.b8", "architecture", doubled(60)),
        "architecture is a list",
    ),
    "endless number": (stylegan2, attribute("", "z_dim", doubled(60)), "latent_dim is a list"),
    "stretched weight": (
        stylegan2,
        weight("G_ema", "synthesis.b4", "const", torch.zeros(1).expand(16, 4, 4)),
        "larger than its numbers",
    ),
    "nothing inside": (
        stylegan3,
        lambda networks: networks.update(G_ema=Persistent()),
        "none of StyleGAN3, StyleGAN2, R3GAN",
    ),
}


@pytest.mark.parametrize("name", UNLIKE)
def test_networks_unlike_ours_are_refused_by_name(name, tmp_path, monkeypatch, capsys):
    make, change, message = UNLIKE[name]
    networks = make()[1]
    change(networks)
    with pytest.raises(SystemExit) as stop:
        imported(networks, tmp_path, monkeypatch)
    error = capsys.readouterr().err
    assert stop.value.code == 2 and message in error and len(error) < 500
    assert not (tmp_path / "run").exists()


def test_networks_that_share_their_numbers_are_refused(tmp_path, monkeypatch, capsys):
    networks = stylegan2()[1]
    shared = nn.Parameter(torch.zeros(2**20), requires_grad=False)
    for block in ("b4", "b8", "b16"):
        layer = networks["G_ema"].synthesis.get_submodule(block).conv1
        for i in range(4):
            layer.register_parameter(f"shared{i}", shared)
    with pytest.raises(SystemExit) as stop:
        imported(networks, tmp_path, monkeypatch)
    assert stop.value.code == 2 and "fewer numbers" in capsys.readouterr().err


def test_a_path_that_is_more_than_a_path_is_left_out(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SECRET", "very secret")
    trap = {"path": "${oc.env:SECRET}"}
    run = imported(stylegan3()[1], tmp_path, monkeypatch, training_set_kwargs=trap)
    assert Run(run).config.data.root is None
    assert "very secret" not in (run / "config.yaml").read_text()
    assert "does not say which pictures" in capsys.readouterr().out


def test_a_folder_with_anything_inside_is_left_alone(tmp_path, monkeypatch, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/thesis.txt").write_text("years of work")
    with pytest.raises(SystemExit) as stop:
        imported(stylegan3()[1], tmp_path, monkeypatch)
    assert stop.value.code == 2 and "not empty" in capsys.readouterr().err
    assert [p.read_text() for p in (tmp_path / "run").iterdir()] == ["years of work"]


def test_an_empty_folder_is_taken(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    assert (imported(stylegan3()[1], tmp_path, monkeypatch) / "config.yaml").is_file()


class Call:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Persisting(pickle.Pickler):
    """Pickles bytes as a persistent id."""

    def persistent_id(self, thing):
        return "somewhere else" if isinstance(thing, bytes) else None


def saved(thing, **options):
    """What torch.save makes of it."""
    torch.save(thing, buffer := io.BytesIO(), **options)
    return buffer.getvalue()


def persisting(thing):
    Persisting(buffer := io.BytesIO()).dump(thing)
    return buffer.getvalue()


def storage(payload):
    return pickle.dumps({"G_ema": Call(torch.storage._load_from_bytes, payload)})


def tensor(offset, size, stride):
    flat = torch.storage.TypedStorage([0.0] * 4, dtype=torch.float32, _internal=True)
    return pickle.dumps(
        Call(torch._utils._rebuild_tensor_v2, flat, offset, size, stride, False, OrderedDict())
    )


def named(module, name):
    """A pickle that names something, as the protocol's version 4 does."""
    parts = [f"\x8c{chr(len(part))}{part}" for part in (module, name)]
    return f"\x80\x04{''.join(parts)}\x93.".encode("latin-1")


HOSTILE = {
    "os.system": (lambda do: pickle.dumps(Call(os.system, f"touch {do}")), "system"),
    "inside the networks": (
        lambda do: pickle.dumps({"G_ema": {"x": [Call(os.system, f"touch {do}")]}}),
        "would call",
    ),
    "eval": (lambda do: pickle.dumps(Call(eval, f"open({str(do)!r}, 'w')")), "builtins.eval"),
    "getattr": (lambda do: pickle.dumps(Call(getattr, {}, "pop")), "builtins.getattr"),
    "torch.load": (lambda do: pickle.dumps(Call(torch.load, str(do))), "torch.serialization.load"),
    "attributes of a name": (
        lambda do: named("collections", "OrderedDict.fromkeys.__globals__"),
        "OrderedDict.fromkeys",
    ),
    "a name with control characters": (lambda do: named("os\n\x1b[2J", "x"), "os\\n\\x1b[2J.x"),
    "protocol 0": (lambda do: b"(S'touch " + str(do).encode() + b"'\nios\nsystem\n.", "STRING"),
    "inst": (lambda do: b"(ios\nsystem\n.", "INST"),
    "extension registry": (lambda do: b"\x80\x04\x82\x01.", "EXT1"),
    "persistent id": (lambda do: persisting([b"x"]), "BINPERSID"),
    "storage with a call": (
        lambda do: storage(saved(Call(os.system, f"touch {do}"))),
        "torch refuses",
    ),
    "old storage with a call": (
        lambda do: storage(
            saved(Call(os.system, f"touch {do}"), _use_new_zipfile_serialization=False)
        ),
        "torch refuses",
    ),
    "pickle for a storage": (
        lambda do: storage(pickle.dumps(Call(os.system, f"touch {do}"))),
        "torch refuses",
    ),
    "tensor for a storage": (lambda do: storage(saved(torch.zeros(2))), "where none belongs"),
    "attributes of a dict": (lambda do: b"\x80\x04}}b.", "attributes of a dict"),
    "attributes of a name's function": (
        lambda do: named("torch._utils", "_rebuild_parameter")[:-1] + b"}b.",
        "attributes of a Name",
    ),
    "a name made of lists": (
        lambda do: b"\x80\x04]\x94" + b"](h\x00h\x00e\x940" * 60 + b"h\x00h\x00\x93.",
        "a list where none",
    ),
    "an object array": (lambda do: pickle.dumps(np.array([None], object)), "a list where none"),
    "an object number": (lambda do: pickle.dumps(np.dtype(object).type), "numpy.object_"),
    "a tensor beyond its storage": (lambda do: tensor(2, (2, 2), (2, 1)), "larger than its numb"),
    "an endless tensor": (lambda do: tensor(0, (10**12,), (0,)), "larger than its numbers"),
    "a negative stride": (lambda do: tensor(0, (2,), (-1,)), "not made of counts"),
    "a nested key": (lambda do: pickle.dumps({(1, (2, (3,))): 1}), "a tuple where none belongs"),
    "TensorFlow": (lambda do: named("dnnlib.tflib.network", "Network"), "legacy.py"),
    "lists in lists": (
        lambda do: b"\x80\x04" + b"]" * 100_000 + b"a" * 99_999 + b".",
        "no network G_ema",
    ),
    "doubled lists": (
        lambda do: b"\x80\x04]\x94" + b"](h\x00h\x00e\x94" * 50 + b"0" * 50 + b".",
        "no network G_ema",
    ),
    "a huge length": (lambda do: b"\x80\x04\x8e" + b"\xff" * 7 + b"\x00.", "cut short"),
    "a memo that is not there": (lambda do: b"\x80\x04h\x07.", "cut short"),
    "too few on the stack": (lambda do: b"\x80\x04\x86R.", "cut short"),
    "nothing": (lambda do: b"", "cut short"),
    "text": (lambda do: b"version https://git-lfs.github.com/spec/v1\n", "not a network file"),
    "json": (lambda do: json.dumps({"G_ema": 1}).encode(), "not a network file"),
    "a torch checkpoint": (lambda do: saved({"G_ema": torch.zeros(2)}), "zip archive"),
    "a list": (lambda do: pickle.dumps([1, 2]), "no network G_ema"),
    "no G_ema": (lambda do: pickle.dumps({"G": None, "D": None}), "no network G_ema"),
    "G_ema is a dict": (lambda do: pickle.dumps({"G_ema": {}}), "no network G_ema"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_with_one_message(name, tmp_path, capsys):
    make, message = HOSTILE[name]
    done = tmp_path / "executed"
    (tmp_path / "network.pkl").write_bytes(make(done))
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path / "network.pkl"), str(tmp_path / "run")])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.startswith("error: ") and message in error
    assert error.count("\n") == 1 and len(error) < 500
    assert not done.exists() and os.listdir(tmp_path) == ["network.pkl"]


def test_the_hostile_files_would_do_harm_elsewhere(tmp_path):
    for name in ("os.system", "eval"):
        pickle.loads(HOSTILE[name][0](tmp_path / name))
        assert (tmp_path / name).exists()


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97, 0.9999])
def test_files_cut_short_are_refused(share, tmp_path, monkeypatch, capsys):
    whole = write(stylegan3()[1], tmp_path / "whole.pkl", monkeypatch).read_bytes()
    (tmp_path / "network.pkl").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path / "network.pkl"), str(tmp_path / "run")])
    assert stop.value.code == 2 and not (tmp_path / "run").exists()
    assert "cut short" in capsys.readouterr().err


def test_networks_that_hold_each_other_are_refused(tmp_path, monkeypatch, capsys):
    network = R3GAN_KINDS["Convolution"]()
    network.Model = network.MainLayers = network
    with pytest.raises(SystemExit) as stop:
        imported({"G_ema": network}, tmp_path, monkeypatch)
    assert stop.value.code == 2 and "layers, or each other" in capsys.readouterr().err


def test_endless_programs_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(unpickler, "MOST_OPERATIONS", 1000)
    (tmp_path / "network.pkl").write_bytes(pickle.dumps(list(range(2000))))
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path / "network.pkl"), str(tmp_path / "run")])
    assert stop.value.code == 2 and "1,000 operations" in capsys.readouterr().err


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_survive_every_protocol(protocol, tmp_path):
    plain = {"a": [1, -2, 2**70, 1.5, None, True, False], "b": ("x", {"y": ()}), "c": (1, 2, 3, 4)}
    if protocol > 2:  # there it calls a codec
        plain["d"] = b"bytes"
        plain["e"] = {1, "two"}
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(plain, protocol))
    assert unpickler.read_official(tmp_path / "plain.pkl") == plain


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_tensors_survive_every_protocol(protocol, tmp_path):
    base = torch.arange(24.0).reshape(2, 3, 4)
    tensors = [base, base[1:, :, ::2], base.half(), nn.Parameter(base), torch.tensor(3)]
    tensors += [torch.randn(2, 4, 3, 3).to(memory_format=torch.channels_last), torch.zeros(0, 3)]
    (tmp_path / "tensors.pkl").write_bytes(pickle.dumps(tensors, protocol))
    for read, tensor in zip(
        unpickler.read_official(tmp_path / "tensors.pkl"), tensors, strict=True
    ):
        assert torch.equal(read, tensor) and read.dtype == tensor.dtype


def test_a_file_that_is_not_there(tmp_path, capsys):
    for name in ("missing.pkl", "."):
        with pytest.raises(SystemExit) as stop:
            main([str(tmp_path / name), str(tmp_path / "run")])
        assert stop.value.code == 2 and "no such file" in capsys.readouterr().err
