"""R-precision: "AttnGAN: Fine-Grained Text to Image Generation with Attentional Generative
Adversarial Networks" (Xu et al. 2018), Section 4: is a picture's own caption the nearest of 100?"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from gan_lab.losses.matching import contrast
from gan_lab.metrics import cache
from gan_lab.metrics.attributes import Attributes
from gan_lab.metrics.classifier import SIDE, shrunk
from gan_lab.metrics.extractor import weights_fingerprint
from gan_lab.metrics.paired import PairedFormula
from gan_lab.networks.text import PictureEncoder, WordEncoder
from gan_lab.randomness import EVALUATION, generator

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule
    from gan_lab.data.captions import CaptionReals

RECIPE = 1  # raise it when the networks or their training change
CANDIDATES = 6  # kind of draw under the key EVALUATION
BATCH, DIM = 64, 128


class Matcher(nn.Module):
    """Encoders of captions and of pictures of at most SIDE pixels, side by side."""

    def __init__(self, shape: tuple[int, ...], max_tokens: int) -> None:
        super().__init__()
        C, H, W = shape
        shrink = min(1.0, SIDE / max(H, W))
        size = (max(1, round(H * shrink)), max(1, round(W * shrink)))
        self.captions = WordEncoder(max_tokens, DIM)
        self.pictures = PictureEncoder((C, *size), DIM)


class RPrecision(PairedFormula):
    """The share of pictures whose own caption is nearer than those of `num_others` others.

    What is near is said by encoders that learn from the training split what belongs together, and
    never see a sample or the model's sentences. Beside it stand the figure of the real pictures,
    and chance. Where what a picture shows is known, as of drawn scenes, `Attributes` tells more.

    Args:
        num_others: captions besides a picture's own (paper: 99); at most as many as there are.
        seed: of the training of the encoders.
        num_images: images that they learn from, repetitions counted.
    """

    names = ("r_precision",)
    lower_is_better = False
    extractor = "matcher"
    against = "caption"

    def __init__(self, *, num_others: int = 99, seed: int = 0, num_images: int = 100_000) -> None:
        if num_others < 1:
            raise ValueError(f"num_others={num_others} of RPrecision: give at least 1")
        self.wanted, self.seed, self.num_images = num_others, seed, num_images

    def applies(self, data: "DataModule") -> bool:
        return super().applies(data) and Attributes.against not in data.gives

    def prepare(self, data: "DataModule", device: torch.device) -> None:
        train, judged = data.reals("train"), data.reals(data.judged_split)
        state, _ = cache.remembered(
            f"matchers/{train.fingerprint()}-{self.seed}-{self.num_images}-{RECIPE}",
            lambda: self.learn(train, data.shape, data.max_tokens),
        )
        self.fingerprint, self.device = weights_fingerprint(state), device
        with torch.random.fork_rng(devices=[]):  # initial weights must not move training's draws
            self.matcher = Matcher(data.shape, data.max_tokens)
        self.matcher.load_state_dict(state)
        self.matcher.requires_grad_(False).eval().to(device)
        rows = data.rows(data.judged_split, range(len(judged)))
        self.pool = rows["caption"].unique(dim=0)  # (N, L)
        self.num_others = min(self.wanted, len(self.pool) - 1)
        self.sentences = self.encoded(self.pool)
        real = self(rows["image"], rows["caption"]).mean().item()
        self.known = {"real": (real,), "chance": (1 / (1 + self.num_others),)}

    def parameters(self) -> dict[str, int | float | str]:
        return {"num_others": self.num_others}

    @torch.no_grad()
    def __call__(self, output: Tensor, caption: Tensor) -> Tensor:
        pictures = [self.matcher.pictures(shrunk(x.to(self.device))) for x in output.split(250)]
        likeness = torch.cat(pictures) @ self.sentences.T  # (B, N)
        own = (caption.cpu()[:, None] == self.pool).all(2).int().argmax(1)  # row of the pool
        return torch.tensor(
            [
                [float(self.wins(row.cpu(), n))]
                for row, n in zip(likeness, own.tolist(), strict=True)
            ],
            dtype=torch.float64,
        )

    def wins(self, likeness: Tensor, own: int) -> bool:
        """Whether caption `own` is liked (N,) more than each of some others, the same ever."""
        draw = generator(EVALUATION, CANDIDATES, own)
        order = torch.randperm(len(likeness), generator=draw)
        others = order[order != own][: self.num_others]
        return bool(likeness[own] > likeness[others].max())

    def encoded(self, captions: Tensor) -> Tensor:
        """(N, L) -> (N, D) on the device."""
        with torch.no_grad():
            parts = [self.matcher.captions(part.to(self.device)) for part in captions.split(250)]
        return torch.cat(parts)

    def learn(
        self, reals: "CaptionReals", shape: tuple[int, ...], max_tokens: int
    ) -> tuple[cache.Tensors, cache.Facts]:
        """Weights: Adam, learning rate up and down again in one cycle.

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
                return self._learn(reals, Matcher(shape, max_tokens))
        finally:
            torch.set_num_threads(num_threads)

    def _learn(self, reals: "CaptionReals", matcher: Matcher) -> tuple[cache.Tensors, cache.Facts]:
        draw = generator(EVALUATION, CANDIDATES, self.seed, 1)
        optimizer = torch.optim.AdamW(matcher.parameters(), weight_decay=1e-2, fused=True)
        batch = min(BATCH, len(reals))
        num_steps = max(1, self.num_images // batch)
        for step in range(num_steps):
            progress = (step + 1) / num_steps
            optimizer.param_groups[0]["lr"] = 2e-3 * min(
                progress / 0.2, (1 - progress) / 0.8 + 1e-3
            )
            rows = torch.randperm(len(reals), generator=draw)[:batch]
            caption = reals.spelling(
                rows.numpy(), torch.rand(batch, generator=draw).double().numpy()
            )
            alike = (caption[:, None] == caption).all(2)
            pictures = matcher.pictures(shrunk(reals.images(rows)))
            loss = contrast(pictures, matcher.captions(caption), alike, 10.0).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return matcher.state_dict(), {}
