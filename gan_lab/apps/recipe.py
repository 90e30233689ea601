"""A recipe of conf/ without a command line: what apps build networks from."""

from pathlib import Path

import hydra
from omegaconf import DictConfig, OmegaConf

from gan_lab.errors import UserError

CONF = Path(__file__).parents[2] / "conf"


def compose(*overrides: str) -> DictConfig:
    """conf/train.yaml with overrides such as `model=stylegan2`, as train.py sees it.

    Interpolations of what only the data know, such as ${data.shape}, stay as they are until they
    are set.
    """
    if not (CONF / "train.yaml").is_file():
        raise UserError(f"{CONF} is missing: install gan_lab from a clone of it, pip install -e .")
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        config = hydra.compose("train", list(overrides), return_hydra_config=True)
    OmegaConf.set_struct(config, False)
    choices = config.hydra.runtime.choices
    config.model_name, config.data_name = choices.model, choices.data
    del config["hydra"]
    return config
