"""A small classifier of the data set's own labels: the extractor that needs no download.

It learns in seconds, once per data set. Its figures compare GANs on that data set only; they are
not FID, and their names say so (`fd_classifier_10k`).
"""

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lab.media import holds_pictures
from gan_lab.metrics import cache
from gan_lab.metrics.extractor import Extractor, weights_fingerprint
from gan_lab.randomness import generator

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule, Reals

RECIPE = 1  # raise it when the network or its training changes: cached weights are then relearnt
SIDE = 32  # pixels of the longer side that the network sees
CLASSIFIER = 0x636C  # first integer of the keys drawn here


class Network(nn.Module):
    """Images (B, C, H, W) in [-1, 1] -> 64 features (B, 64), logits (B, K).

    `scale` makes the mean square of a real image's features 1, so that distances have one scale
    whatever the data, and the kernel distance's cube stays tame.
    """

    def __init__(self, channels: int, side: int, num_classes: int, width: int = 32) -> None:
        super().__init__()
        stem = [(channels, width, 3, 1)] if side <= 16 else [(channels, width, 4, 2)]
        layers: list[nn.Module] = []
        for inputs, outputs, kernel, stride in [
            *stem,
            (width, 2 * width, 4, 2),
            (2 * width, 2 * width, 3, 2),
        ]:
            convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=1, bias=False)
            layers += [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]
        self.convolutions = nn.Sequential(*layers)
        self.features = nn.Linear(2 * width * 3 * 3, 64)
        self.logits = nn.Linear(64, num_classes)
        self.register_buffer("scale", torch.ones(()))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        x = self.convolutions(images)
        x = F.adaptive_avg_pool2d(x, 3).flatten(1)  # where, coarsely: 3 x 3
        features = F.relu(self.features(x))
        return self.scale * features, self.logits(features)


def shrunk(images: Tensor) -> Tensor:
    """uint8 (B, C, H, W) -> float32 in [-1, 1], the longer side at most SIDE pixels (area mean)."""
    images = images.float() / 127.5 - 1
    H, W = images.shape[-2:]
    if max(H, W) > SIDE:
        factor = SIDE / max(H, W)
        size = (max(1, round(H * factor)), max(1, round(W * factor)))
        images = F.interpolate(images, size, mode="area")
    return images


class Classifier(Extractor):
    """The 64 features before the last layer of a classifier of this data set's labels.

    Args:
        seed: of its training.
        num_images: images that it learns from, repetitions counted; the data set at most 12 times.
        split: of the data that it learns from; a tenth is held out to measure its accuracy.
    """

    name = "classifier"
    dim = 64
    resize = f"area mean to at most {SIDE} pixels"
    folder, recipe = "classifiers", RECIPE  # of the cache

    def __init__(self, *, seed: int = 0, num_images: int = 40_000, split: str = "train") -> None:
        self.seed, self.num_images, self.split = seed, num_images, split

    def unsuited(self, data: "DataModule") -> str | None:
        if not holds_pictures(data):
            return (
                f"{data.name} holds no pictures: choose metrics=auto, which takes what suits, or"
                " metrics=none where nothing does"
            )
        if data.num_classes is None:
            return (
                f"{data.name} has no labels, and metrics=classifier learns from labels: choose"
                " metrics=squeezenet (small weights by path), metrics=inception (published FID;"
                " needs its weights), or metrics=none"
            )
        return None

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        self.prepare_for(data.reals(self.split), data.shape, data.num_classes, device)

    def prepare_for(
        self, reals: "Reals", shape: tuple[int, ...], num_classes: int, device: torch.device
    ) -> None:
        """Make the weights of a classifier of these pictures' labels ready."""
        key = f"{reals.fingerprint()}-{self.seed}-{self.num_images}-{self.recipe}"
        state, facts = cache.remembered(
            f"{self.folder}/{key}", lambda: self.learn(reals, shape, num_classes)
        )
        self.accuracy = float(facts["accuracy"])
        self.num_logits = num_classes
        self.fingerprint = weights_fingerprint(state)
        with torch.random.fork_rng(devices=[]):  # initial weights must not move training's draws
            self.network = self.make(shape, num_classes)
        self.network.load_state_dict(state)
        self.network.requires_grad_(False).eval().to(device)

    def record(self) -> dict[str, float | str]:
        return {"classifier_accuracy": self.accuracy}

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.network(self.seen(images).contiguous(memory_format=torch.channels_last))

    def seen(self, images: Tensor) -> Tensor:
        """What the network sees of samples (B, *shape): (B, C, H, W) float32."""
        return shrunk(images)

    @staticmethod
    def make(shape: tuple[int, ...], num_classes: int) -> Network:
        C, H, W = shape
        network = Network(C, min(SIDE, max(H, W)), num_classes)
        return network.to(memory_format=torch.channels_last)

    def learn(
        self, reals: "Reals", shape: tuple[int, ...], num_classes: int
    ) -> tuple[cache.Tensors, cache.Facts]:
        """Weights and held-out accuracy: Adam, learning rate up and down again in one cycle.

        On the CPU with one thread whatever the machine has, and with draws of its own: the same
        weights wherever arithmetic is the same.
        """
        num_threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with (
                torch.random.fork_rng(devices=[]),
                torch.inference_mode(False),
                torch.enable_grad(),
            ):
                torch.default_generator.manual_seed(self.seed)
                return self._learn(reals, self.make(shape, num_classes))
        finally:
            torch.set_num_threads(num_threads)

    def _learn(self, reals: "Reals", network: Network) -> tuple[cache.Tensors, cache.Facts]:
        draw = generator(CLASSIFIER, self.seed)
        order = torch.randperm(len(reals), generator=draw)[: self.num_images]
        images = torch.cat([self.seen(reals.images(part)) for part in order.split(1000)])
        images = images.contiguous(memory_format=torch.channels_last)
        labels = torch.cat([reals.labels(part) for part in order.split(1000)])
        num_held = max(1, min(len(order) // 10, 5000))
        num_learnt = max(1, len(order) - num_held)
        batch = min(128, num_learnt)
        num_steps = max(1, min(self.num_images, 12 * num_learnt) // batch)

        optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-3, fused=True)
        stream = torch.cat(
            [
                torch.randperm(num_learnt, generator=draw)
                for _ in range(math.ceil(num_steps * batch / num_learnt))
            ]
        )
        network.train()
        for step, rows in enumerate(stream[: num_steps * batch].split(batch)):
            progress = (step + 1) / num_steps
            optimizer.param_groups[0]["lr"] = 4e-3 * min(
                progress / 0.2, (1 - progress) / 0.8 + 1e-3
            )
            optimizer.zero_grad()
            F.cross_entropy(network(images[rows])[1], labels[rows]).backward()
            optimizer.step()

        network.eval()
        with torch.no_grad():
            seen = [network(part) for part in images[-num_held:].split(1000)]
        features, logits = (torch.cat(parts) for parts in zip(*seen, strict=True))
        network.scale /= features.square().mean().sqrt().clamp(min=1e-6)
        accuracy = (logits.argmax(dim=1) == labels[-num_held:]).double().mean()
        return network.state_dict(), {"accuracy": f"{accuracy:.4f}"}
