"""A run of gan_lab, made of the networks in an official file."""

import os
import shutil
from pathlib import Path
from types import ModuleType

import lightning as L
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from gan_lab.apps.official import r3gan, stylegan2, stylegan3
from gan_lab.apps.official.checks import Unlike, require_number, shown
from gan_lab.apps.official.unpickler import Module
from gan_lab.apps.recipe import compose
from gan_lab.config import root_cause, validate
from gan_lab.errors import UserError
from gan_lab.media import Pictures
from gan_lab.pictures import grid, rows_of_classes, save
from gan_lab.training import as_yaml, build_model, resolved

ARCHITECTURES = (stylegan3, stylegan2, r3gan)
BROKEN = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError)
BATCH_SIZE = 32
GRID_SIDE = 1024  # pixels
MOST_SAMPLES = 64


class ImportedRun:
    """The networks of an official file as a run.

    Args:
        file: where they come from, for messages.
        contents: what it holds; see `read_official`.
        data: folder or archive of pictures for the run; the one that the file names if None.

    Raises:
        UserError: the networks are missing, incomplete, or of a kind that gan_lab does not have.
    """

    def __init__(self, file: Path, contents: object, data: str | None) -> None:
        self.file = file
        networks = self.networks(contents)
        self.architecture = self.architecture_of(networks["G_ema"])
        sizes, weights = {}, {}
        for name, network in networks.items():
            player = "discriminator" if name == "D" else "generator"
            sizes[player], weights[name] = self.translated(player, network)
        num_numbers = sum(t.numel() for tensors in weights.values() for t in tensors.values())
        if num_numbers > file.stat().st_size:  # tensors may share numbers; a network's do not
            raise UserError(f"{file}: it holds fewer numbers than its networks have")
        self.judged = "D" in networks
        known = contents.get("training_set_kwargs")
        self.config = self.composed(sizes, known if isinstance(known, dict) else {}, data)
        self.compare(weights)
        self.gan = build_model(self.config).eval()
        self.fill(self.gan.generator_ema, weights["G_ema"])
        self.fill(self.gan.generator, weights.get("G", weights["G_ema"]))
        if self.judged:
            self.fill(self.gan.discriminator, weights["D"])

    def networks(self, contents: object) -> dict[str, Module]:
        """G_ema, and G and D where they are there, too."""
        names = ("G", "D", "G_ema")
        found = contents if isinstance(contents, dict) else {}
        found = {name: found[name] for name in names if isinstance(found.get(name), Module)}
        if "G_ema" not in found:
            raise UserError(
                f"{self.file}: there is no network G_ema inside; this is not a network file of"
                " StyleGAN2-ADA, StyleGAN3 or R3GAN"
            )
        return found

    def architecture_of(self, generator: Module) -> ModuleType:
        for architecture in ARCHITECTURES:
            if architecture.recognises(generator):
                return architecture
        known = ", ".join(architecture.NAME for architecture in ARCHITECTURES)
        raise UserError(f"{self.file}: its generator is none of {known}")

    def translated(self, player: str, network: Module) -> tuple[dict, dict[str, Tensor]]:
        """Our arguments and our state dict of a network."""
        kind = f"{self.architecture.NAME} {player}"
        try:
            arguments, weights = getattr(self.architecture, player)(network)
            for name, value in arguments.items():
                for number in value if name == "shape" else [value]:
                    if number is not None and name != "lowpass":
                        require_number(name, number)
        except Unlike as error:
            raise UserError(f"{self.file}: {error}") from None
        except BROKEN as error:
            raise UserError(
                f"{self.file}: its {kind} is incomplete ({shown(str(error))})"
            ) from None
        return arguments, weights

    def composed(self, sizes: dict[str, dict], known: dict, data: str | None) -> DictConfig:
        """The recipe of such networks, with their sizes.

        Args:
            sizes: player -> arguments of its network.
            known: what the file says of the pictures that it was trained on.
            data: the pictures to use instead.
        """
        shape, num_classes = sizes["generator"]["shape"], sizes["generator"]["num_classes"]
        metrics = "none" if num_classes is None else "auto"  # no classifier without labels
        recipe = self.architecture.recipe(sizes["generator"])
        config = compose(f"model={recipe}", "data=folder", f"metrics={metrics}")
        config.data.update(
            root=data or self.plain_path(known.get("path")),
            resolution=shape[1:],
            channels=shape[0],
            labelled=num_classes is not None,
            mirror=known.get("xflip") is True,
            batch_size=BATCH_SIZE,
            shape=shape,
            num_classes=num_classes,
            medium=as_yaml(Pictures()),
        )
        for player, arguments in sizes.items():
            config.model[player].update(arguments)
        if "discriminator" not in sizes:
            config.model.discriminator.num_classes = num_classes
        self.architecture.settle(config)
        config.model.ema_rampup = float("inf")  # the average goes on, it does not begin anew
        config = resolved(config)
        validate(config)
        return config

    @staticmethod
    def plain_path(path: object) -> str | None:
        """A path of the file's, if it is no more than that (OmegaConf follows ${...})."""
        return path if isinstance(path, str) and path.isprintable() and "${" not in path else None

    def compare(self, weights: dict[str, dict[str, Tensor]]) -> None:
        """Refuse weights that are not those of the networks to be built, before building them."""
        for name, tensors in weights.items():
            node = self.config.model["discriminator" if name == "D" else "generator"]
            try:
                with torch.device("meta"):
                    network = instantiate(node, _convert_="all")
            except (InstantiationException, RuntimeError) as error:
                reason = shown(str(root_cause(error)))
                raise UserError(f"{self.file}: no such network can be made ({reason})") from None
            ours = network.state_dict()
            fixed = {k for k, _ in network.named_buffers() if k in tensors and k not in ours}
            for key in sorted(ours.keys() | tensors.keys() - fixed):
                here, there = (
                    tuple(state[key].shape) if key in state else "nothing"
                    for state in (ours, tensors)
                )
                if here != there:
                    kind = type(network).__name__
                    raise UserError(
                        f"{self.file}: its {name} is not quite gan_lab's {kind}, which has {here}"
                        f" as {shown(key)} where the file has {there}"
                    )
            if not all(tensor.isfinite().all() for tensor in tensors.values()):
                raise UserError(f"{self.file}: some weights of its {name} are not finite numbers")

    def fill(self, network: nn.Module, weights: dict[str, Tensor]) -> None:
        """Load weights. Buffers that follow from the arguments, such as filters, must agree."""
        fixed = dict(network.named_buffers()).keys() - network.state_dict().keys()
        for name in sorted(weights.keys() & fixed):
            here, there = network.get_buffer(name), weights[name].float()
            if here.shape != there.shape or not here.allclose(there, atol=1e-6):
                raise UserError(f"{self.file}: its {name} is not that of gan_lab's network")
        network.load_state_dict({k: v for k, v in weights.items() if k not in fixed})

    def about(self) -> str:
        """One line on what was found."""
        C, H, W = self.gan.shape
        generator, discriminator = (
            sum(weight.numel() for weight in network.parameters()) / 1e6
            for network in (self.gan.generator, self.gan.discriminator)
        )
        labels = "" if self.gan.num_classes is None else f", {self.gan.num_classes} classes"
        judge = f"discriminator {discriminator:,.2f} M" if self.judged else "no discriminator"
        return (
            f"{self.architecture.NAME}, {H}x{W} pixels, {C} channels{labels}: generator"
            f" {generator:,.2f} M parameters, {judge}"
        )

    def write(self, folder: Path) -> None:
        """Make the run's folder, as a whole or not at all."""
        partial = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        try:
            (partial / "checkpoints").mkdir(parents=True)
            OmegaConf.save(self.config, partial / "config.yaml")
            torch.save(self.checkpoint(), partial / "checkpoints" / "last.ckpt")
            samples, columns = self.samples()
            save(grid(samples, columns), partial / "samples.png")
            partial.replace(folder)  # also where an empty folder is
        except OSError as error:
            raise UserError(f"output={folder} cannot be written ({error})") from None
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def checkpoint(self) -> dict:
        """As Lightning and the engine would save it before the first training step."""
        optimizers = self.gan.configure_optimizers()
        return {
            "pytorch-lightning_version": L.__version__,
            "epoch": 0,
            "global_step": 0,
            "state_dict": self.gan.state_dict(),
            "optimizer_states": [optimizer.state_dict() for optimizer in optimizers],
            "lr_schedulers": [],
            "callbacks": {},
            "config": OmegaConf.to_yaml(self.config),
            "gan": {
                "steps_done": 0,
                "batch_size": BATCH_SIZE,
                "images_averaged": 0,
                "world_size": 1,
                "scalers": {},
                "reports": {},
            },
        }

    def samples(self) -> tuple[Tensor, int]:
        """Pictures (N, C, H, W) for a grid, and its number of columns; a class in each row."""
        num = min(max(GRID_SIDE // max(self.gan.shape[1:]), 2) ** 2, MOST_SAMPLES)
        labels, columns = None, round(num**0.5)
        if self.gan.conditional:
            labels, columns = rows_of_classes(num, self.gan.num_classes)
        num = num if labels is None else len(labels)
        return self.gan.sample(num, seed=0, label=labels), columns

    def next_steps(self, folder: Path) -> str:
        """Commands for the new run."""
        root = self.config.data.root
        label = "" if self.gan.num_classes is None else " label=0"
        lines = [
            f"python sample.py run={folder} num=16 seed=0 truncation=0.7{label}",
            f"python evaluate.py run={folder} metrics=inception",
            f"python train.py run={folder} trainer.accelerator=gpu trainer.kimg=1000  # fine-tune",
        ]
        note = (
            f"Its pictures: {root}. " if root else "The file does not say which pictures it saw. "
        )
        note += "To judge it by others or to train it on them, import it with --data=<pictures>."
        if not self.judged:
            note += " Its discriminator would begin untrained."
        return "\n".join(["next:", *(f"  {line}" for line in lines), note])
