"""Pictures of what the generator makes, from the same latents each time: watch it learn."""

from pathlib import Path

import lightning as L
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan_lab.callbacks.reports import paused
from gan_lab.data.base import DataModule, Reals, as_floats
from gan_lab.data.stream import Batch
from gan_lab.files import atomic_write
from gan_lab.loggers.base import RunLogger
from gan_lab.models.base import Game
from gan_lab.pictures import GRID_WIDTH, rows_of_classes, save, side_by_side
from gan_lab.strips import save_film, strip

MAX_FRAMES = 120  # of growth.gif


class Samples(L.Callback):
    """Draws fixed latents at the start, every `every_kimg` and at the end.

    Writes samples/<kimg>.png, the data beside it in samples/real.png, and at the end
    samples/growth.gif. A conditional model gets one class per row. Points make a scatter plot,
    sounds a recording besides. What answers a batch stands beside what it was made from, and the
    truth where there is one. Films make a strip of frames and samples/<kimg>.gif.

    Args:
        every_kimg: thousands of real images between two pictures.
        num: pictures in a grid.
        num_crowd: samples in a plot of many, such as points.
        num_rows: rows of a translator.
        seed: of the latents.
    """

    def __init__(
        self,
        every_kimg: float,
        *,
        num: int = 64,
        num_crowd: int = 2000,
        num_rows: int = 8,
        seed: int = 0,
    ) -> None:
        if every_kimg <= 0 or num < 1 or num_crowd < 1 or num_rows < 1:
            raise ValueError(
                f"callbacks.samples: every_kimg={every_kimg}, num={num}, num_crowd={num_crowd},"
                f" num_rows={num_rows}: each must be above 0"
            )
        self.every_kimg, self.num, self.num_crowd, self.seed = every_kimg, num, num_crowd, seed
        self.num_rows = num_rows
        self._next = 0.0  # kimg of the next picture
        self._last = 0  # iterations of the whole budget
        self._reals: Tensor | None = None  # those in real.png: (N, C, H, W) or (N, 2)
        self.diversity: float | None = None  # spread of the last picture's samples, data's = 1

    def on_train_start(self, trainer: L.Trainer, gan: Game) -> None:
        kimg = gan.kimg_at(gan.steps_done)
        self._next, self._last = after(kimg, self.every_kimg), trainer.max_steps
        if not trainer.is_global_zero:
            return
        folder = Path(trainer.default_root_dir) / "samples"
        folder.mkdir(parents=True, exist_ok=True)
        for path in frames(folder):
            if float(path.stem) > round(kimg, 1):  # a run that was killed had been further
                path.unlink()
                for beside in path.parent.glob(f"{path.stem}.*"):  # films and sounds
                    beside.unlink()
        with paused(trainer, "drawing"):
            if trainer.datamodule is not None and not hasattr(gan, "show"):
                self._draw_reals(trainer.datamodule.reals(), gan, folder / "real.png")
        if gan.steps_done == 0:
            self._draw(trainer, gan)

    def on_train_batch_end(
        self, trainer: L.Trainer, gan: Game, outputs: None, batch: dict[str, Tensor], batch_idx: int
    ) -> None:
        kimg = gan.kimg_at(gan.steps_done)
        if kimg < self._next and gan.steps_done != self._last:
            return
        self._next = after(kimg, self.every_kimg)
        if trainer.is_global_zero:
            self._draw(trainer, gan)

    def on_train_end(self, trainer: L.Trainer, gan: Game) -> None:
        if trainer.is_global_zero:
            animate(Path(trainer.default_root_dir) / "samples")

    def state_dict(self) -> dict[str, float | None]:
        return {"diversity": self.diversity}

    def load_state_dict(self, state: dict[str, float | None]) -> None:
        self.diversity = state["diversity"]

    def _draw(self, trainer: L.Trainer, gan: Game) -> None:
        with paused(trainer, "drawing"):
            kimg = gan.kimg_at(gan.steps_done)
            path = Path(trainer.default_root_dir) / "samples" / f"{kimg:08.1f}.png"
            loggers = [logger for logger in trainer.loggers if isinstance(logger, RunLogger)]
            fakes = None
            if len(gan.shape) == 4:
                films = gan.show(some_rows(trainer.datamodule, self.num_rows))
                picture, moving = strip(films, gan.source_shape[0]), path.with_suffix(".gif")
                save_film(films, moving)
                for logger in loggers:
                    logger.log_film("film", moving, step=gan.steps_done, kimg=kimg)
            elif hasattr(gan, "show"):
                rows = some_rows(trainer.datamodule, self.num_rows)
                picture = side_by_side(gan.show(rows), gan.told(rows))
            else:
                num, label, columns = self._arranged(gan)
                fakes = gan.sample(num, seed=self.seed, label=label).cpu()
                picture = gan.medium.sheet(fakes, columns, self._reals)
                sound = gan.medium.recording(fakes, path)
                for logger in loggers if sound else []:
                    logger.log_sound("sound", sound, step=gan.steps_done, kimg=kimg)
            if self._reals is not None and fakes is not None:
                self.diversity = spread(fakes) / max(spread(self._reals), 1e-12)
            save(picture, path)
            for logger in loggers:
                logger.log_picture("samples", path, step=gan.steps_done, kimg=kimg)

    def _draw_reals(self, reals: Reals, gan: Game, path: Path) -> None:
        order = torch.randperm(len(reals), generator=torch.Generator().manual_seed(self.seed))
        num, label, columns = self._arranged(gan)
        chosen = order[:num] if label is None else of_classes(reals, order, label)
        self._reals = as_floats({"image": reals.images(chosen)})["image"]
        save(gan.medium.sheet(self._reals, columns), path)
        gan.medium.recording(self._reals, path)

    def _arranged(self, gan: Game) -> tuple[int, Tensor | None, int]:
        """How many samples a sheet has, their labels, and its columns."""
        if gan.medium.crowd:
            return self.num_crowd, None, 1
        label, columns = rows_of_classes(self.num, gan.num_classes)
        return self.num if label is None else len(label), label, columns


def some_rows(data: DataModule, num: int) -> Batch:
    """The same few rows each time, of the split that outputs are judged on, spread over it."""
    length = len(data.reals(data.judged_split))
    rows = torch.linspace(0, length - 1, min(num, length)).round().long()
    return as_floats(data.rows(data.judged_split, rows))


def spread(samples: Tensor) -> float:
    """Standard deviation over the samples (N, *shape), the mean over their pixels."""
    return samples.float().std(0, correction=0).mean().item()


def after(kimg: float, every: float) -> float:
    """The next multiple of `every` above `kimg`, less what rounding may have taken."""
    return (int(kimg / every + 1e-6) + 1) * every - 1e-6 * every


def of_classes(reals: Reals, order: Tensor, label: Tensor) -> Tensor:
    """Items (N,) with the labels `label` (N,), in the order of `order`; any item where none is."""
    order = order[:20_000]
    labels = reals.labels(order)
    if labels is None:
        return order[: len(label)]
    waiting = {c: order[labels == c].tolist() for c in label.unique().tolist()}
    spare = order.tolist()
    return torch.tensor([(waiting[c] or spare).pop(0) for c in label.tolist()])


def frames(folder: Path) -> list[Path]:
    """The pictures of a run's `samples` folder, oldest first."""
    return sorted(folder.glob("[0-9]*.png"), key=lambda path: float(path.stem))


def animate(folder: Path) -> Path | None:
    """samples/growth.gif from the pictures in the folder; the last one stays for two seconds."""
    paths = frames(folder)
    if len(paths) < 2:
        return None
    keep = np.linspace(0, len(paths) - 1, min(len(paths), MAX_FRAMES)).round().astype(int)
    pictures = []
    for i in keep:
        with Image.open(paths[i]) as picture:
            shrink = min(1.0, GRID_WIDTH / picture.width)
            size = round(picture.width * shrink), round(picture.height * shrink)
            picture = picture.convert("RGB").resize(size) if shrink < 1 else picture.convert("RGB")
        pictures.append(picture.quantize(256, dither=Image.Dither.NONE))
    durations = [150] * (len(pictures) - 1) + [2000]  # milliseconds
    first, *rest = pictures
    path = folder / "growth.gif"
    atomic_write(
        path,
        lambda file: first.save(
            file, format="GIF", save_all=True, append_images=rest, duration=durations, loop=0
        ),
    )
    return path
