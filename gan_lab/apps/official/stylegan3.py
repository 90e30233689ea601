"""Network files of StyleGAN3 (Karras et al. 2021) in the sizes and names of
`gan_lab.networks.stylegan3`. Their discriminator is StyleGAN2's."""

import re

import torch
from torch import Tensor

from gan_lab.apps.official import stylegan2
from gan_lab.apps.official.checks import require, require_number
from gan_lab.apps.official.unpickler import Module

NAME = "StyleGAN3"
LAYER = re.compile(r"(?:synthesis\.)?L(\d+)_\d+_\d+(?:\.(.+))?")
OURS = {"synthesis.input.freqs": "synthesis.input.frequencies"}
BANDS = {  # of the signals; the file has them only where they are not the paper's
    "first_cutoff": "first_cutoff",
    "first_stopband": "first_stopband",
    "last_stopband_rel": "last_stopband",
}
discriminator, settle = stylegan2.discriminator, stylegan2.settle


def recognises(generator: Module) -> bool:
    return "synthesis.input" in generator


def recipe(arguments: dict[str, object]) -> str:
    """The name in conf/model of how such a generator is trained."""
    return "stylegan3"


def generator(network: Module) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Arguments and state dict of the `StyleGAN3Generator` that the network is."""
    synthesis = network["synthesis"]
    layers = {
        int(found[1]): synthesis[found[0]]
        for found in map(LAYER.fullmatch, synthesis.layers)
        if found
    }
    first, last = layers[0], layers[len(layers) - 1]
    require("number of layers", synthesis["num_layers"], len(layers) - 1)
    given = synthesis["_init_kwargs"]
    weights = {}
    for name, tensor in network.tensors().items():
        found = LAYER.fullmatch(name)
        if name == "synthesis.input.transform":
            require("transform of the picture", tensor.equal(torch.eye(3)), True)
        elif found is None:
            weights[OURS.get(name, stylegan2.mapping_name(name, "mapping.layers"))] = tensor
        else:
            weights[f"synthesis.layers.{found[1]}.{found[2]}"] = tensor
    radial = first["down_radial"]
    for name, most in (("filter_size", 64), ("lrelu_upsampling", 16)):
        require_number(name, given.get(name, 0), most)
    width = given.get("channel_max", 512)
    side = synthesis["img_resolution"]
    arguments = {
        "shape": [synthesis["img_channels"], side, side],
        **stylegan2.mapping_arguments(network),
        "mapping_depth": network["mapping.num_layers"],
        "width": width,
        "full_cutoff": given.get("channel_base", 32768) / 2 / width,
        "num_layers": synthesis["num_layers"],
        "num_critical": synthesis["num_critical"],
        "kernel": first["conv_kernel"],
        "lowpass": {"_target_": f"gan_lab.ops.filtered.{'Jinc' if radial else 'Kaiser'}"},
        "margin": synthesis["margin_size"],
        "num_taps": given.get("filter_size", 6),
        "oversampling": given.get("lrelu_upsampling", 2),
        **{ours: given[theirs] for theirs, ours in BANDS.items() if theirs in given},
        "magnitude_beta": first["magnitude_ema_beta"],
        "clamp": last["conv_clamp"],
        "output_scale": synthesis["output_scale"],
    }
    return arguments, weights
