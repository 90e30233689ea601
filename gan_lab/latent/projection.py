"""The latent whose picture is nearest to a given one: StyleGAN2 (Karras et al. 2020), App. D."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from safetensors.torch import save_file
from torch import Tensor, nn

from gan_lab import randomness
from gan_lab.errors import UserError
from gan_lab.files import atomic_write
from gan_lab.latent.space import SPACES, LatentSpace, Order
from gan_lab.losses.perceptual import PyramidDistance
from gan_lab.models.base import GAN
from gan_lab.pictures import grid, save

RAMP_UP, RAMP_DOWN = 0.05, 0.25  # shares of the steps
NOISE_UNTIL = 0.75  # share of the steps in which the latent is disturbed


@dataclass(frozen=True)
class Found:
    """What a projection ends with.

    Attributes:
        code: (1, Z), or (1, num_ws, w_dim).
        label: (1,), or None.
        start: the first guess's picture (1, C, H, W).
        picture: the found one's.
        distances: of each step.
    """

    code: Tensor
    label: Tensor | None
    start: Tensor
    picture: Tensor
    distances: list[float]


def project(
    space: LatentSpace,
    target: Tensor,
    *,
    steps: int = 500,
    learning_rate: float = 0.1,
    noise: float = 0.05,
    distance: nn.Module | None = None,
    pixel_weight: float = 1.0,
    shared: bool = False,
    num_guesses: int = 64,
    watch: Callable[[float], None] = lambda distance: None,
) -> Found:
    """Adam on the latent, from the best of `num_guesses` drawn ones.

    Args:
        space: where to search.
        target: (1, C, H, W) in [-1, 1].
        steps: of Adam.
        learning_rate: at its height; it rises and falls.
        noise: disturbs the latent early on, as a share of its own spread.
        distance: perceptual part of the objective; `PyramidDistance` if None.
        pixel_weight: of the mean squared error of pixels.
        shared: one w for all layers (w) instead of one for each (w+).
        num_guesses: latents drawn to begin with.
        watch: called with each step's distance.
    """
    device = space.gan.device
    distance = (PyramidDistance() if distance is None else distance).to(device).eval()
    target = target.to(device)

    def objective(picture: Tensor) -> Tensor:
        pixels = (picture - target).square().flatten(1).mean(1)
        return distance(picture, target.expand_as(picture)) + pixel_weight * pixels  # (B,)

    with torch.no_grad():
        guesses, labels = space.draw(num_guesses)
        found = objective(space.pictures(guesses, labels).to(device))
    best = int(found.argmin())
    label = None if labels is None else labels[best : best + 1].to(device)
    spread = guesses.flatten(1).std(0).mean().item()
    code = guesses[best : best + 1].to(device)
    start = space.pictures(code, label)
    if shared and code.ndim == 3:
        code = code[:, :1]
    layers = space.network.num_ws if shared and code.ndim == 3 else None
    code = code.clone().requires_grad_()
    optimizer = torch.optim.Adam([code], lr=learning_rate, betas=(0.9, 0.999))
    draw = randomness.generator(randomness.SAMPLE, space.order.seed, 2)
    distances, lowest, nearest = [], math.inf, code.detach().clone()
    for step in range(steps):
        at = step / steps
        ramp = min(1.0, (1 - at) / RAMP_DOWN)
        ramp = (0.5 - 0.5 * math.cos(ramp * math.pi)) * min(1.0, (at + 1 / steps) / RAMP_UP)
        optimizer.param_groups[0]["lr"] = learning_rate * ramp
        strength = noise * spread * max(0.0, 1 - at / NOISE_UNTIL) ** 2
        disturbed = code + strength * torch.randn(code.shape, generator=draw).to(device)
        value = objective(space.synthesise(spanned(disturbed, layers), label))
        (gradient,) = torch.autograd.grad(value.sum(), code)
        distances.append(value.item())
        if strength == 0 and distances[-1] < lowest:
            lowest, nearest = distances[-1], code.detach().clone()
        code.grad = gradient
        optimizer.step()
        watch(distances[-1])
    nearest = spanned(nearest, layers)
    return Found(nearest.cpu(), label, start, space.pictures(nearest, label), distances)


def spanned(code: Tensor, layers: int | None) -> Tensor:
    """One w (1, 1, D) repeated for all layers; None leaves the code alone."""
    return code if layers is None else code.expand(-1, layers, -1)


def read_picture(path: Path, shape: tuple[int, int, int], *, resize: bool) -> Tensor:
    """(1, C, H, W) in [-1, 1] of a file.

    Raises:
        UserError: it is no picture, or not of the model's size.
    """
    C, H, W = shape
    if C not in (1, 3, 4):
        raise UserError(f"this model makes pictures of {C} channels; only 1, 3 and 4 are files")
    try:
        with Image.open(path) as file:
            picture = file.convert({1: "L", 3: "RGB", 4: "RGBA"}[C])
    except FileNotFoundError:
        raise UserError(f"mode.picture={path}: no such file") from None
    except (OSError, Image.DecompressionBombError) as error:
        raise UserError(f"mode.picture={path}: cannot be read as a picture ({error})") from None
    if picture.size != (W, H):
        if not resize:
            raise UserError(
                f"mode.picture={path} is {picture.height}x{picture.width}, but the model makes"
                f" {H}x{W}; cut it to size, or let mode.resize=true squeeze it"
            )
        picture = picture.resize((W, H), Image.Resampling.LANCZOS)
    pixels = torch.from_numpy(np.asarray(picture).copy()).view(H, W, C).permute(2, 0, 1)
    return pixels[None].float() / 127.5 - 1


class Projection:
    """A .png of the given picture, the first guess and what was found, and its latent beside it.

    Args:
        picture: file to project, of the model's size.
        space: `z`, `w`, or `w+` with a w for each layer.
        steps: of Adam.
        learning_rate: of Adam.
        noise: see `project`.
        distance: see `project`.
        pixel_weight: see `project`.
        resize: squeeze a picture of another size.
    """

    def __init__(
        self,
        *,
        picture: str | None = None,
        space: Literal["z", "w", "w+"] = "z",
        steps: int = 500,
        learning_rate: float = 0.1,
        noise: float = 0.05,
        distance: nn.Module | None = None,
        pixel_weight: float = 1.0,
        resize: bool = False,
    ) -> None:
        if picture is None:
            raise ValueError("mode.picture=null: name the picture, as in mode.picture=face.png")
        if steps < 1:
            raise ValueError(f"mode.steps={steps}: give at least 1")
        self.picture, self.space, self.steps = Path(picture), space, steps
        self.resize = resize
        self.options = {
            "learning_rate": learning_rate,
            "noise": noise,
            "distance": distance,
            "pixel_weight": pixel_weight,
        }

    def __call__(self, gan: GAN, order: Order) -> Path:
        path = order.path(f"projection-{self.space}-{self.picture.stem}", ".png")
        space = SPACES[self.space.removesuffix("+")](gan, order)
        target = read_picture(self.picture, gan.shape, resize=self.resize)
        columns = (
            TextColumn("projecting {task.fields[distance]:.4f}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns) as progress:
            task = progress.add_task("", total=self.steps, distance=math.nan)
            found = project(
                space,
                target,
                steps=self.steps,
                shared=self.space == "w",
                watch=lambda distance: progress.update(task, advance=1, distance=distance),
                **self.options,
            )
        save(grid(torch.cat([target, found.start, found.picture]), 3), path)
        tensors = {"code": found.code.contiguous()}
        if found.label is not None:
            tensors["label"] = found.label.cpu()
        atomic_write(path.with_suffix(".safetensors"), lambda file: save_file(tensors, file))
        return path
