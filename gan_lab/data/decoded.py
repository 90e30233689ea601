"""Pictures made of files: in memory where they are few, else in a file that processes share.

The file is a pack of the cache, made by the first process that asks; see `gan_lab.data.pack`.
"""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan_lab.data.base import cache_folder, digest
from gan_lab.data.folder import VERSION, in_threads, progress
from gan_lab.data.pack import Pack, Plan, cached_pack, write_pack
from gan_lab.data.source import Source
from gan_lab.errors import UserError

log = logging.getLogger(__name__)

Read = Callable[[int], np.ndarray]  # number of a picture -> (C, H, W) uint8; any fault raises


def decoded(
    files: Source,
    names: Sequence[str],
    read: Read,
    shape: tuple[int, int, int],
    *,
    options: Sequence[object] = (),
    num_all: int,
    memory_gb: float,
) -> tuple[Tensor, list[int]]:
    """The pictures that can be read, (n, C, H, W) uint8, and their numbers; others are named.

    Args:
        files: what they are made of.
        names: of the pictures, for reports.
        read: makes one of them.
        shape: (C, H, W).
        options: plain values that decide the pixels beside files, names and shape.
        num_all: pictures of the whole set, of which these may be one split.
        memory_gb: a set that takes more, decoded, lies in a file.
    """
    gigabytes = num_all * math.prod(shape) / 1e9
    if gigabytes <= memory_gb:
        return held(files, names, read, shape)
    if files.sequential:
        raise UserError(
            f"data.root={files.path}: decoded, it exceeds data.memory_gb={memory_gb:g}, and a"
            " compressed tar cannot be read in any order; unpack it, or make it a .zip or a plain"
            " .tar"
        )
    try:
        pack = mapped(files, names, read, shape, options)
    except UserError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        enough = math.ceil(10 * gigabytes) / 10
        raise UserError(
            f"{error}; or hold the set in each process's memory by data.memory_gb={enough:g}"
        ) from error
    numbers = pack.labels.tolist()
    for number in sorted({*range(len(names))} - {*numbers}):
        log.warning("%s: %s cannot be read and is left out", files.path, names[number])
    return pack.images, numbers


def held(
    files: Source, names: Sequence[str], read: Read, shape: tuple[int, int, int]
) -> tuple[Tensor, list[int]]:
    """See `decoded`: in this process's memory."""
    pictures, numbers = np.empty((len(names), *shape), np.uint8), []
    with progress(f"reading {files.path.name}", len(names)) as bar:
        for number, picture in bar.track(read_all(read, len(names)), total=len(names)):
            if isinstance(picture, Exception):
                log.warning(
                    "%s: %s cannot be read (%s) and is left out",
                    files.path, names[number], picture,
                )  # fmt: skip
            else:
                pictures[len(numbers)] = picture
                numbers.append(number)
    if not numbers:
        raise UserError(
            f"data.root={files.path}: none of {len(names):,} pictures could be read; the first:"
            f" {names[0]}"
        )
    return torch.from_numpy(pictures[: len(numbers)]), numbers


def mapped(
    files: Source,
    names: Sequence[str],
    read: Read,
    shape: tuple[int, int, int],
    options: Sequence[object],
) -> Pack:
    """See `decoded`: a pack whose labels are the numbers of the pictures."""

    def write(path: Path) -> None:
        num = len(names)
        plan = Plan(
            shape=shape,
            names=[f"{files.path}/{name}" for name in names],
            splits={"train": (0, num)},
            labels=list(range(num)),
            num_classes=num,
        )
        with progress(f"packing {files.path.name}", num) as bar:
            write_pack(path, plan, bar.track(read_all(read, num), total=num))

    content = digest(VERSION, files.identity(), list(names), shape, list(options))
    name = files.path.resolve().name.split(".")[0]
    return cached_pack(cache_folder() / "packs" / f"{name}-{content}.pack", write)


def read_all(read: Read, num: int) -> Iterator[tuple[int, np.ndarray | Exception]]:
    """Each number in order, with its picture or why it could not be read."""

    def attempt(number: int) -> tuple[int, np.ndarray | Exception]:
        try:
            return number, read(number)
        except Exception as error:  # Pillow raises anything on hostile files; all reported
            return number, error

    return in_threads(attempt, range(num))
