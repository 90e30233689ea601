"""Films that a trained model goes on with: what `sample.py` does with models of moving pictures."""

from pathlib import Path

import torch
from omegaconf import DictConfig
from torch import Tensor

from gan_lab.callbacks.samples import some_rows
from gan_lab.data.base import as_floats
from gan_lab.data.video_files import ClipFiles
from gan_lab.errors import UserError
from gan_lab.latent.space import Order
from gan_lab.models.base import Translator
from gan_lab.pictures import save
from gan_lab.strips import save_film, strip
from gan_lab.training import build_data


def foresee(gan: Translator, config: DictConfig, order: Order) -> Path:
    """Go on with the clip `order.input`, or with rows kept out of training, beside the truth.

    Args:
        gan: the model.
        config: of its run.
        order: `input` and `output`, a .gif, .mp4 or, for a strip of the frames, a .png.

    Returns:
        The file that was written.
    """
    kinds = (".gif", ".mp4", ".png")
    if order.input is None:
        path = order.path(f"foreseen-{order.num}", *kinds)
        batch = some_rows(build_data(config), order.num)
    else:
        path = order.path(f"foreseen-{order.input.stem}", *kinds)
        batch = {"video": last_frames(order.input, gan.source_shape, config.data.get("every", 1))}
    films = gan.show(batch, raw=order.raw)
    if path.suffix == ".png":
        save(strip(films, gan.source_shape[0]), path)
    else:
        save_film(films, path)
    return path


def last_frames(path: Path, shape: tuple[int, int, int, int], every: int) -> Tensor:
    """The end of a clip, as a model was trained to be given it: (1, k, C, H, W) in [-1, 1]."""
    if not path.exists():
        raise UserError(f"input={path}: there is no such file or folder")
    files = ClipFiles(path)
    if len(files.clips) > 1:
        names = ", ".join(clip.name for clip in files.clips[:5])
        raise UserError(f"input={path} holds {len(files.clips)} clips, {names}; name one of them")
    frames = files.read(files.clips[0], shape[1:], every)
    if len(frames) < shape[0]:
        raise UserError(
            f"input={path} has {len(frames)} frames; the model is given {shape[0]} to go on from"
        )
    return as_floats({"video": torch.from_numpy(frames[-shape[0] :])[None]})["video"]
