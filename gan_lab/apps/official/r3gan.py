"""Network files of R3GAN (Huang et al. 2024) in the sizes and names of `gan_lab.networks.r3gan`."""

import re

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from gan_lab.apps.official.checks import Unlike, require, shown
from gan_lab.apps.official.unpickler import Module
from gan_lab.networks.r3gan import LOW_PASS, stage_widths
from gan_lab.ops.resample import fir

NAME = "R3GAN"
RECIPES = {32: "r3gan_cifar10", 64: "r3gan_ffhq64", 256: "r3gan_ffhq256"}
CONDITIONAL_RECIPES = {32: "r3gan_cifar10", 64: "r3gan_imagenet64"}
IN_A_STAGE = re.compile(r"Model\.MainLayers\.(\d+)\.Layers\.(\d+)\.(.+)")
IN_A_BLOCK = {
    "LinearLayer1.Layer.weight": "expand.weight",
    "NonLinearity1.Bias": "expand.bias",
    "LinearLayer2.Layer.weight": "mix.weight",
    "NonLinearity2.Bias": "mix.bias",
    "LinearLayer3.Layer.weight": "reduce.weight",
}


def recognises(generator: Module) -> bool:
    return "Model.MainLayers" in generator


def recipe(arguments: dict[str, object]) -> str:
    """The name in conf/model of how such a generator is trained."""
    recipes = RECIPES if arguments["num_classes"] is None else CONDITIONAL_RECIPES
    return recipes.get(arguments["shape"][1], "r3gan")


def settle(config: DictConfig) -> None:
    """Leave what burns in where it ends, since these networks are past it."""
    model = config.model
    rate = model.schedule.final
    for name in ("gamma", "beta2", "augment_p", "ema_halflife_kimg"):
        if OmegaConf.is_dict(model[name]):
            model[name] = model[name].final
    model.schedule = None
    for optimizer in model.optimizers.values():
        optimizer.lr = rate * optimizer.lr


def generator(network: Module) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Arguments and state dict of the `R3GANGenerator` that the network is."""
    ends = {
        "Model.AggregationLayer.Layer.weight": "to_image.weight",
        "Model.EmbeddingLayer.weight": "embedding.weight",
        "Basis": "basis",
        "LinearLayer.weight": "modulation.weight",
    }
    weights = _translated(network, ends, first_block=1, first_change=1)
    sizes, widths = _sizes(weights)
    require("channels of each size", widths, stage_widths(*_full(widths)))
    side = weights["basis"].shape[1] << (len(widths) - 1)
    inputs = weights["modulation.weight"].shape[1]
    embedded = weights["embedding.weight"].shape[1] if "embedding.weight" in weights else 0
    require("label's embedding", embedded, 0, inputs - embedded)
    arguments = {
        "shape": [len(weights["to_image.weight"]), side, side],
        "latent_dim": inputs - embedded,
        **sizes,
    }
    return arguments, weights


def discriminator(network: Module) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Arguments and state dict of the `R3GANDiscriminator` that the network is."""
    ends = {
        "Model.ExtractionLayer.Layer.weight": "from_image.weight",
        "Model.EmbeddingLayer.weight": "embedding.weight",
        "Basis.weight": "basis.weight",
        "LinearLayer.weight": "head.weight",
    }
    weights = _translated(network, ends, first_block=0, first_change=0)
    sizes, widths = _sizes(weights)
    require("channels of each size", widths[::-1], stage_widths(*_full(widths[::-1])))
    side = weights["basis.weight"].shape[-1] << (len(widths) - 1)
    return {"shape": [weights["from_image.weight"].shape[1], side, side], **sizes}, weights


def _translated(
    network: Module, ends: dict[str, str], first_block: int, first_change: int
) -> dict[str, Tensor]:
    """The network's tensors under our names.

    Args:
        network: the pickled one.
        ends: names of what comes before the first block or after the last.
        first_block: where in a stage the residual blocks begin.
        first_change: the stage with the first change of channels.
    """
    weights: dict[str, Tensor] = {}
    for name, tensor in network.tensors().items():
        stage, layer, part = 0, 0, name
        if found := IN_A_STAGE.fullmatch(name):
            stage, layer, part = int(found[1]), int(found[2]), found[3]
        if part in IN_A_BLOCK:
            weights[f"stages.{stage}.{layer - first_block}.{IN_A_BLOCK[part]}"] = tensor
        elif part == "LinearLayer.Layer.weight":
            weights[f"transitions.{stage - first_change}.weight"] = tensor
        elif part == "Resampler.Kernel":
            if not torch.allclose(tensor, fir(LOW_PASS), atol=1e-6):
                raise Unlike("its resampling filter is not [1, 2, 1]")
        elif part in ends:
            weights[ends[part]] = tensor
        else:
            raise Unlike(f"it has {shown(name)}, which gan_lab's network lacks")
    if "embedding.weight" in weights:
        weights["embedding.weight"] = weights["embedding.weight"].T  # (K, D)
    return weights


def _sizes(weights: dict[str, Tensor]) -> tuple[dict[str, object], list[int]]:
    """Arguments that both networks share, and the channels of each stage."""
    blocks = [name.split(".")[1] for name in weights if name.endswith(".reduce.weight")]
    num_stages = len(set(blocks))
    require("number of blocks in each size", len(blocks) % num_stages, 0)
    widths = [len(weights[f"stages.{stage}.0.reduce.weight"]) for stage in range(num_stages)]
    width, _, num_full = _full(widths)
    arguments = {
        "width": width,
        "num_classes": len(weights["embedding.weight"]) if "embedding.weight" in weights else None,
        "num_blocks": len(blocks) // num_stages,
        "num_full": num_full,
        "group_size": weights["stages.0.0.mix.weight"].shape[1],
    }
    return arguments, widths


def _full(widths: list[int]) -> tuple[int, int, int]:
    """The largest width, the number of stages, and how many of them have that width."""
    return max(widths), len(widths), widths.count(max(widths))
