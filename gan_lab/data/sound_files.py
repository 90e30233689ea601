"""Sounds in files: which there are, of which split and class, and their samples."""

import math
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from torch import Tensor

from gan_lab.data.folder import cpu_count
from gan_lab.data.layout import folder_classes, is_hidden, split_places
from gan_lab.data.source import open_source
from gan_lab.errors import UserError

SUFFIXES = (".wav", ".flac", ".ogg", ".aif", ".aiff")
LABELS = ("folder", "first_part")


class SoundFiles:
    """Sounds below a folder or in an archive, of any rates, lengths and numbers of channels.

    Args:
        root: folder, .zip or .tar.
        label_from: `folder` takes the first folder (below `train` and `test`) as the class where
            there are several; `first_part` what a file's name begins with up to the first "_".
        test_below: sounds whose number, the last part of the file's name, is below are kept for
            testing; null knows folders `train`, `val` and `test`.
    """

    def __init__(self, root: str, label_from: str, test_below: int | None) -> None:
        if label_from not in LABELS:
            raise UserError(f"data.label_from={label_from}: choose {' or '.join(LABELS)}")
        self.root = Path(root).expanduser()
        self.files = open_source(self.root)
        self.name = self.root.name.split(".")[0]
        paths = {
            n: tuple(name.split("/"))
            for n, name in enumerate(self.files.names)
            if name.lower().endswith(SUFFIXES) and not is_hidden(name)
        }
        if not paths:
            raise UserError(
                f"data.root={root}: no sounds in it ({len(self.files.names):,} other files);"
                f" sounds end in {' '.join(SUFFIXES)}"
            )
        places = split_places(self.files, paths, [])
        if test_below is not None:
            places = {
                n: ("test" if self.number_of(n) < test_below else split, path)
                for n, (split, path) in places.items()
            }
        if label_from == "first_part":
            parts = {n: PurePosixPath(path[-1]).stem.split("_")[0] for n, path in paths.items()}
            self.class_names = sorted(set(parts.values()))
            classes = {n: self.class_names.index(part) for n, part in parts.items()}
        else:
            classes, self.class_names = folder_classes(self.files, places)
        self.entries: dict[str, list[tuple[int, int | None]]] = {}  # split -> (position, label)
        for n, (split, _) in places.items():
            if classes is not None and n not in classes:
                raise UserError(
                    f"data.root={root}: {self.files.names[n]} is of no class among those of the"
                    " training sounds; give it one, or set data.labelled=false"
                )
            entry = (n, None if classes is None else classes[n])
            self.entries.setdefault(split, []).append(entry)
        if "train" not in self.entries:
            raise UserError(
                f"data.root={root}: no sounds to train on; all are of"
                f" {' and '.join(self.entries)}. Lower data.test_below, or add a folder train"
            )
        self.splits = tuple(s for s in ("train", "val", "test") if s in self.entries)

    def number_of(self, position: int) -> int:
        """What a file's name ends in after the last "_"."""
        name = self.files.names[position]
        last = PurePosixPath(name).stem.split("_")[-1]
        if not last.isdecimal():
            raise UserError(
                f"data.test_below: {self.root}/{name} ends in no number; files are told apart by"
                " names such as 7_jackson_32.wav; else leave it null"
            )
        return int(last)

    def load(
        self, split: str, num_samples: int, sample_rate_hz: int
    ) -> tuple[Tensor, Tensor | None]:
        """Waves (N, T) in [-1, 1] and labels (N,), or None.

        Raises:
            UserError: a file cannot be read or holds nothing; it names the file.
        """
        positions, labels = zip(*self.entries[split], strict=True)

        def read(position: int) -> np.ndarray:
            try:
                content = known[position]() if known else self.files.read(position)
                return decode(content, num_samples, sample_rate_hz)
            except UserError:
                raise
            except Exception as error:  # hostile files make any kind; the first ends the run
                raise UserError(
                    f"data.root={self.root}: {self.files.names[position]} is no sound that can be"
                    f" read ({error}); mend or remove it"
                ) from error

        # An archive that is read from front to back is read once for a split.
        known = dict(self.files.stream(positions)) if self.files.sequential else {}
        with ThreadPoolExecutor(cpu_count()) as pool:
            waves = np.stack(list(pool.map(read, positions)))
        return torch.from_numpy(waves), None if labels[0] is None else torch.tensor(labels)


def decode(content: bytes, num_samples: int, sample_rate_hz: int) -> np.ndarray:
    """A file's beginning as (T,) float32 in [-1, 1]: channels averaged, resampled, zeros after it.

    Resampling filters out what the new rate cannot hold (a Kaiser window of 20 zero crossings).
    """
    try:
        import soundfile
    except ImportError:
        raise UserError(
            "data=audio with data.root= needs soundfile: pip install 'gan-lab[audio]'"
        ) from None
    from scipy.signal import resample_poly

    try:
        with soundfile.SoundFile(BytesIO(content)) as file:
            rate = file.samplerate
            # The filter reaches ten samples of the lower rate to each side.
            needed = math.ceil((num_samples + 10) * rate / sample_rate_hz) + 10
            wave = file.read(needed, dtype="float64", always_2d=True).mean(1)
    except soundfile.LibsndfileError as error:
        raise ValueError(error.error_string.rstrip(".")) from None  # without the buffer's address
    if len(wave) == 0:
        raise ValueError("it holds no samples")
    if not np.isfinite(wave).all():
        raise ValueError("some of its samples are no finite numbers")
    if rate != sample_rate_hz:
        common = math.gcd(rate, sample_rate_hz)
        wave = resample_poly(wave, sample_rate_hz // common, rate // common)
    wave = wave[:num_samples]
    return np.pad(wave, (0, num_samples - len(wave))).astype(np.float32)
