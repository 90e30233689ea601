"""Network files of StyleGAN2(-ADA) (Karras et al. 2020) in the sizes and names of
`gan_lab.networks.stylegan2`."""

import re

import torch
from omegaconf import DictConfig
from torch import Tensor

from gan_lab.apps.official.checks import LARGEST, Unlike, require
from gan_lab.apps.official.unpickler import Module
from gan_lab.networks.stylegan2 import TAPS
from gan_lab.ops.resample import fir

NAME = "StyleGAN2"
BLOCK = re.compile(r"(?:synthesis\.)?b(\d+)\.(.+)")
MAPPING = re.compile(r"mapping\.fc(\d+)\.(.+)")


def recognises(generator: Module) -> bool:
    return "synthesis.b4" in generator


def recipe(arguments: dict[str, object]) -> str:
    """The name in conf/model of how such a generator is trained."""
    return "stylegan2"


def settle(config: DictConfig) -> None:
    """Set what depends on the pictures' size by stylegan2-ada's rules of thumb."""
    height, width = config.data.resolution
    config.model.gamma = 0.0002 * height * width / config.data.batch_size


def generator(network: Module) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Arguments and state dict of the `StyleGAN2Generator` that the network is."""
    synthesis, resolutions = network["synthesis"], resolutions_of(network["synthesis"])
    for resolution in resolutions:
        block = synthesis[f"b{resolution}"]
        require("generator's architecture", block["architecture"], "skip")
        for layer in block.layers.keys() & {"conv0", "conv1"}:
            require("activation", block[f"{layer}.activation"], "lrelu")
            require("noise", block[f"{layer}.use_noise"], True)
    last = synthesis[f"b{resolutions[-1]}"].tensors()
    weights = {}
    for name, tensor in network.tensors().items():
        if name.endswith("resample_filter"):
            require_filter(tensor)
        elif found := BLOCK.fullmatch(name):
            level, part = resolutions.index(int(found[1])), found[2]
            part = part.replace("noise_const", "noise")
            weights[f"synthesis.blocks.{level}.{part}"] = tensor
        else:
            weights[mapping_name(name, "mapping.layers")] = tensor
    weights["synthesis.const"] = weights.pop("synthesis.blocks.0.const")
    widths = [len(weights[f"synthesis.blocks.{i}.conv1.weight"]) for i in range(len(resolutions))]
    arguments = {
        "shape": [len(last["torgb.weight"]), resolutions[-1], resolutions[-1]],
        **widths_of(widths[::-1]),
        **mapping_arguments(network),
        "clamp": synthesis["b4.conv1.conv_clamp"],
    }
    return arguments, weights


def discriminator(network: Module) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Arguments and state dict of the `StyleGAN2Discriminator` that the network is."""
    *resolutions, smallest = resolutions_of(network)[::-1]
    require("discriminator's last size", smallest, 4)
    first = network[f"b{resolutions[0]}"]
    require("discriminator's architecture", first["architecture"], "resnet", "orig")
    require("activation", first["conv0.activation"], "lrelu")
    require("minibatch deviation", "b4.mbstd" in network, True)
    require("channels of minibatch deviation", network["b4.mbstd.num_channels"], 1)
    ends = {"conv": "conv", "fc": "linear", "out": "out"}
    weights = {}
    for name, tensor in network.tensors().items():
        if name.endswith("resample_filter"):
            require_filter(tensor)
        elif found := BLOCK.fullmatch(name):
            resolution, part = int(found[1]), found[2]
            if part.startswith("fromrgb."):
                weights[part] = tensor
            elif resolution == 4:
                layer, _, kind = part.partition(".")
                weights[f"{ends[layer]}.{kind}"] = tensor
            else:
                weights[f"blocks.{resolutions.index(resolution)}.{part}"] = tensor
        else:
            weights[mapping_name(name, "mapping").replace("mapping.embed", "embed")] = tensor
    widths = [len(weights["fromrgb.weight"])]
    widths += [len(weights[f"blocks.{i}.conv1.weight"]) for i in range(len(resolutions))]
    num_classes = network["c_dim"] or None
    arguments = {
        "shape": [weights["fromrgb.weight"].shape[1], resolutions[0], resolutions[0]],
        **widths_of(widths),
        "num_classes": num_classes,
        "mapping_depth": 8 if num_classes is None else mapping_depth(network["mapping"]),
        "group_size": network["b4.mbstd.group_size"] or LARGEST,  # None there: the minibatch
        "residual": first["architecture"] == "resnet",
        "clamp": first["conv0.conv_clamp"],
    }
    return arguments, weights


def mapping_arguments(network: Module) -> dict[str, object]:
    """What the generators of StyleGAN2 and 3 share."""
    return {
        "latent_dim": network["z_dim"],
        "w_dim": network["w_dim"],
        "num_classes": network["c_dim"] or None,
        "mapping_depth": mapping_depth(network["mapping"]),
        "w_avg_beta": network["mapping.w_avg_beta"],
    }


def mapping_depth(mapping: Module) -> int:
    """The number of a mapping's layers, which must be of our kind."""
    require("mapping's activation", mapping["fc0.activation"], "lrelu")
    require("mapping's learning rate", mapping["fc0.bias_gain"], 0.01)
    depth = len([name for name in mapping.layers if name.startswith("fc")])
    require("mapping's depth", mapping["num_layers"], depth)
    return depth


def mapping_name(name: str, layers: str) -> str:
    """Our name of a tensor of the mapping, whose layers are in `layers`."""
    found = MAPPING.fullmatch(name)
    return f"{layers}.{found[1]}.{found[2]}" if found else name


def resolutions_of(network: Module) -> list[int]:
    """The sizes that have a block, the smallest first."""
    return sorted(int(name[1:]) for name in network.layers if re.fullmatch(r"b\d+", name))


def widths_of(widths: list[int]) -> dict[str, object]:
    """Our arguments for these channels, those of the full size first."""
    width, most = widths[0], max(widths)
    doubled = [min(width << level, most) for level in range(len(widths))]
    require("channels of each size", widths, doubled)
    return {"width": width, "max_width": most}


def require_filter(filter: Tensor) -> None:
    if not torch.allclose(filter, fir(TAPS), atol=1e-6):
        raise Unlike("its resampling filter is not [1, 3, 3, 1]")
