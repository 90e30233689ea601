"""Your own pictures: a folder, a zip, a tar or a pack, of any size and kind of picture."""

import contextlib
import itertools
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, get_worker_info

from gan_lab.data.base import DataModule, Minibatches, Reals, cache_folder, digest
from gan_lab.data.layout import Arrangement, Item, arrange
from gan_lab.data.pack import Pack, Plan, cached_pack, open_pack, write_pack
from gan_lab.data.picture import channels_of, decode
from gan_lab.data.source import Source, archive_identity, missing, open_source
from gan_lab.data.stream import Batch, Batches, Stream
from gan_lab.errors import UserError

log = logging.getLogger(__name__)

VERSION = 1  # of decoding: a change here makes cached packs anew
SHOW_PROGRESS_FROM = 2_000  # pictures

Job = TypeVar("Job")
Answer = TypeVar("Answer")


def cpu_count() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class FileSet(DataModule):
    """A set made of picture files, decoded once if it is small, else while it streams.

    A subclass says which files there are: `source` and `arrangement`.

    Args:
        crop: first cut out a centre square of this many pixels.
        memory_gb: a set whose decoded pictures take more streams from its files.
        workers: processes that decode a streaming set; null for one per core, at most 8.
        name, shape, num_classes, class_names, batch_size, seed, mirror: see `DataModule`.
    """

    def __init__(
        self,
        *,
        name: str,
        shape: tuple[int, int, int],
        num_classes: int | None,
        class_names: Sequence[str] | None,
        splits: tuple[str, ...],
        crop: int | None,
        memory_gb: float,
        workers: int | None,
        batch_size: int,
        seed: int,
        mirror: bool,
    ) -> None:
        super().__init__(
            name=name,
            shape=shape,
            num_classes=num_classes,
            class_names=class_names,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
        )
        self.splits = splits
        self.crop = crop
        self.memory_gb = memory_gb
        self.workers = min(8, cpu_count()) if workers is None else workers

    @property
    def source(self) -> Source:
        """Where the files are."""
        raise NotImplementedError

    @property
    def arrangement(self) -> Arrangement:
        """Which files are pictures, and their splits and classes."""
        raise NotImplementedError

    def identity(self) -> list[object]:
        """Plain values that change when the decoded pictures would."""
        raise NotImplementedError

    def pack_path(self) -> Path:
        """Where the decoded set is kept."""
        return cache_folder() / "packs" / f"{self.name}-{digest(VERSION, self.identity())}.pack"

    def is_small(self) -> bool:
        """Whether the decoded pictures of all splits fit `memory_gb`."""
        size = len(self.arrangement.items) * int(np.prod(self.shape))
        return size <= self.memory_gb * 1e9

    def write(self, path: Path) -> None:
        """Decode every picture into a pack."""
        pack_files(path, self.source, self.arrangement, self.shape, self.crop)

    def load(self, split: str) -> Reals:
        path = self.pack_path()
        if not path.exists() and not self.is_small():
            return self.stream_files(split)
        pack = cached_pack(path, self.write)
        if split not in pack.splits:
            raise UserError(f"{self.name}: no picture of the split {split} could be read")
        return pack.reals(split)

    def stream_files(self, split: str) -> "FileReals":
        """Decode on the fly, for a set that is too large to decode beforehand."""
        if self.source.sequential:
            raise UserError(
                f"data.root={self.source.path}: decoded, it exceeds data.memory_gb="
                f"{self.memory_gb:g}, and a compressed tar cannot stream in random order; pack it "
                "first (python -m gan_lab.apps.pack SOURCE OUTPUT.pack --resolution "
                f"{self.shape[1]}) or raise data.memory_gb"
            )
        items = [item for item in self.arrangement.items if item.split == split]
        name = digest(VERSION, self.identity(), self.shape, split)
        return FileReals(self.source, items, self.shape, self.crop, name)

    def train_dataloader(self) -> Iterable[Batch]:
        reals = self.reals("train")
        if not isinstance(reals, FileReals):
            return super().train_dataloader()
        first_row, rows = self.share()
        minibatches = Minibatches(
            reals, Stream(len(reals), self.seed), self.batch_size, first_row, rows, self.mirror
        )
        return WorkerBatches(minibatches, self.first_iteration, self.workers, self.on_cuda())


class Folder(FileSet):
    """A folder, .zip, .tar, .tar.gz or .pack of pictures.

    Args:
        root: the folder or archive.
        resolution: height and width, or [height, width]; pictures are cut to this aspect.
        channels: 1 grey, 3 colour, 4 with alpha; null looks at a few pictures.
        labelled: whether classes (by `dataset.json` or sub-folder) become labels.
        split_folder: the folder (or folders, which are then classes) to train on; null knows
            `train`, `test` and `val`.
        crop, memory_gb, workers: see `FileSet`.
        batch_size, seed, mirror: see `DataModule`.
    """

    def __init__(
        self,
        *,
        root: str | None,
        resolution: int | Sequence[int] = 64,
        channels: int | None = None,
        labelled: bool = True,
        split_folder: str | Sequence[str] | None = None,
        crop: int | None = None,
        memory_gb: float = 4.0,
        workers: int | None = None,
        batch_size: int = 64,
        seed: int = 0,
        mirror: bool = False,
    ) -> None:
        if root is None:
            raise UserError(
                "data.root is missing: name a folder, .zip, .tar.gz or .pack of pictures, "
                "for example data.root=~/pictures"
            )
        if channels not in (None, 1, 3, 4):
            raise UserError(f"data.channels={channels}: choose 1, 3, 4 or null to detect")
        height, width = size_of(resolution)
        self.root = Path(root).expanduser()
        self.labelled = labelled
        self.split_folder = (
            [split_folder] if isinstance(split_folder, str) else list(split_folder or [])
        )
        # Everything that decides what is decoded; known before an archive is read through.
        self.options = [height, width, channels, crop, labelled, self.split_folder]
        whole = self.root.resolve().name
        self.name = whole if self.root.is_dir() else whole.split(".")[0]
        self.pack = self.named_pack(height, width, channels) or self.kept_pack()
        if self.pack is not None:
            facts: Pack | Arrangement = self.pack
            shape = self.pack.shape
        else:
            facts = self.arrangement
            shape = (channels or self.detect_channels(), height, width)
        super().__init__(
            name=self.name,
            shape=shape,
            num_classes=facts.num_classes if labelled else None,
            class_names=facts.class_names if labelled else None,
            splits=tuple(facts.splits),
            crop=crop,
            memory_gb=memory_gb,
            workers=workers,
            batch_size=batch_size,
            seed=seed,
            mirror=mirror,
        )

    def named_pack(self, height: int, width: int, channels: int | None) -> Pack | None:
        """The pack that `root` names."""
        if not self.root.exists():
            raise UserError(missing(self.root))
        if self.root.suffix != ".pack":
            return None
        pack = open_pack(self.root)
        if pack.shape[1:] != (height, width) or channels not in (None, pack.shape[0]):
            C, H, W = pack.shape
            raise UserError(
                f"data.root={self.root} holds {C}x{H}x{W} (channels, height, width), not "
                f"data.resolution={height}x{width}, data.channels={channels}; use data=pack, "
                "which takes a pack as it is"
            )
        return pack

    def kept_pack(self) -> Pack | None:
        """The pack that an earlier run kept of these files with these options."""
        path = self.pack_path()
        if path.exists():
            with contextlib.suppress(UserError):  # damaged: `load` makes it anew
                return open_pack(path)
        return None

    @cached_property
    def source(self) -> Source:
        return open_source(self.root)

    @cached_property
    def arrangement(self) -> Arrangement:
        return arrange(self.source, self.split_folder, self.labelled)

    def detect_channels(self) -> int:
        """Look at a few pictures; the first ones of an archive that reads front to back."""
        positions = [item.position for item in self.arrangement.items]
        few = positions[:8] if self.source.sequential else positions[:: -(-len(positions) // 8)]
        contents = []
        for _, read in self.source.stream(few):
            try:
                contents.append(read())
            except Exception:  # reported when every picture is read
                continue
        return channels_of(contents)

    def identity(self) -> list[object]:
        files = archive_identity(self.root) if self.root.is_file() else self.source.identity()
        return [files, self.options]

    def load(self, split: str) -> Reals:
        if self.pack is not None:
            return self.pack.reals(split, self.labelled)
        return super().load(split)


def size_of(resolution: int | Sequence[int]) -> tuple[int, int]:
    """data.resolution as (height, width)."""
    size = (resolution, resolution) if isinstance(resolution, int) else tuple(resolution)
    if len(size) != 2 or not all(isinstance(n, int) and 1 <= n <= 16384 for n in size):
        raise UserError(
            f"data.resolution={resolution}: give one number of pixels, or [height, width]"
        )
    return size


def pack_files(
    path: Path,
    source: Source,
    arrangement: Arrangement,
    shape: tuple[int, int, int],
    crop: int | None = None,
) -> None:
    """Decode an arrangement's pictures with one thread per core into a pack."""
    items = arrangement.items
    plan = Plan(
        shape=shape,
        names=[f"{source.path}/{item.name}" for item in items],
        splits=arrangement.ranges(),
        labels=None if arrangement.num_classes is None else [item.label for item in items],
        num_classes=arrangement.num_classes,
        class_names=arrangement.class_names,
    )
    with progress(f"packing {source.path.name}", len(items)) as bar:
        pictures = decode_all(source, items, shape, crop)
        write_pack(path, plan, bar.track(pictures, total=len(items)))


def decode_all(
    source: Source, items: Sequence[Item], shape: tuple[int, int, int], crop: int | None
) -> Iterator[tuple[int, np.ndarray | Exception]]:
    """Decode every item: (slot, picture, or why it could not be read), in some order."""
    slots = {item.position: slot for slot, item in enumerate(items)}

    def attempt(file: tuple[int, Callable[[], bytes]]) -> tuple[int, np.ndarray | Exception]:
        position, read = file
        try:
            return slots[position], decode(read(), shape, crop)
        except Exception as error:  # Pillow raises anything on hostile files; all reported
            return slots[position], error

    return in_threads(attempt, source.stream([item.position for item in items]))


def in_threads(function: Callable[[Job], Answer], jobs: Iterable[Job]) -> Iterator[Answer]:
    """`map` by one thread per core, which run only a little ahead of who takes the answers."""
    jobs = iter(jobs)
    with ThreadPoolExecutor(cpu_count()) as pool:
        waiting: deque = deque()
        while chunk := list(itertools.islice(jobs, 32)):
            waiting.append(pool.submit(lambda some: [function(job) for job in some], chunk))
            if len(waiting) > 4 * cpu_count():
                yield from waiting.popleft().result()
        for future in waiting:
            yield from future.result()


def progress(what: str, num: int) -> Progress:
    """A bar on the terminal, if there are many pictures to wait for."""
    return Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=num < SHOW_PROGRESS_FROM,
    )


class FileReals:
    """A split that is decoded whenever it is asked for.

    A picture that cannot be read is replaced by the next one of the list that can, and reported
    once: an endless stream cannot leave a row out.

    Args:
        source: where the files are.
        items: the split's pictures.
        shape: (C, H, W) of the decoded pictures.
        crop: see `decode`.
        name: the fingerprint.
    """

    def __init__(
        self,
        source: Source,
        items: list[Item],
        shape: tuple[int, int, int],
        crop: int | None,
        name: str,
    ) -> None:
        self.source = source
        self.items = items
        self.shape = shape
        self.crop = crop
        self.name = name
        self.unreadable: set[int] = set()

    def __len__(self) -> int:
        return len(self.items)

    def fingerprint(self) -> str:
        return self.name

    def readable(self, index: int) -> tuple[int, np.ndarray]:
        """Picture `index`, or the next that can be read: its number and pixels (C, H, W)."""
        for step in range(len(self.items)):
            candidate = (index + step) % len(self.items)
            if candidate in self.unreadable:
                continue
            item = self.items[candidate]
            try:
                content = self.source.read(item.position)
                return candidate, decode(content, self.shape, self.crop)
            except Exception as error:  # Pillow raises anything on hostile files
                self.unreadable.add(candidate)
                log.warning(
                    "%s/%s cannot be read (%s); the next picture takes its place",
                    self.source.path, item.name, error,
                )  # fmt: skip
        raise UserError(f"data.root={self.source.path}: no picture could be read")

    def images(self, indices: Tensor | Sequence[int]) -> Tensor:
        numbers = torch.as_tensor(indices, dtype=torch.int64).tolist()
        if get_worker_info() is not None or len(numbers) < 16:
            pictures = [self.readable(index)[1] for index in numbers]
        else:
            with ThreadPoolExecutor(cpu_count()) as pool:
                pictures = [picture for _, picture in pool.map(self.readable, numbers)]
        return torch.from_numpy(np.stack(pictures)) if pictures else torch.empty(0, *self.shape)

    def labels(self, indices: Tensor | Sequence[int]) -> Tensor | None:
        """Labels of what `images` gave for these numbers."""
        if self.items[0].label is None:
            return None
        numbers = torch.as_tensor(indices, dtype=torch.int64).tolist()
        return torch.tensor([self.items[self.substitute(index)].label for index in numbers])

    def substitute(self, index: int) -> int:
        """The picture that takes the place of a known unreadable one."""
        while index in self.unreadable:
            index = (index + 1) % len(self.items)
        return index


class KeyedDataset(Dataset):
    """Minibatches as items of a map-style data set, for worker processes."""

    def __init__(self, minibatches: Minibatches) -> None:
        self.minibatches = minibatches

    def __getitem__(self, iteration: int) -> Batch:
        return self.minibatches(iteration)


class WorkerBatches(Batches):
    """Endless minibatches, each made whole by one worker process, in order.

    Args:
        make: iteration -> minibatch.
        start: () -> first iteration.
        workers: processes; 0 decodes in the caller's.
        pin: copy to pinned memory, for a CUDA device.
    """

    def __init__(
        self, make: Minibatches, start: Callable[[], int], workers: int, pin: bool
    ) -> None:
        super().__init__(make, start)
        self.workers = workers
        self.pin = pin

    def __iter__(self) -> Iterator[Batch]:
        yield from DataLoader(
            KeyedDataset(self.make),
            batch_size=None,
            sampler=itertools.count(self.start()),
            num_workers=self.workers,
            pin_memory=self.pin,
            prefetch_factor=4 if self.workers else None,
        )
