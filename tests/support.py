"""Composed configs, small models and a bare training loop, for all tests."""

from pathlib import Path

import hydra
import lightning as L
from omegaconf import DictConfig, OmegaConf

from gan_lab.config import locate
from gan_lab.data.base import as_floats
from gan_lab.models.base import Game
from gan_lab.training import build_data, build_model

ROOT = Path(__file__).parents[1]
MODELS = sorted(p.stem for p in (ROOT / "conf/model").glob("[!_]*.yaml"))
# What else a variant needs to be small, by the beginning of its name.
SMALLER = {
    "f_anogan": ["model.encoder.width=8", "model.budget_kimg=0.192"],  # 6 steps of the game
    "anogan": ["model.search_steps=5"],
    "df_gan": ["model.matching_kimg=0.05"],
    "stylegan3": ["model.generator.num_layers=4", "model.generator.margin=3"],
    "stylegan2": ["model.generator.mapping_depth=2"],
    "esrgan": ["model.warmup_kimg=0.128", "model.generator.num_blocks=1"],
    "tempogan": [
        *("model.temporal_discriminator.width=8", "model.generator.num_blocks=1"),
        "model.warmup_kimg=0.128",
    ],
    "srgan": ["model.warmup_kimg=0.128", "model.generator.num_blocks=1"],  # 8 steps
}
# Data for a model by what it takes of a batch; pictures of 16x16.
DATA = {
    ("image",): ["data.resolution=16"],
    ("image", "caption", "mismatched"): ["data=captions", "data.resolution=16", "data.num=64"],
    ("domain_a", "domain_b"): ["data=unpaired", "data.resolution=16", "data.num=64"],
    ("low", "high"): ["data=superres", "data.crop=16"],
    ("low_video", "high_video"): ["data=superres_video", "data.crop=16", "data.resolution=32"],
    ("source", "target"): ["data=pairs", "data.resolution=16", "data.num=64"],
    ("condition", "row"): ["data=table", "data.table=iris", "model.discriminator.pac=2"],
    ("video",): [
        *("data=moving_digits", "data.resolution=16", "data.side=8", "data.num=64"),
        *("data.context=3", "data.horizon=2"),
    ],
}
# Data for models whose samples are no pictures, by the beginning of their name.
SOUNDS = ["data=audio", "data.num_samples=1024", "data.num=64"]
MEDIA = {
    "wavegan": SOUNDS,
    "specgan": [*SOUNDS, "model.window=64", "model.hop=32"],
    "musegan": ["data=pianoroll", "data.num=64", "data.num_bars=2", "data.steps_per_beat=4"],
}
SMALL = ["model.generator.width=8", "model.discriminator.width=8", "data.batch_size=16"]


def compose(*overrides: str, name: str = "train") -> DictConfig:
    """conf/train.yaml, or another one, with overrides, as train.py sees it."""
    with hydra.initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = hydra.compose(name, list(overrides), return_hydra_config=True)
    OmegaConf.set_struct(config, False)
    if name == "train":
        choices = config.hydra.runtime.choices
        config.model_name, config.data_name = choices.model, choices.data
    del config["hydra"]
    OmegaConf.set_struct(config, True)
    return config


def build(*overrides: str) -> tuple[L.LightningDataModule, Game]:
    """Data and a model of a few thousand weights."""
    config = compose(*SMALL, *overrides)
    return build_data(config), build_model(config)


def small(model: str) -> list[str]:
    """Overrides for a model of a few thousand weights on 16x16 pictures, or other small samples, of
    the kind it takes."""
    takes = locate(target_of(model)).takes
    data = next((d for name, d in MEDIA.items() if model.startswith(name)), DATA[takes])
    more = [
        option for name, options in SMALLER.items() if model.startswith(name) for option in options
    ]
    return [f"model={model}", *data, *more]


def target_of(model: str) -> str:
    """The class that a recipe names, or the recipe that it builds on."""
    recipe = OmegaConf.load(ROOT / f"conf/model/{model}.yaml")
    return recipe.get("_target_") or target_of(next(d for d in recipe.defaults if d[0] != "_"))


def some(data: L.LightningDataModule, num: int) -> dict:
    """The first rows of the training split, as a model sees them."""
    return as_floats(data.rows("train", range(num)))


def fit(gan: Game, data: L.LightningDataModule, steps: int, **options) -> L.Trainer:
    """Train for so many steps in all, on the CPU, without callbacks."""
    from gan_lab.trainer import build_trainer

    options = {"run_dir": Path("."), "callbacks": [], "loggers": [], **options}
    resume = options.pop("ckpt_path", None)
    trainer = build_trainer(
        batch_size=data.batch_size,
        kimg=steps * data.batch_size / 1000,
        accelerator="cpu",
        **options,
    )
    trainer.fit(gan, data, ckpt_path=resume, weights_only=True)
    return trainer
