"""Pictures with captions: for each picture what is true of it, and a caption of another one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from gan_lab.captions import NUM_TOKENS, to_tokens
from gan_lab.data.base import DataModule, item_numbers
from gan_lab.data.caption_files import CaptionFiles
from gan_lab.data.folder import size_of
from gan_lab.data.pairs import KEPT_OUT
from gan_lab.data.rows import RowReals
from gan_lab.data.scenes import Captioned, DrawnScenes
from gan_lab.data.stream import Batch, Stream, mirror_
from gan_lab.errors import UserError
from gan_lab.randomness import CAPTION, generator

NUM_EXAMPLES = 32
MADE = ("image", "caption")  # of a row, anew in each epoch


class CaptionSource(Protocol):
    """Where pictures and captions come from.

    Attributes:
        name: for humans.
        splits: those there are, `train` among them.
        class_names: of the pictures' labels, or None without labels.
        words_know_left: whether captions tell left from right, so that a mirror would make them
            untrue.
    """

    name: str
    splits: tuple[str, ...]
    class_names: list[str] | None
    words_know_left: bool

    def channels(self) -> int: ...

    def texts(self, split: str) -> list[list[str]]:
        """The captions of each picture; no pixels are read."""

    def load(self, split: str, channels: int, size: tuple[int, int]) -> Captioned: ...


class CaptionReals(RowReals):
    """A split, each row with the first of its captions.

    Args:
        content: pictures, captions, and what is known of them.
        max_tokens: L.
    """

    def __init__(self, content: Captioned, max_tokens: int) -> None:
        counts = [len(captions) for captions in content.captions]
        spelt = [caption for captions in content.captions for caption in captions]
        self.spellings = to_tokens(spelt, max_tokens).numpy()
        self.ends = np.cumsum(counts)
        self.starts = self.ends - counts
        columns = {
            "image": content.pictures,
            "caption": torch.from_numpy(self.spellings[self.starts]),
        }
        if content.scenes is not None:
            columns["scene"] = content.scenes
        super().__init__(columns, "image", content.labels)
        # Rows that one caption may be true of have one number: no row's caption mismatches those.
        said = columns.get("scene", columns["caption"]).numpy()
        self.meanings = np.unique(said, axis=0, return_inverse=True)[1].reshape(-1)

    def spelling(self, rows: np.ndarray, choice: np.ndarray) -> Tensor:
        """One of the captions of each row: (B, L), chosen by numbers in [0, 1)."""
        room = self.ends[rows] - self.starts[rows]
        return torch.from_numpy(self.spellings[self.starts[rows] + (choice * room).astype(int)])

    def others(self, rows: np.ndarray, choice: np.ndarray) -> np.ndarray:
        """A row of another meaning for each row: (B,), chosen by numbers in [0, 1)."""
        num = len(self)
        others = (rows + 1 + (choice * (num - 1)).astype(int)) % num
        for _ in range(num):
            alike = self.meanings[others] == self.meanings[rows]
            if not alike.any():
                break
            others = np.where(alike, (others + 1) % num, others)
        return others


@dataclass
class CaptionBatches:
    """The rows that one process owns of each minibatch: iteration -> batch.

    Args:
        reals: the training split.
        stream: the keyed walk over it.
        batch_size: size B of the whole minibatch, over all processes.
        first_row, rows: which of the B rows are made here.
        mirror: flip half of the pictures left to right.
    """

    reals: CaptionReals
    stream: Stream
    batch_size: int
    first_row: int
    rows: int
    mirror: bool

    def __call__(self, iteration: int) -> Batch:
        draws = self.stream.draws(iteration * self.batch_size + self.first_row, self.rows)
        mine = slice(self.first_row, self.first_row + self.rows)
        draw = generator(CAPTION, self.stream.seed, iteration)
        which, whose, how = torch.rand(3, self.batch_size, generator=draw).double()[:, mine].numpy()
        rows = item_numbers(draws)
        images = self.reals.images(draws)
        if self.mirror:
            mirror_(images, self.stream.flips(iteration, self.batch_size)[mine])
        return {
            **self.reals.batch(draws, [name for name in self.reals.columns if name not in MADE]),
            "image": images,
            "caption": self.reals.spelling(rows, which),
            "mismatched": self.reals.spelling(self.reals.others(rows, whose), how),
        }


class Captions(DataModule):
    """Batches of `image`, `caption` and `mismatched`, the caption of a picture of another meaning.

    Captions travel as numbers, (B, L) int64; see `gan_lab.captions`. Drawn ones come with the
    `scene` (B, SCENE) that they tell of.

    Args:
        root: folder, .zip or .tar, see `CaptionFiles`; null draws one or two shapes, see
            `DrawnScenes`.
        resolution: height and width, or [height, width]; the centre is cut out and resized.
        channels: 1 grey, 3 colour; null looks at a few pictures.
        max_tokens: L, the most bytes of a caption.
        num: pictures to draw where there is no root.
        pairs: share of the drawn pictures that have two shapes.
        freedom: how far from the middle of their room drawn shapes may lie, 0 not at all, 1
            anywhere.
        memory_gb: a set of files whose decoded pictures take more is decoded once, into a file of
            the cache that processes share.
        batch_size, seed, mirror: see `DataModule`.
    """

    gives = ("image", "caption", "mismatched")
    facts = (*DataModule.facts, "num_tokens", "examples")

    def __init__(
        self,
        *,
        root: str | None = None,
        resolution: int | Sequence[int] = 32,
        channels: int | None = None,
        max_tokens: int = 64,
        num: int = 8000,
        pairs: float = 0.0,
        freedom: float = 0.25,
        memory_gb: float = 0.25,
        batch_size: int = 32,
        seed: int = 0,
        mirror: bool = False,
    ) -> None:
        size = size_of(resolution)
        if max_tokens < 1:
            raise UserError(f"data.max_tokens={max_tokens}: a caption has at least 1")
        self.captions: CaptionSource
        self.captions = (
            DrawnScenes(num, min(size), pairs, freedom)
            if root is None
            else CaptionFiles(root, memory_gb)
        )
        if mirror and self.captions.words_know_left:
            raise UserError("data.mirror=true: these captions tell left from right; leave it false")
        names = self.captions.class_names
        super().__init__(
            name=self.captions.name,
            shape=(channels or self.captions.channels(), *size),
            num_classes=len(names) if names else None,
            class_names=names,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
        )
        self.max_tokens, self.num_tokens = max_tokens, NUM_TOKENS
        self.splits = self.captions.splits
        if root is None:
            self.gives = (*self.gives, "scene")
        self.judged_split = next((s for s in KEPT_OUT if s in self.splits), "train")
        for split in self.splits:  # refuses captions that are too long before pictures are read
            to_tokens([t for texts in self.captions.texts(split) for t in texts], max_tokens)

    def load(self, split: str) -> CaptionReals:
        C, H, W = self.shape
        reals = CaptionReals(self.captions.load(split, C, (H, W)), self.max_tokens)
        if (reals.meanings == reals.meanings[0]).all():
            raise UserError(
                f"{self.name}: all captions of {split} say the same, so that none could mismatch"
            )
        return reals

    @property
    def examples(self) -> list[str]:
        """A few captions of the judged split, spread over it."""
        texts = [texts[0] for texts in self.captions.texts(self.judged_split)]
        texts = [text for text in texts if "$" not in text]  # which config files would follow
        return texts[:: -(-len(texts) // NUM_EXAMPLES)]

    def rows(self, split: str, indices: Tensor | Sequence[int]) -> Batch:
        return self.reals(split).batch(indices)

    def minibatches(self, first_row: int, rows: int) -> CaptionBatches:
        reals = self.reals("train")
        stream = Stream(len(reals), self.seed)
        return CaptionBatches(reals, stream, self.batch_size, first_row, rows, self.mirror)
