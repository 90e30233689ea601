"""Parameter counts of every variant at its paper's setting, beside what is stated elsewhere.

python -m gan_lab.apps.sizes                 # a Markdown table
python -m gan_lab.apps.sizes model=biggan    # of one recipe's rows

The networks are built from the recipes in conf/model without numbers in them.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gan_lab.errors import UserError, command

HEADINGS = ("network", "setting", "generator", "discriminator", "stated", "by", "agrees")
CODE = "authors' code"


@dataclass(frozen=True)
class Setting:
    """A network as its paper, or its authors' code, has it.

    Args:
        network: name of the variant.
        where: data and size, for the table.
        recipe: of conf/model.
        shape: of a sample: (C, H, W), (1, T) of sounds.
        num_classes: K; None without labels.
        stated: parameters of generator and discriminator, one of them, or their sum, as numbers or
            as rounded there, such as "26.2 M"; empty if nobody states them.
        by: who states them.
        overrides: of the recipe, where the paper has several networks.
    """

    network: str
    where: str
    recipe: str
    shape: tuple[int, ...]
    num_classes: int | None = None
    stated: tuple[int | str | None, ...] = ()
    by: str = ""
    overrides: tuple[str, ...] = ()


def square(side: int, channels: int = 3) -> tuple[int, int, int]:
    return channels, side, side


WIDE = ("model.generator.width=64", "model.generator.widest=16", "model.discriminator.width=64",
        "model.discriminator.widest=16", "model.discriminator.smallest=4",
        "model.discriminator.num_plain=1")  # fmt: skip
SETTINGS = (
    Setting("DCGAN", "LSUN 64 px", "dcgan", square(64), None, (), "",
            ("model.generator.width=128", "model.discriminator.width=128")),
    Setting("LSGAN", "DCGAN's networks, 64 px", "lsgan", square(64)),
    Setting("InfoGAN", "MNIST 28 px", "infogan", square(28, 1)),
    Setting("WaveGAN", "16,384 samples", "wavegan", (1, 16384), None,
            (19_065_345, 17_427_969), "sums of Tables 3 and 4",
            ("model.generator.width=64", "model.discriminator.width=64")),
    Setting("SpecGAN", "128 frequencies, 128 frames", "specgan", (1, 16384), None,
            (19_065_345, 17_427_969), "sums of Tables 5 and 6",
            ("model.window=256", "model.hop=128", "model.generator.width=64",
             "model.discriminator.width=64")),
    Setting("ACGAN", "CIFAR-10", "acgan", square(32), 10),
    Setting("SNGAN", "CIFAR-10", "sngan", square(32), None, (4_276_739, None),
            "sum of Table 4"),
    Setting("SNGAN", "ImageNet 128 px", "sngan", square(128), None, (), "", WIDE),
    Setting("Projection cGAN", "ImageNet 128 px", "projection", square(128), 1000),
    Setting("SAGAN", "ImageNet 128 px", "sagan_conditional", square(128), 1000,
            ("81.5 M",), "BigGAN's Table 1"),
    Setting("BigGAN", "CIFAR-10", "biggan_cifar10", square(32), 10,
            (4_304_387, 4_207_361), CODE),
    Setting("BigGAN", "ImageNet 128 px", "biggan", square(128), 1000,
            (70_433_988, 87_982_370), CODE),
    Setting("BigGAN", "ImageNet 256 px", "biggan", square(256), 1000,
            (82_235_844, 99_225_890), CODE),
    Setting("Progressive GAN", "CelebA-HQ 1024 px", "progressive", square(1024), None,
            ("23.1 M", "23.1 M"), "Table 2"),
    Setting("StyleGAN", "FFHQ 1024 px", "stylegan", square(1024), None,
            ("26.2 M", None), "Section 2"),
    Setting("StyleGAN2", "CIFAR-10, labels", "stylegan2_cifar10", square(32), 10,
            (20_215_315, 23_089_664), CODE),
    Setting("StyleGAN2", "256 px, paper256", "stylegan2_paper256", square(256), None,
            (24_767_458, 24_001_089), CODE),
    Setting("StyleGAN2", "FFHQ 1024 px, config F", "stylegan2", square(1024), None,
            (30_370_060, 29_012_513), CODE),
    Setting("StyleGAN3-T", "FFHQ-U 1024 px", "stylegan3", square(1024), None,
            (22_313_167, 29_012_513), CODE),
    Setting("StyleGAN3-R", "FFHQ-U 1024 px", "stylegan3_r", square(1024), None,
            (15_093_151, 29_012_513), CODE),
    Setting("FastGAN", "few pictures, 256 px", "fastgan", square(256), None,
            (29_127_846, 11_526_160), CODE),
    Setting("FastGAN", "few pictures, 1024 px", "fastgan", square(1024), None,
            (29_176_512, 11_528_192), CODE),
    Setting("R3GAN", "CIFAR-10, labels", "r3gan_cifar10", square(32), 10,
            (20_781_952, 21_280_512), CODE),
    Setting("R3GAN", "FFHQ 64 px", "r3gan_ffhq64", square(64), None,
            (22_429_824, 22_381_440), CODE),
    Setting("R3GAN", "FFHQ 256 px", "r3gan_ffhq256", square(256), None,
            (23_057_952, 23_009_568), CODE),
    Setting("R3GAN", "ImageNet 32 px", "r3gan_imagenet32", square(32), 1000,
            (82_914_304, 86_548_992), CODE),
    Setting("R3GAN", "ImageNet 64 px", "r3gan_imagenet64", square(64), 1000,
            (103_570_432, 107_205_120), CODE),
)  # fmt: skip


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m gan_lab.apps.sizes", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("recipe", nargs="?", help="only the rows of one recipe, as model=NAME")
    options = parser.parse_args(arguments)
    wanted = options.recipe and options.recipe.removeprefix("model=")
    recipes = sorted({setting.recipe for setting in SETTINGS})
    if wanted and wanted not in recipes:
        raise UserError(f"model={wanted} is not in the table, which has {', '.join(recipes)}")
    settings = [s for s in SETTINGS if wanted in (None, s.recipe)]
    for line in table(settings):
        print(line, flush=True)


def table(settings: Sequence[Setting]) -> Iterator[str]:
    """The lines of a Markdown table, each as soon as it is known."""
    yield f"| {' | '.join(HEADINGS)} |"
    yield "| --- | --- | ---: | ---: | ---: | --- | :---: |"
    for setting in settings:
        found = counts(setting)
        stated = " / ".join(shown(number) for number in setting.stated if number is not None)
        mark = {True: "yes", False: "**no**", None: ""}[agrees(found, setting.stated)]
        sizes = [shown(number) for number in found]
        row = (setting.network, setting.where, *sizes, stated, setting.by, mark)
        yield f"| {' | '.join(row)} |"


def counts(setting: Setting) -> tuple[int, int]:
    """Learned numbers of generator and discriminator."""
    import torch
    from hydra.utils import instantiate

    from gan_lab.apps.recipe import compose

    config = compose(f"model={setting.recipe}", "data=folder", *setting.overrides)
    config.data.update(shape=list(setting.shape), num_classes=setting.num_classes, medium=None)
    with torch.device("meta"):
        networks = [
            instantiate(config.model[player], _convert_="all")
            for player in ("generator", "discriminator")
        ]
    generator, discriminator = (
        sum(weight.numel() for weight in network.parameters()) for network in networks
    )
    return generator, discriminator


def agrees(found: tuple[int, int], stated: tuple[int | str | None, ...]) -> bool | None:
    """Whether all that is stated is what was found, to the digits stated; None if nothing is."""
    if not stated:
        return None
    found = (sum(found),) if len(stated) == 1 else found
    return all(
        there is None or (here if isinstance(there, int) else shown_in_millions(here)) == there
        for here, there in zip(found, stated, strict=True)
    )


def shown(number: int | str) -> str:
    return f"{number:,}" if isinstance(number, int) else number


def shown_in_millions(number: int) -> str:
    return f"{number / 1e6:.1f} M"


if __name__ == "__main__":
    main()
