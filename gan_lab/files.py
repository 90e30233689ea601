"""Files that are there whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path


def atomic_write(file: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, then rename it: readers see the old or the new, whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
