"""A small network that tells films from films gone wrong: the extractor for moving pictures.

It learns in seconds, once per data set, from no labels ("Shuffle and Learn", Misra et al. 2016,
tells the order of frames; here are other faults besides). Its figures compare models on that data
set only, and their names say so (`fd_motion_500`): they are no published Frechet video distance.
"""

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lab.metrics import cache
from gan_lab.metrics.classifier import SIDE, shrunk
from gan_lab.metrics.extractor import Extractor, weights_fingerprint
from gan_lab.randomness import generator

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule, Reals

RECIPE = 1  # raise it when the network, the faults or the training change
LEAST_FRAMES = 3
LEAST_FILMS = 128  # twice the features: a Frechet distance of fewer says nothing
NUM_FAULTS = 6
MOTION = 0x6D6F  # first integer of the keys drawn here


class Network(nn.Module):
    """Films (B, T, C, H, W) in [-1, 1] -> 64 features (B, 64), logits of the faults (B, 6).

    `scale` makes the mean square of a real film's features 1.
    """

    def __init__(self, channels: int, width: int = 12) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        widths = [channels, width, 2 * width, 4 * width]
        for inputs, outputs in zip(widths, widths[1:]):
            convolution = nn.Conv3d(inputs, outputs, (3, 4, 4), (1, 2, 2), 1, bias=False)
            layers += [convolution, nn.BatchNorm3d(outputs), nn.ReLU()]
        self.convolutions = nn.Sequential(*layers)
        self.features = nn.Linear(widths[-1] * 2 * 2, 64)
        self.logits = nn.Linear(64, NUM_FAULTS)
        self.register_buffer("scale", torch.ones(()))

    def forward(self, films: Tensor) -> tuple[Tensor, Tensor]:
        x = self.convolutions(films.transpose(1, 2))
        x = F.adaptive_avg_pool3d(x, (1, 2, 2)).flatten(1)
        features = F.relu(self.features(x))
        return self.scale * features, self.logits(features)


def faulty(films: Tensor, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Films (B, T, C, H, W) of which most have a fault, and which: (B,) in 0..5.

    0 none; 1 frames out of order; 2 a frame that stays; 3 half as fast; 4 blurred; 5 two films in
    one. They are what predictors get wrong.
    """
    B, T = films.shape[:2]
    kinds = torch.randint(NUM_FAULTS, (B,), generator=draw)
    orders = torch.arange(T).repeat(B, 1)
    shuffled = torch.rand(B, T, generator=draw).argsort(1)
    shuffled[(shuffled == orders).all(1)] = torch.arange(T).roll(1)
    orders[kinds == 1] = shuffled[kinds == 1]
    orders[kinds == 2] = 0
    orders[kinds == 3] //= 2
    films = films[torch.arange(B)[:, None], orders]
    blurred = F.avg_pool2d(films.flatten(0, 1), 3, 1, 1, count_include_pad=False).view_as(films)
    mixed = (films + films.roll(1, 0)) / 2
    kind = kinds[:, None, None, None, None]
    return torch.where(kind == 4, blurred, torch.where(kind == 5, mixed, films)), kinds


def shrunk_films(films: Tensor) -> Tensor:
    """uint8 (B, T, C, H, W) -> float32 in [-1, 1], the longer side at most SIDE pixels."""
    return shrunk(films.flatten(0, 1)).unflatten(0, films.shape[:2])


class Motion(Extractor):
    """The 64 features before the last layer of a network that tells faults of films.

    Args:
        seed: of its training.
        num_films: films that it learns from, repetitions counted.
        split: of the data that it learns from; a tenth is held out to measure its accuracy.
    """

    name = "motion"
    dim = 64
    resize = f"area mean to at most {SIDE} pixels"

    def __init__(self, *, seed: int = 0, num_films: int = 8_000, split: str = "train") -> None:
        self.seed, self.num_films, self.split = seed, num_films, split

    def unsuited(self, data: "DataModule") -> str | None:
        if len(data.shape) != 4:
            return f"{data.name} holds no films: choose metrics=auto"
        if data.shape[0] < LEAST_FRAMES or min(data.shape[-2:]) < 8:
            return (
                f"data.horizon={data.shape[0]}: metrics of motion need at least {LEAST_FRAMES}"
                " foreseen frames of at least 8 pixels"
            )
        films = len(data.reals(data.judged_split))
        if films < LEAST_FILMS:
            return (
                f"{data.name} keeps {films} windows for testing; metrics of motion need at least"
                f" {LEAST_FILMS}: more or longer clips"
            )
        return None

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        reals = data.reals(self.split)
        key = f"{reals.fingerprint()}-{self.seed}-{self.num_films}-{RECIPE}"
        state, facts = cache.remembered(f"motion/{key}", lambda: self.learn(reals, data.shape[1]))
        self.accuracy = float(facts["accuracy"])
        self.fingerprint = weights_fingerprint(state)
        with torch.random.fork_rng(devices=[]):  # initial weights must not move training's draws
            self.network = Network(data.shape[1])
        self.network.load_state_dict(state)
        self.network.requires_grad_(False).eval().to(device)

    def record(self) -> dict[str, float | str]:
        return {"fault_accuracy": self.accuracy}

    def __call__(self, images: Tensor) -> tuple[Tensor, None]:
        return self.network(shrunk_films(images))[0], None

    def learn(self, reals: "Reals", channels: int) -> tuple[cache.Tensors, cache.Facts]:
        """Weights and held-out accuracy; one thread and draws of its own, as `Classifier.learn`."""
        num_threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with (
                torch.random.fork_rng(devices=[]),
                torch.inference_mode(False),
                torch.enable_grad(),
            ):
                torch.default_generator.manual_seed(self.seed)
                return self._learn(reals, Network(channels))
        finally:
            torch.set_num_threads(num_threads)

    def _learn(self, reals: "Reals", network: Network) -> tuple[cache.Tensors, cache.Facts]:
        draw = generator(MOTION, self.seed)
        order = torch.randperm(len(reals), generator=draw)[: self.num_films]
        num_held = max(1, min(len(order) // 10, 500))
        held, learnt = order[:num_held], order[num_held:]
        batch = min(64, len(learnt))
        num_steps = max(1, self.num_films // batch)
        epochs = math.ceil(num_steps * batch / len(learnt))
        stream = torch.cat(
            [learnt[torch.randperm(len(learnt), generator=draw)] for _ in range(epochs)]
        )
        optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-3, fused=True)
        network.train()
        for step, rows in enumerate(stream[: num_steps * batch].split(batch)):
            progress = (step + 1) / num_steps
            optimizer.param_groups[0]["lr"] = 4e-3 * min(
                progress / 0.2, (1 - progress) / 0.8 + 1e-3
            )
            films, kinds = faulty(shrunk_films(reals.images(rows)), draw)
            optimizer.zero_grad()
            F.cross_entropy(network(films)[1], kinds).backward()
            optimizer.step()

        network.eval()
        with torch.no_grad():
            films = shrunk_films(reals.images(held))
            features = network(films)[0]
            films, kinds = faulty(films, draw)
            accuracy = (network(films)[1].argmax(1) == kinds).double().mean()
        network.scale /= features.square().mean().sqrt().clamp(min=1e-6)
        return network.state_dict(), {"accuracy": f"{accuracy:.4f}"}
