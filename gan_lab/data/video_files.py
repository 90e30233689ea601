"""Clips in files: numbered frames in folders, GIFs, and whatever PyAV decodes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from gan_lab.data.layout import SPLITS, is_picture
from gan_lab.data.picture import MODES, fitted, open_upright, to_mode
from gan_lab.data.source import Source, open_source
from gan_lab.errors import UserError

VIDEOS = (".gif", ".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ogv")


@dataclass(frozen=True)
class Clip:
    """A clip: its name, its split (None where no folder says), and the positions of its files."""

    name: str
    split: str | None
    positions: list[int]


class ClipFiles:
    """Clips below a folder or in an archive, or in one file.

    A folder of pictures is a clip, its frames in the order of their numbers; a video file is one,
    too. Folders `train` and `test` (or `val`) say what is kept for testing, where there are any.

    Args:
        path: folder, .zip, .tar or a video file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source: Source = SingleFile(path) if is_video(path.name) else open_source(path)
        self.clips = find_clips(self.source, path.name.split(".")[0])
        if not self.clips:
            raise UserError(
                f"{path}: no clips in it; a clip is a folder of numbered pictures, or a file that"
                f" ends in {' '.join(VIDEOS)}"
            )

    def first_pictures(self) -> list[bytes]:
        """A picture of up to four clips of pictures."""
        return [
            self.source.read(clip.positions[0])
            for clip in self.clips
            if not is_video(self.source.names[clip.positions[0]])
        ][:4]

    def read(self, clip: Clip, shape: tuple[int, int, int], every: int = 1) -> np.ndarray:
        """Every so many frames of a clip: (N, C, H, W) uint8.

        Raises:
            UserError: a file of it cannot be read; a clip with a hole would jump.
        """
        frames = []
        name = self.source.names[clip.positions[0]]
        try:
            if is_video(name):
                for number, image in enumerate(decoded(name, self.source.read(clip.positions[0]))):
                    if number % every == 0:
                        frames.append(fitted(to_mode(image, MODES[shape[0]]), shape))
            else:
                for position in clip.positions[::every]:
                    name = self.source.names[position]
                    image = open_upright(self.source.read(position))
                    frames.append(fitted(to_mode(image, MODES[shape[0]]), shape))
        except UserError:
            raise
        except Exception as error:  # Pillow and PyAV raise anything on hostile files
            raise UserError(
                f"{self.path}: {name} cannot be read ({error}); mend it, or take the clip out"
            ) from error
        if not frames:
            raise UserError(f"{self.path}: {name} holds no frames; take it out")
        return np.stack(frames)


class SingleFile:
    """A file by itself, as a source."""

    sequential = False

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise UserError(f"{path}: there is no such file")
        self.path, self.names = path, [path.name]

    def read(self, position: int) -> bytes:
        return self.path.read_bytes()


def is_video(name: str) -> bool:
    """By its name."""
    return name.lower().endswith(VIDEOS) and not name.rpartition("/")[2].startswith(".")


def find_clips(source: Source, name_at_top: str) -> list[Clip]:
    """The clips of a source, in the order of their names."""
    pictures: dict[str, list[int]] = {}
    clips = []
    for position, name in enumerate(source.names):
        folder = name.rpartition("/")[0]
        if is_video(name):
            clips.append(Clip(name, split_of(folder), [position]))
        elif is_picture(name):
            pictures.setdefault(folder, []).append(position)
    for folder, positions in pictures.items():
        positions.sort(key=lambda position: by_number(source.names[position]))
        clips.append(Clip(folder or name_at_top, split_of(folder), positions))
    return sorted(clips, key=lambda clip: clip.name)


def split_of(folder: str) -> str | None:
    """train or test by a folder's name; what is for validation is kept for testing, too."""
    splits = [SPLITS[part] for part in folder.split("/") if part in SPLITS]
    return None if not splits else "train" if splits[0] == "train" else "test"


def by_number(name: str) -> list[int | str]:
    """A key by which frame9 comes before frame10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def decoded(name: str, content: bytes) -> Iterator[Image.Image]:
    """The frames of a video file."""
    if name.lower().endswith(".gif"):
        with Image.open(BytesIO(content)) as film:
            for frame in ImageSequence.Iterator(film):
                yield frame.convert("RGB")
        return
    try:
        import av
    except ImportError:
        raise UserError(
            f"{name} needs PyAV: pip install 'gan-lab[video]', or give frames as pictures"
        ) from None
    with av.open(BytesIO(content)) as container:
        for frame in container.decode(video=0):
            yield frame.to_image()
