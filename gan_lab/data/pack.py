"""The pack: one file of decoded pictures that many processes map into memory and share.

Layout (integers little-endian; nothing in it is executed or unpickled):

    bytes 0 to 7     magic, b"GANLABP1"
    bytes 8 to 15    length of the JSON text, uint64
    bytes 16 ...     JSON text: {"shape": [N, C, H, W], "images_at": offset, "labels_at": offset
                     or null, "num_classes", "class_names", "splits": {"train": [start, stop]},
                     "left_out": count, "left_out_names": [...], "content": 16 hex digits}
    images_at ...    N x C x H x W bytes, picture after picture
    labels_at ...    N int64

so that `numpy.memmap(path, "uint8", "r", images_at, (N, C, H, W))` reads it without this module.
"""

import contextlib
import errno
import fcntl
import glob
import hashlib
import json
import logging
import math
import mmap
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan_lab.data.base import ArrayReals
from gan_lab.errors import UserError

log = logging.getLogger(__name__)

MAGIC = b"GANLABP1"
ALIGN = 4096
NORESERVE = 0x4000 if sys.platform == "linux" else 0  # mmap.MAP_NORESERVE of later Pythons
HEADER_ROOM = 16 << 10  # for what is known only at the end: counts and a few names


@dataclass
class Plan:
    """What goes into a pack, before any pixel is read.

    Args:
        shape: (C, H, W) of each picture.
        names: of the pictures, slot by slot, for reports.
        splits: split -> (first slot, last slot + 1).
        labels: a label per slot, or None.
        num_classes, class_names: of the labels.
    """

    shape: tuple[int, int, int]
    names: list[str]
    splits: dict[str, tuple[int, int]]
    labels: list[int] | None = None
    num_classes: int | None = None
    class_names: list[str] | None = None


@dataclass
class Pack:
    """An open pack: pictures mapped into memory.

    Attributes:
        images: (N, C, H, W) uint8, backed by the file.
        labels: (N,) int64, or None.
    """

    path: Path
    images: Tensor
    labels: Tensor | None
    splits: dict[str, tuple[int, int]]
    num_classes: int | None
    class_names: list[str] | None
    content: str
    left_out: int = 0
    left_out_names: list[str] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, H, W)."""
        return tuple(self.images.shape[1:])

    def reals(self, split: str, labelled: bool = True) -> ArrayReals:
        """One split; its fingerprint is the name of the content."""
        start, stop = self.splits[split]
        labels = self.labels[start:stop] if labelled and self.labels is not None else None
        name = f"{self.content}/{split}/{labels is not None}"
        name = hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
        return ArrayReals(self.images[start:stop], labels, name)


def open_pack(path: Path) -> Pack:
    """Map a pack into memory, after checking that it is whole."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            magic, length = file.read(8), int.from_bytes(file.read(8), "little")
            text = file.read(min(length, size)) if magic == MAGIC else b""
    except OSError as error:
        raise UserError(f"{path}: the pack cannot be opened ({error.strerror})") from error
    if magic != MAGIC:
        raise UserError(f"{path}: not a pack (make one with python -m gan_lab.apps.pack)")
    try:
        header = json.loads(text)
        N, C, H, W = (int(n) for n in header["shape"])
        images_at, labels_at = header["images_at"], header["labels_at"]
        num_classes, class_names = header["num_classes"], header["class_names"]
        splits = {name: (int(a), int(b)) for name, (a, b) in header["splits"].items()}
        left_out, left_out_names = header["left_out"], header["left_out_names"]
        content = header["content"]
        needed = images_at + N * C * H * W
        needed = needed if labels_at is None else max(needed, labels_at + 8 * N)
        sound = min(N, C, H, W, images_at) > 0 and (labels_at is None or labels_at > 0)
        sound = sound and all(0 <= a < b <= N for a, b in splits.values()) and "train" in splits
    except (ValueError, KeyError, TypeError, AttributeError):
        sound = False
    if not sound:
        raise UserError(f"{path}: the pack's header is damaged; pack the source again")
    if size < needed:
        raise UserError(
            f"{path}: the pack is cut short ({size:,} of {needed:,} bytes); pack the source again"
        )
    images = torch.from_numpy(privately_mapped(path, images_at, (N, C, H, W)))
    labels = None
    if labels_at is not None:
        labels = torch.from_numpy(np.fromfile(path, "<i8", N, offset=labels_at))
        if labels.min() < 0 or num_classes is None or labels.max() >= num_classes:
            raise UserError(f"{path}: labels outside 0..{num_classes}; pack the source again")
    return Pack(
        path, images, labels, splits, num_classes, class_names, content, left_out, left_out_names
    )


def privately_mapped(path: Path, start: int, shape: tuple[int, ...]) -> np.ndarray:
    """Bytes of a file from `start` on, writable as torch wants them; the file is never written."""
    with open(path, "rb") as file:
        # With NORESERVE a file may be larger than the machine's memory, which `np.memmap`'s
        # copy-on-write mode is refused: pages are reserved for all that could be written.
        flags = mmap.MAP_PRIVATE | NORESERVE
        content = mmap.mmap(file.fileno(), 0, flags, mmap.PROT_READ | mmap.PROT_WRITE)
    return np.frombuffer(content, np.uint8, math.prod(shape), start).reshape(shape)


def write_pack(
    path: Path, plan: Plan, pictures: Iterable[tuple[int, np.ndarray | Exception]]
) -> None:
    """Write a pack under a temporary name and rename it when it is whole.

    Args:
        path: the pack.
        plan: what is in it.
        pictures: (slot, (C, H, W) uint8) in any order, or (slot, why it could not be read).
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(temporary, plan, pictures)
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(
            f"{path}: the pack cannot be written ({error.strerror or error}); free space, or "
            "choose another folder by GAN_LAB_CACHE (for cached sets) or the output's name"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _write(path: Path, plan: Plan, pictures: Iterable[tuple[int, np.ndarray | Exception]]) -> None:
    shape = (len(plan.names), *plan.shape)
    facts = {"num_classes": plan.num_classes, "class_names": plan.class_names}
    images_at = ALIGN * -(-(16 + len(json.dumps(facts)) + HEADER_ROOM) // ALIGN)
    with open(path, "wb") as file:  # reserve the space now: a full disk shows at once
        try:
            os.posix_fallocate(file.fileno(), 0, images_at + int(np.prod(shape)))
        except (AttributeError, OSError) as error:
            if getattr(error, "errno", None) == errno.ENOSPC:
                raise
            file.truncate(images_at + int(np.prod(shape)))
    images = np.memmap(path, np.uint8, "r+", images_at, shape)
    faults: dict[int, Exception] = {}
    for slot, picture in pictures:
        if isinstance(picture, Exception):
            faults[slot] = picture
        else:
            images[slot] = picture

    kept = np.array([slot for slot in range(shape[0]) if slot not in faults], dtype=np.int64)
    report_faults(plan.names, faults)
    if len(kept) == 0:
        first = f"{plan.names[0]}: {faults[0]}"
        raise UserError(f"none of {shape[0]:,} pictures could be read; the first: {first}")
    state = hashlib.blake2b(digest_size=8)
    for start in range(0, len(kept), 256):  # close the gaps of what was left out, and name it
        chunk = kept[start : start + 256]
        if len(faults) > 0:
            images[start : start + len(chunk)] = images[chunk]
        state.update(np.ascontiguousarray(images[start : start + len(chunk)]))
    images.flush()
    del images

    splits = {}
    for name, (a, b) in plan.splits.items():
        start, stop = (int(n) for n in np.searchsorted(kept, [a, b]))
        if start < stop:
            splits[name] = [start, stop]
    if "train" not in splits:
        raise UserError("no picture of the training split could be read")
    labels_at = None
    with open(path, "r+b") as file:
        file.truncate(images_at + len(kept) * int(np.prod(plan.shape)))
        if plan.labels is not None:
            labels = np.array(plan.labels, dtype="<i8")[kept]
            state.update(labels)
            labels_at = -(-file.seek(0, os.SEEK_END) // 8) * 8
            file.seek(labels_at)
            file.write(labels.tobytes())
        state.update(repr((len(kept), *plan.shape)).encode())
        header = {
            "shape": [len(kept), *plan.shape],
            "images_at": images_at,
            "labels_at": labels_at,
            **facts,
            "splits": splits,
            "left_out": len(faults),
            "left_out_names": [plan.names[slot][:200] for slot in sorted(faults)[:20]],
            "content": state.hexdigest(),
        }
        text = json.dumps(header).encode()
        assert 16 + len(text) <= images_at
        file.seek(0)
        file.write(MAGIC + len(text).to_bytes(8, "little") + text)
        file.flush()
        os.fsync(file.fileno())


def report_faults(names: list[str], faults: dict[int, Exception]) -> None:
    """One line about the pictures that could not be read."""
    if faults:
        few = ", ".join(f"{names[slot]} ({faults[slot]})" for slot in sorted(faults)[:5])
        more = ", ..." if len(faults) > 5 else ""
        log.warning(
            "%s of %s pictures could not be read and were left out: %s%s",
            f"{len(faults):,}", f"{len(names):,}", few, more,
        )  # fmt: skip


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that other processes wait for; it dies with its holder."""
    with contextlib.ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(open(path, "w"))
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            raise UserError(
                f"{path.parent}: decoded sets cannot be kept there ({error.strerror}); name a "
                "folder that can be written by the environment variable GAN_LAB_CACHE"
            ) from error
        yield


def cached_pack(path: Path, write: Callable[[Path], None]) -> Pack:
    """Open a pack of the cache; the first process makes it while others wait."""
    if path.exists():
        with contextlib.suppress(UserError):  # damaged: made anew below
            return open_pack(path)
    with locked(path.with_suffix(".lock")):
        if path.exists():
            with contextlib.suppress(UserError):
                return open_pack(path)
        for stale in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
            stale.unlink()  # of a process that was killed: nobody else writes under the lock
        write(path)
    return open_pack(path)
