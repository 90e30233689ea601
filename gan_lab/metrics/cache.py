"""What is costly and a pure function of its name, kept as safetensors in the cache folder."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from gan_lab.data.base import cache_folder
from gan_lab.errors import UserError

Tensors = dict[str, Tensor]
Facts = dict[str, str]


def load(path: Path) -> tuple[Tensors, Facts] | None:
    """Tensors and facts of a file, or None where it is absent or cut short."""
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except (FileNotFoundError, SafetensorError):
        return None


def save(path: Path, tensors: Tensors, facts: Facts) -> None:
    """Write under another name, then rename: nobody ever sees half a file."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    os.close(handle)
    try:
        save_file({name: x.contiguous() for name, x in tensors.items()}, temporary, facts)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def remembered(name: str, compute: Callable[[], tuple[Tensors, Facts]]) -> tuple[Tensors, Facts]:
    """The cache's file `name` (a path in it without suffix); computed by one process if absent."""
    path = place(name)
    found = load(path)
    if found is None:
        with FileLock(f"{path}.lock"):
            found = load(path)  # while we waited, another process may have computed it
            if found is None:
                found = compute()
                save(path, *found)
    return found


def place(name: str) -> Path:
    """The path of the cache's file `name`; its folder is made."""
    path = cache_folder() / f"{name}.safetensors"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(13, "no permission to write")
    except OSError as error:
        raise UserError(
            f"the cache folder {path.parent} cannot be written ({error.strerror}); set the"
            " environment variable GAN_LAB_CACHE to a folder that can"
        ) from error
    return path
