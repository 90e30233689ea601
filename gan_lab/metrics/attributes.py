"""Whether a picture shows what its caption says: drawn scenes, read by a network of their own."""

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lab.data.drawn import draws_of
from gan_lab.data.scenes import ATTRIBUTES, KINDS, RELATIONS, draw_scene, drawn
from gan_lab.metrics import cache
from gan_lab.metrics.classifier import shrunk
from gan_lab.metrics.extractor import weights_fingerprint
from gan_lab.metrics.paired import PairedFormula
from gan_lab.randomness import generator

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule

RECIPE = 4  # raise it when the network, its pictures or its training change
READER = 0x7264  # first integer of the keys drawn here
BATCH = 128
SIZES = [1 + len(RELATIONS), *ATTRIBUTES.values(), *ATTRIBUTES.values()]  # of a scene's numbers


class Reader(nn.Module):
    """Pictures (B, C, H, W) in [-1, 1] to logits of each number of a scene, (B, sum of SIZES)."""

    def __init__(self, channels: int, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in [(channels, width), (width, 2 * width), (2 * width, 4 * width)]:
            convolution = nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False)
            layers += [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]
        self.layers = nn.Sequential(
            *layers, nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(64 * width, 128), nn.ReLU()
        )
        self.logits = nn.Linear(128, sum(SIZES))
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        return self.logits(self.layers(images.contiguous(memory_format=torch.channels_last)))


class Attributes(PairedFormula):
    """The share of pictures whose colours, shapes, sizes, layout are as asked, of every shape.

    The network that reads them learns from drawn pictures of all kinds of shapes, those kept out
    of the model's training too, and never sees a sample. Beside each figure stand those of the real
    pictures, and of real pictures against others' captions: chance.

    Args:
        num: pictures that it learns from; a tenth as many measure its accuracy.
        seed: of its training.
        num_images: images that it learns from, repetitions counted.
    """

    names = (
        "colour_right", "shape_right", "size_right", "layout_right", "colour_and_shape_right",
        "all_right",
    )  # fmt: skip
    lower_is_better = False
    extractor = "reader"
    against = "scene"

    def __init__(self, *, num: int = 8000, seed: int = 0, num_images: int = 80_000) -> None:
        self.num, self.seed, self.num_images = num, seed, num_images

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        H, W = data.shape[1:]
        state, facts = cache.remembered(
            f"readers/{H}x{W}-{self.num}-{self.seed}-{self.num_images}-{RECIPE}",
            lambda: self.learn((H, W)),
        )
        self.accuracy, self.fingerprint = float(facts["accuracy"]), weights_fingerprint(state)
        with torch.random.fork_rng(devices=[]):  # initial weights must not move training's draws
            self.network = Reader(data.shape[0])
        self.network.load_state_dict(state)
        self.network.requires_grad_(False).eval().to(device)
        self.device = device
        reals = data.rows(data.judged_split, range(len(data.reals(data.judged_split))))
        image, scene = reals["image"], reals["scene"]
        against = {"real": scene, "chance": scene.roll(1, 0)}  # of another one
        self.known = {who: self(image, said).mean(0).tolist() for who, said in against.items()}

    def parameters(self) -> dict[str, int | float | str]:
        return {"reader_accuracy": self.accuracy}

    @torch.no_grad()
    def __call__(self, output: Tensor, scene: Tensor) -> Tensor:
        seen = self.read(output)
        asked = scene.to(seen)
        right = (seen == asked) | (asked < 0)  # (B, SCENE); of a shape not asked for: right
        layout, shapes = right[:, :1], right[:, 1:].unflatten(1, (2, len(ATTRIBUTES)))
        colour, shape, size = shapes.all(1).split(1, 1)
        every = layout & colour & shape & size
        return torch.cat([colour, shape, size, layout, colour & shape, every], 1).double().cpu()

    def read(self, pictures: Tensor) -> Tensor:
        """uint8 (B, C, H, W) -> the scenes (B, SCENE) that they most probably show."""
        logits = self.network(shrunk(pictures.to(self.device)))
        return torch.stack([part.argmax(1) for part in logits.split(SIZES, 1)], 1)

    def learn(self, size: tuple[int, int]) -> tuple[cache.Tensors, cache.Facts]:
        """Weights, and how often all that it reads of new pictures is right: Adam, one cycle.

        On the CPU with one thread and draws of its own, as the classifier of labels.
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
                return self._learn(size)
        finally:
            torch.set_num_threads(num_threads)

    def _learn(self, size: tuple[int, int]) -> tuple[cache.Tensors, cache.Facts]:
        draws = draws_of(READER, self.seed)
        num = self.num + self.num // 10
        content = drawn(
            [draw_scene(draws, KINDS, KINDS, 0.5) for _ in range(num)], draws, size, 1.0
        )
        images, scenes = shrunk(content.pictures), content.scenes
        network, draw = Reader(images.shape[1]), generator(READER, self.seed)
        optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-3, fused=True)
        num_steps = max(1, self.num_images // BATCH)
        for step in range(num_steps):
            progress = (step + 1) / num_steps
            optimizer.param_groups[0]["lr"] = 2e-3 * min(
                progress / 0.2, (1 - progress) / 0.8 + 1e-3
            )
            rows = torch.randint(self.num, (BATCH,), generator=draw)
            loss = sum(
                F.cross_entropy(logits, numbers, ignore_index=-1)
                for logits, numbers in zip(
                    network(images[rows]).split(SIZES, 1), scenes[rows].unbind(1), strict=True
                )
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        self.network, self.device = network.eval(), torch.device("cpu")
        accuracy = self(content.pictures[self.num :], scenes[self.num :]).mean(0)[-1]
        return network.state_dict(), {"accuracy": f"{accuracy:.4f}"}
