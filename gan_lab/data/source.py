"""Where files come from: a folder, a zip or a tar archive, read alike and never extracted.

A name inside an archive is only ever a label. Nothing is written under it, so a hostile name
("../../x.png") can reach no file; such entries are left out and named in the log.
"""

import logging
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

from gan_lab.errors import UserError

log = logging.getLogger(__name__)

MAX_FILE_BYTES = 1 << 30  # a single "picture" beyond this is a mistake or an attack
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


class Source(Protocol):
    """A list of files.

    Attributes:
        path: the folder or archive.
        names: paths inside it, with forward slashes.
        sequential: whether it can only be read from front to back.
    """

    path: Path
    names: list[str]
    sequential: bool

    def read(self, position: int) -> bytes:
        """The content of file `names[position]`."""

    def stream(self, positions: Sequence[int]) -> Iterator[tuple[int, Callable[[], bytes]]]:
        """Each wanted file once, as its position and a function that gives the content."""

    def identity(self) -> list[object]:
        """Plain values that change when the files do."""


def open_source(path: Path) -> Source:
    """Open a folder, .zip, .tar or compressed .tar of files."""
    if not path.exists():
        raise UserError(missing(path))
    try:
        if path.is_dir():
            return FolderSource(path)
        if path.name.lower().endswith(".zip"):
            return ZipSource(path)
        if path.name.lower().endswith(TARS):
            return TarSource(path)
    except PermissionError as error:
        raise UserError(f"data.root={path}: no permission to read it ({error})") from error
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
        raise UserError(
            f"data.root={path}: the archive cannot be read ({error}); is it cut short?"
        ) from error
    raise UserError(f"data.root={path}: give a folder, .zip, .tar, .tar.gz or a .pack")


def missing(path: Path) -> str:
    """Say what does exist next to a path that does not."""
    nearest = path.absolute().parent
    while not nearest.exists():
        nearest = nearest.parent
    try:
        inside = sorted(entry.name for entry in nearest.iterdir())[:8] if nearest.is_dir() else []
    except PermissionError:
        inside = []
    holds = f", which holds: {', '.join(inside)}" if inside else ""
    return f"data.root={path}: there is no such folder or file; the nearest is {nearest}{holds}"


def is_safe(name: str) -> bool:
    """Whether a name stays inside its archive."""
    return not name.startswith("/") and ".." not in PurePosixPath(name.replace("\\", "/")).parts


def report_unsafe(path: Path, names: list[str]) -> None:
    """One line about entries that point outside their archive."""
    if names:
        log.warning(
            "%s: %d entries with names that point outside were left out: %s",
            path, len(names), ", ".join(names[:3]),
        )  # fmt: skip


class FolderSource:
    """Files below a folder, symbolic links followed (but no circles)."""

    sequential = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self._facts: dict[str, tuple[int, int]] = {}
        seen: set[str] = set()
        waiting = [path]
        while waiting:
            folder = waiting.pop()
            real = os.path.realpath(folder)
            if real in seen:
                continue
            seen.add(real)
            for entry in os.scandir(folder):
                if entry.is_dir():
                    waiting.append(Path(entry.path))
                elif entry.is_file():
                    facts = entry.stat()
                    name = Path(entry.path).relative_to(path).as_posix()
                    self._facts[name] = (facts.st_size, facts.st_mtime_ns)
        self.names = sorted(self._facts)

    def read(self, position: int) -> bytes:
        return check_size(self.path / self.names[position]).read_bytes()

    def stream(self, positions: Sequence[int]) -> Iterator[tuple[int, Callable[[], bytes]]]:
        return stream_any_order(self, positions)

    def identity(self) -> list[object]:
        return [str(self.path.resolve()), [(name, *self._facts[name]) for name in self.names]]


class ZipSource:
    """Files in a zip archive; safe to share with threads and forked workers."""

    sequential = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: tuple[int, zipfile.ZipFile] | None = None
        infos = [info for info in self.archive().infolist() if not info.is_dir()]
        report_unsafe(path, [info.filename for info in infos if not is_safe(info.filename)])
        infos = [info for info in infos if is_safe(info.filename)]
        self._infos = sorted(infos, key=lambda info: info.filename)
        self.names = [info.filename for info in self._infos]

    def archive(self) -> zipfile.ZipFile:
        """This process's own handle: forked processes would share one position in the file."""
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), zipfile.ZipFile(self.path))
        return self._opened[1]

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_opened": None}

    def read(self, position: int) -> bytes:
        info = self._infos[position]
        if info.file_size > MAX_FILE_BYTES:
            raise ValueError(f"larger than {MAX_FILE_BYTES >> 20} MiB when unpacked")
        return self.archive().read(info)

    def stream(self, positions: Sequence[int]) -> Iterator[tuple[int, Callable[[], bytes]]]:
        return stream_any_order(self, positions)

    def identity(self) -> list[object]:
        return archive_identity(self.path)


class TarSource:
    """Files in a tar archive: at random when it is plain, front to back when compressed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sequential = not path.name.lower().endswith(".tar")
        self.names: list[str] = []
        self._places: list[tuple[int, int]] = []
        unsafe = []
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                if is_safe(member.name) and is_plain(member):
                    self.names.append(member.name.removeprefix("./"))
                    self._places.append((member.offset_data, member.size))
                elif not is_safe(member.name):
                    unsafe.append(member.name)
        if not self.sequential:  # tarfile takes any end of a plain tar for the end
            size = path.stat().st_size
            if size % 512 or any(start + length > size for start, length in self._places[-1:]):
                raise tarfile.ReadError("unexpected end of data")
        report_unsafe(path, unsafe)

    def read(self, position: int) -> bytes:
        if self.sequential:
            return next(self.stream([position]))[1]()
        start, size = self._places[position]
        if size > MAX_FILE_BYTES:
            raise ValueError(f"larger than {MAX_FILE_BYTES >> 20} MiB")
        with open(self.path, "rb") as file:
            file.seek(start)
            return file.read(size)

    def stream(self, positions: Sequence[int]) -> Iterator[tuple[int, Callable[[], bytes]]]:
        return self._stream_in_order(positions) if self.sequential else (
            stream_any_order(self, positions)
        )  # fmt: skip

    def _stream_in_order(self, positions: Sequence[int]) -> Iterator[tuple[int, Callable]]:
        wanted = set(positions)
        position = -1
        with tarfile.open(self.path, "r|*") as archive:
            for member in archive:
                if not (is_safe(member.name) and is_plain(member)):
                    continue
                position += 1
                if position in wanted:
                    yield position, content_of(archive, member)
                    wanted.discard(position)
                    if not wanted:
                        return

    def identity(self) -> list[object]:
        return archive_identity(self.path)


def is_plain(member: tarfile.TarInfo) -> bool:
    """Whether a member is an ordinary file: no link, device or file with holes."""
    return member.isreg() and not member.issparse()


def content_of(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Callable[[], bytes]:
    """Read a member now, as the stream moves on, and give it later."""
    if member.size > MAX_FILE_BYTES:
        return too_large
    content = archive.extractfile(member).read()
    return lambda: content


def too_large() -> bytes:
    raise ValueError(f"larger than {MAX_FILE_BYTES >> 20} MiB when unpacked")


def check_size(path: Path) -> Path:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"larger than {MAX_FILE_BYTES >> 20} MiB")
    return path


def archive_identity(path: Path) -> list[object]:
    facts = path.stat()
    return [str(path.resolve()), facts.st_size, facts.st_mtime_ns]


def stream_any_order(
    source: Source, positions: Sequence[int]
) -> Iterator[tuple[int, Callable[[], bytes]]]:
    """The stream of a source with random access; content is read by whoever asks."""
    for position in positions:
        yield position, lambda position=position: source.read(position)
