"""Imported networks against the official ones: the same latents and labels, the largest error.

    python benchmarks/official.py --stylegan2 ~/stylegan2-ada-pytorch --stylegan3 ~/stylegan3
        --r3gan ~/R3GAN

Each option names a checkout of the authors' code, which is run as it is; on the CPU its operations
are plain PyTorch. Small official networks with random weights are pickled as the authors' loops do
it, imported by `gan_lab.apps.import_official`, and compared in float32 with constant noise.
The error is the largest difference, relative to the largest output. Exit code 1 above 1e-4.
"""

import argparse
import contextlib
import copy
import importlib
import io
import pickle
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

import gan_lab
from gan_lab.apps.import_official import main as import_official

MOST = 1e-4
ROWS = 8
PACKAGES = ("dnnlib", "torch_utils", "training", "R3GAN")
Networks = tuple[nn.Module, nn.Module]


@contextlib.contextmanager
def checkout(path: Path) -> Iterator[None]:
    """Python finds the packages of a checkout, and forgets them again."""
    try:
        import distutils.util  # noqa: F401 (dnnlib wants it; newer Pythons lack it)
    except ImportError:
        sys.modules["distutils"] = types.ModuleType("distutils")
        sys.modules["distutils.util"] = types.ModuleType("distutils.util")
        sys.modules["distutils.util"].strtobool = bool
    sys.path.insert(0, str(path))
    try:
        yield
    finally:
        sys.path.remove(str(path))
        for name in [n for n in sys.modules if n.split(".")[0] in PACKAGES]:
            del sys.modules[name]


def stylegan2(module: str, num_classes: int = 0, channels: int = 3, **options) -> Networks:
    """Networks of stylegan2-ada-pytorch, or of its copy in the stylegan3 repository."""
    networks = importlib.import_module(module)
    dictionary = importlib.import_module("dnnlib").EasyDict
    synthesis = dictionary(channel_base=1024, channel_max=48, num_fp16_res=4, conv_clamp=256)
    nested = module == "training.networks"
    G = networks.Generator(
        z_dim=24,
        c_dim=num_classes,
        w_dim=32,
        img_resolution=options.get("resolution", 64),
        img_channels=channels,
        mapping_kwargs=dictionary(num_layers=options.get("mapping", 8)),
        **(dictionary(synthesis_kwargs=synthesis) if nested else synthesis),
    )
    return G, stylegan2_discriminator(networks, num_classes, channels, **options)


def stylegan2_discriminator(
    networks: types.ModuleType, num_classes: int, channels: int, **options
) -> nn.Module:
    """The discriminator of StyleGAN2 and 3."""
    dictionary = importlib.import_module("dnnlib").EasyDict
    return networks.Discriminator(
        c_dim=num_classes,
        img_resolution=options.get("resolution", 64),
        img_channels=channels,
        architecture=options.get("architecture", "resnet"),
        channel_base=1024,
        channel_max=48,
        num_fp16_res=4,
        conv_clamp=256,
        block_kwargs=dictionary(),
        mapping_kwargs=dictionary(),
        epilogue_kwargs=dictionary(mbstd_group_size=options.get("group_size", 8)),
    )


def stylegan3(num_classes: int = 0, rotation: bool = False, narrow: int = 1) -> Networks:
    """Networks of configuration T or R."""
    networks = importlib.import_module("training.networks_stylegan3")
    dictionary = importlib.import_module("dnnlib").EasyDict
    width = 24 * (2 if rotation else 1)
    extra = dictionary(conv_kernel=1, use_radial_filters=True) if rotation else {}
    G = networks.Generator(
        z_dim=24,
        c_dim=num_classes,
        w_dim=32,
        img_resolution=32,
        img_channels=3,
        mapping_kwargs=dictionary(num_layers=2),
        channel_base=64 * width // narrow,
        channel_max=width,
        magnitude_ema_beta=0.5 ** (32 / 20e3),
        **extra,
    )
    judges = importlib.import_module("training.networks_stylegan2")
    return G, stylegan2_discriminator(judges, num_classes, 3, resolution=32)


def r3gan(num_classes: int = 0, widths: tuple[int, ...] = (32, 32, 32, 32, 16)) -> Networks:
    """Networks of R3GAN, all in float32: without its list of stages in bfloat16."""
    networks = importlib.import_module("training.networks")
    generator = {
        "WidthPerStage": list(widths),
        "CardinalityPerStage": [width // 8 for width in widths],
        "BlocksPerStage": [2] * len(widths),
        "ExpansionFactor": 2,
        "FP16Stages": [],
        "c_dim": num_classes,
        "img_resolution": 2 << len(widths),
    }
    discriminator = {
        key: value[::-1] if key.endswith("PerStage") else value for key, value in generator.items()
    }
    if num_classes:
        generator["ConditionEmbeddingDimension"] = 24
        discriminator["ConditionEmbeddingDimension"] = widths[0]
    return (
        networks.Generator(NoiseDimension=24, **generator),
        networks.Discriminator(**discriminator),
    )


CASES: dict[str, list[tuple[str, Callable[[], Networks]]]] = {
    "stylegan2": [
        ("StyleGAN2-ADA 64 px", lambda: stylegan2("training.networks")),
        (
            "StyleGAN2-ADA 32 px, CIFAR-10 setting",
            lambda: stylegan2(
                "training.networks",
                num_classes=5,
                resolution=32,
                mapping=2,
                architecture="orig",
                group_size=32,
            ),
        ),
        (
            "StyleGAN2-ADA 16 px, grey",
            lambda: stylegan2("training.networks", channels=1, resolution=16),
        ),
    ],
    "stylegan3": [
        ("StyleGAN3-T 32 px", stylegan3),
        ("StyleGAN3-T 32 px, labels", lambda: stylegan3(num_classes=5)),
        ("StyleGAN3-T 32 px, narrow at high rates", lambda: stylegan3(narrow=8)),
        ("StyleGAN3-R 32 px", lambda: stylegan3(rotation=True)),
        (
            "StyleGAN2 64 px, labels",
            lambda: stylegan2("training.networks_stylegan2", num_classes=5),
        ),
    ],
    "r3gan": [
        ("R3GAN 64 px", r3gan),
        ("R3GAN 32 px, labels", lambda: r3gan(num_classes=5, widths=(32, 32, 32, 32))),
    ],
}


@torch.no_grad()
def stirred(network: nn.Module) -> nn.Module:
    """Move every weight and statistic off its first value, at which much is 0 or 1."""
    for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
        if name.endswith("magnitude_ema"):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith("w_avg") or isinstance(tensor, nn.Parameter):
            tensor.add_(0.1 * torch.randn_like(tensor))
    return network


def pickled(G: nn.Module, D: nn.Module, G_ema: nn.Module, path: Path) -> None:
    """Save a snapshot as the authors' training loops do."""
    snapshot = {
        "G": G,
        "D": D,
        "G_ema": G_ema,
        "augment_pipe": None,
        "training_set_kwargs": {"path": "pictures.zip", "use_labels": G.c_dim > 0, "xflip": True},
    }
    for key, value in snapshot.items():
        if isinstance(value, nn.Module):
            snapshot[key] = copy.deepcopy(value).eval().requires_grad_(False).cpu()
    with path.open("wb") as file:
        pickle.dump(snapshot, file)


@torch.no_grad()
def errors(G: nn.Module, D: nn.Module, run: Path) -> dict[str, float]:
    """Output -> error of the imported run."""
    gan = gan_lab.load(run)
    z, images = torch.randn(ROWS, G.z_dim), torch.rand(ROWS, *gan.shape) * 2 - 1
    label = torch.arange(ROWS) % G.c_dim if G.c_dim else None
    c = torch.zeros(ROWS, 0) if label is None else nn.functional.one_hot(label, G.c_dim).float()
    if hasattr(G, "mapping"):
        style = {"noise_mode": "const", "force_fp32": True}
        theirs = {
            "G_ema, psi 1": G(z, c, **style),
            "G_ema, psi 0.7": G(z, c, truncation_psi=0.7, **style),
        }
        ours = {
            "G_ema, psi 1": gan.generator_ema(z, label),
            "G_ema, psi 0.7": gan.generator_ema(z, label, truncation=0.7),
        }
        theirs["D"] = D(images, c, force_fp32=True)[:, 0]
    else:
        theirs = {"G_ema, psi 1": G(z, c), "G_ema, psi 0.7": G(0.7 * z, c), "D": D(images, c)}
        ours = {"G_ema, psi 1": gan.generator_ema(z, label)}
        ours["G_ema, psi 0.7"] = gan.synthesise(gan.generator_ema, z, label, 0.7)
    ours["D"] = gan.discriminator(images, label)
    return {name: error(ours[name], theirs[name]) for name in theirs}


def error(ours: Tensor, theirs: Tensor) -> float:
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in CASES:
        parser.add_argument(f"--{option}", type=Path, metavar="CHECKOUT")
    options = vars(parser.parse_args())
    if not any(options.values()):
        parser.error("name at least one checkout")
    table = Table(title=f"Largest error of imported networks, {ROWS} rows, float32")
    names = ("G_ema, psi 1", "G_ema, psi 0.7", "D")
    for heading in ("network", *names):
        table.add_column(heading, justify="left" if heading == "network" else "right")
    worst = 0.0
    for option, cases in CASES.items():
        if options[option] is None:
            continue
        for title, build in cases:
            torch.manual_seed(0)
            with checkout(options[option]), tempfile.TemporaryDirectory() as folder:
                G, D = (stirred(network.eval().requires_grad_(False)) for network in build())
                G_ema = stirred(copy.deepcopy(G))
                pickled(G, D, G_ema, Path(folder, "network.pkl"))
                with contextlib.redirect_stdout(io.StringIO()):
                    import_official([f"{folder}/network.pkl", f"{folder}/run"])
                found = errors(G_ema, D, Path(folder, "run"))
            table.add_row(title, *(f"{found[name]:.1e}" for name in names))
            worst = max(worst, *found.values())
    Console().print(table)
    if not worst <= MOST:
        sys.exit(f"the largest error, {worst:.1e}, exceeds {MOST:.0e}")


if __name__ == "__main__":
    main()
