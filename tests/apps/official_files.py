"""Network files as the authors' training loops write them, made of our own networks' weights.

Their classes are stand-ins of the same names, which exist while a file is written.
"""

import pickle
import re
import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gan_lab.networks.r3gan import R3GANDiscriminator, R3GANGenerator
from gan_lab.networks.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator
from gan_lab.networks.stylegan3 import StyleGAN3Generator
from gan_lab.ops.filtered import Jinc

FILTER = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64
BUFFERS = ("w_avg", "noise_const", "filter", "magnitude_ema", "freqs", "phases", "transform",
           "Kernel")  # fmt: skip
Networks = dict[str, nn.Module]  # G, D, G_ema


def _reconstruct_persistent_obj(meta: dict) -> None:
    raise AssertionError("called")


class EasyDict(dict):
    """dnnlib's dict."""


class Persistent(nn.Module):
    """An instance that is pickled along with the source of its class."""

    def __reduce__(self) -> tuple:
        meta = {
            "type": "class",
            "version": 6,
            "module_src": "raise SystemExit('this source was run')",
            "class_name": "Generator",
            "state": self.__dict__,
        }
        return _reconstruct_persistent_obj, (meta,), None


_reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
EasyDict.__module__ = "dnnlib.util"


def write(networks: Networks, path: Path, monkeypatch: pytest.MonkeyPatch, **extra: object) -> Path:
    """Pickle a snapshot; the stand-ins' modules can be imported meanwhile."""
    snapshot = {
        **networks,
        "augment_pipe": None,
        "training_set_kwargs": EasyDict(path="no/such/pictures.zip", xflip=True),
        **extra,
    }
    with monkeypatch.context() as patched:
        for kind in (_reconstruct_persistent_obj, EasyDict, *R3GAN_KINDS.values()):
            parts = kind.__module__.split(".")
            for depth in range(1, len(parts) + 1):
                name = ".".join(parts[:depth])
                patched.setitem(sys.modules, name, sys.modules.get(name, types.ModuleType(name)))
            setattr(sys.modules[kind.__module__], kind.__name__, kind)
        path.write_bytes(pickle.dumps(snapshot))
    return path


def tree(
    tensors: dict[str, Tensor],
    attributes: dict[str, dict[str, object]],
    make: Callable[[str], nn.Module] = lambda path: Persistent(),
) -> nn.Module:
    """Modules that hold these tensors and attributes.

    Args:
        tensors: dotted name -> a parameter or a buffer.
        attributes: dotted name of a module -> its plain attributes.
        make: dotted name -> an empty module.
    """
    root = make("")

    def at(path: list[str]) -> nn.Module:
        module = root
        for depth, part in enumerate(path):
            if part not in module._modules:
                module.add_module(part, make(".".join(path[: depth + 1])))
            module = module._modules[part]
        return module

    for name, tensor in tensors.items():
        *path, last = name.split(".")
        if last.endswith(BUFFERS):
            at(path).register_buffer(last, tensor.clone())
        else:
            at(path).register_parameter(last, nn.Parameter(tensor.clone(), requires_grad=False))
    for name, values in attributes.items():
        at(name.split(".") if name else []).__dict__.update(values)
    return root


def renamed(state: dict[str, Tensor], *rules: tuple[str, str | Callable]) -> dict[str, Tensor]:
    """A state dict whose names went through `re.sub` of each rule in turn."""
    names = {}
    for name in state:
        names[name] = name
        for pattern, replacement in rules:
            names[name] = re.sub(pattern, replacement, names[name])
    return {names[name]: tensor for name, tensor in state.items()}


@torch.no_grad()
def stirred(network: nn.Module) -> nn.Module:
    """Move every weight and statistic off its first value."""
    for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
        if isinstance(tensor, nn.Parameter) or name.endswith("w_avg"):
            tensor.add_(0.2 * torch.randn_like(tensor))
        elif name.endswith("magnitude_ema"):
            tensor.uniform_(0.5, 1.5)
    return network.eval()


def players(generator: Callable[[], nn.Module], discriminator: nn.Module) -> Networks:
    """Two different generators and a discriminator."""
    made = {"G": generator(), "D": discriminator, "G_ema": generator()}
    return {name: stirred(network) for name, network in made.items()}


# StyleGAN2 ----------------------------------------------------------------------------------------


def stylegan2() -> tuple[Networks, Networks]:
    """Ours, and the same in the official form: 16 px, three classes."""
    sizes = {"width": 8, "max_width": 16, "num_classes": 3, "clamp": 256.0}

    def generator() -> nn.Module:
        return StyleGAN2Generator((3, 16, 16), latent_dim=6, w_dim=10, mapping_depth=2, **sizes)

    judge = StyleGAN2Discriminator((3, 16, 16), group_size=8, **sizes)
    ours = players(generator, judge)
    return ours, {
        "G": stylegan2_generator(ours["G"]),
        "D": stylegan2_discriminator(ours["D"], num_classes=3),
        "G_ema": stylegan2_generator(ours["G_ema"]),
    }


def mapping_attributes(generator: nn.Module, depth: int, beta: float) -> dict[str, dict]:
    return {
        "": {
            "z_dim": generator.latent_dim,
            "c_dim": generator.num_classes or 0,
            "w_dim": generator.w_dim,
        },
        "mapping": {"num_layers": depth, "w_avg_beta": beta},
        "mapping.fc0": {"activation": "lrelu", "bias_gain": 0.01, "weight_gain": np.float64(0.1)},
    }


def stylegan2_generator(generator: nn.Module) -> nn.Module:
    tensors = renamed(
        generator.state_dict(),
        (r"synthesis\.const", "synthesis.b4.const"),
        (r"blocks\.(\d+)", lambda found: f"b{4 << int(found[1])}"),
        (r"noise$", "noise_const"),
        (r"mapping\.layers\.", "mapping.fc"),
    )
    attributes = mapping_attributes(generator, 2, 0.995)
    layer = {"activation": "lrelu", "use_noise": True, "conv_clamp": 256}
    for resolution in (4, 8, 16):
        block = f"synthesis.b{resolution}"
        tensors[f"{block}.resample_filter"] = FILTER
        attributes |= {block: {"architecture": "skip"}, f"{block}.conv1": layer}
        if resolution > 4:
            attributes[f"{block}.conv0"] = layer
    return tree(tensors, attributes)


def stylegan2_discriminator(discriminator: nn.Module, num_classes: int) -> nn.Module:
    side = 16
    tensors = renamed(
        discriminator.state_dict(),
        (r"^fromrgb", f"b{side}.fromrgb"),
        (r"^blocks\.(\d+)", lambda found: f"b{side >> int(found[1])}"),
        (r"^linear", "b4.fc"),
        (r"^(conv|out)\b", r"b4.\1"),
        (r"^embed", "mapping.embed"),
        (r"^mapping\.(\d)", r"mapping.fc\1"),
    )
    attributes = {
        "": {"c_dim": num_classes},
        "b4.mbstd": {"group_size": 8, "num_channels": 1},
        "mapping": {"num_layers": 8},
        "mapping.fc0": {"activation": "lrelu", "bias_gain": 0.01},
    }
    for resolution in (8, side):
        tensors[f"b{resolution}.conv1.resample_filter"] = FILTER
        attributes[f"b{resolution}"] = {"architecture": "resnet"}
        attributes[f"b{resolution}.conv0"] = {"activation": "lrelu", "conv_clamp": 256}
    return tree(tensors, attributes)


# StyleGAN3 ----------------------------------------------------------------------------------------


def stylegan3() -> tuple[Networks, Networks]:
    """Ours, and the same in the official form: configuration R, grey, 16 px; no G."""

    def generator() -> nn.Module:
        options = {"num_layers": 4, "kernel": 1, "lowpass": Jinc(), "full_cutoff": 4.0}
        return StyleGAN3Generator((1, 16, 16), 6, 10, 8, **options)

    ours = {"G_ema": stirred(generator())}
    return ours, {"G_ema": stylegan3_generator(ours["G_ema"])}


def stylegan3_generator(generator: nn.Module) -> nn.Module:
    filters = {
        name: buffer
        for name, buffer in generator.named_buffers()
        if name.endswith("_filter") and buffer.numel() > 1  # the others are None there
    }
    tensors = renamed(
        generator.state_dict() | filters,
        (r"layers\.(\d+)", r"L\1_36_8"),
        (r"mapping\.L(\d+)_36_8", r"mapping.fc\1"),
        (r"frequencies", "freqs"),
    )
    tensors["synthesis.input.transform"] = torch.eye(3)
    attributes = {
        **mapping_attributes(generator, 2, 0.998),
        "synthesis": {
            "img_resolution": 16,
            "img_channels": 1,
            "num_layers": 4,
            "num_critical": 2,
            "margin_size": 10,
            "output_scale": 0.25,
            "_init_kwargs": EasyDict(channel_base=64, channel_max=8, use_radial_filters=True),
        },
        "synthesis.input": {"size": np.broadcast_to(np.asarray(36), [2])},
        "synthesis.L0_36_8": {
            "down_radial": True,
            "conv_kernel": 1,
            "magnitude_ema_beta": 0.5 ** (32 / 20e3),
        },
        "synthesis.L4_36_8": {"conv_clamp": 256},
    }
    return tree(tensors, attributes)


# R3GAN --------------------------------------------------------------------------------------------


def r3gan() -> tuple[Networks, Networks]:
    """Ours, and the same in the official form: 16 px, three classes."""
    sizes = {"width": 16, "num_classes": 3, "num_blocks": 1, "num_full": 2, "group_size": 8}

    def generator() -> nn.Module:
        return R3GANGenerator((3, 16, 16), latent_dim=6, **sizes)

    ours = players(generator, R3GANDiscriminator((3, 16, 16), **sizes))
    return ours, {
        "G": r3gan_network(ours["G"], first=1),
        "D": r3gan_network(ours["D"], first=0),
        "G_ema": r3gan_network(ours["G_ema"], first=1),
    }


R3GAN_KINDS = {
    name: type(name, (nn.Module,), {"__module__": "R3GAN.Networks"})
    for name in ("GeneratorStage", "Convolution")
}


def r3gan_network(network: nn.Module, first: int) -> nn.Module:
    """A generator (first = 1) or discriminator (0) of plain classes; `first` block of a stage."""
    in_a_block = {
        "expand.weight": "LinearLayer1.Layer.weight",
        "expand.bias": "NonLinearity1.Bias",
        "mix.weight": "LinearLayer2.Layer.weight",
        "mix.bias": "NonLinearity2.Bias",
        "reduce.weight": "LinearLayer3.Layer.weight",
    }
    basis = "0.Layers.0" if first else "2.Layers.1"
    tensors = renamed(
        {k: v.T if k == "embedding.weight" else v for k, v in network.state_dict().items()},
        *((re.escape(ours) + "$", theirs) for ours, theirs in in_a_block.items()),
        (r"^stages\.(\d+)\.(\d+)", lambda m: f"MainLayers.{m[1]}.Layers.{int(m[2]) + first}"),
        (
            r"^transitions\.(\d+)\.weight",
            lambda m: f"MainLayers.{int(m[1]) + first}.Layers.{1 - first}.LinearLayer.Layer.weight",
        ),
        (r"^basis", f"MainLayers.{basis}.Basis"),
        (r"^(modulation|head)\.", f"MainLayers.{basis}.LinearLayer."),
        (r"^to_image", "AggregationLayer.Layer"),
        (r"^from_image", "ExtractionLayer.Layer"),
        (r"^embedding", "EmbeddingLayer"),
        (r"^", "Model."),
    )
    tensors[f"Model.MainLayers.1.Layers.{0 if first else 1}.Resampler.Kernel"] = FILTER

    def make(path: str) -> nn.Module:
        if path == "Model.MainLayers":
            return nn.ModuleList()
        return R3GAN_KINDS["GeneratorStage" if path.count(".") == 2 else "Convolution"]()

    precision = {"Model.MainLayers.2": {"DataType": torch.bfloat16}}
    return tree(tensors, precision, make)
