"""Pictures with captions in files: which text belongs to which picture, and their pixels."""

import json
from pathlib import Path

from gan_lab.data.decoded import decoded
from gan_lab.data.layout import SPLITS, is_picture
from gan_lab.data.picture import channels_of, decode
from gan_lab.data.scenes import Captioned
from gan_lab.data.source import open_source
from gan_lab.errors import UserError

Entry = tuple[str, list[str]]  # a picture's name in the source, and its captions


class CaptionFiles:
    """Pictures of any sizes below a folder or in an archive, and their captions.

    Either `dataset.json` at the top lists them, {"items": [{"file": ..., "caption": ..., "split":
    ...}, ...]}, where a caption may be a list of several and a missing split is train; or each
    picture has a .txt of the same name beside it, a caption a line, below folders `train`, `val`
    and `test` where there are splits.

    Args:
        root: folder, .zip or .tar.
        memory_gb: see `decoded`.
    """

    class_names = None
    words_know_left = False

    def __init__(self, root: str, memory_gb: float) -> None:
        self.memory_gb = memory_gb
        self.root = Path(root).expanduser()
        self.files = open_source(self.root)
        self.name = self.root.name.split(".")[0]
        self.positions = {name: position for position, name in enumerate(self.files.names)}
        tables = [name for name in self.files.names if name.split("/")[-1] == "dataset.json"]
        self.entries = self.listed(min(tables, key=len)) if tables else self.beside()
        if "train" not in self.entries:
            raise UserError(
                f"data.root={root}: there are {' and '.join(self.entries)} but no pictures to"
                " train on; call their split train"
            )
        self.splits = tuple(s for s in ("train", "val", "test") if s in self.entries)

    def listed(self, table: str) -> dict[str, list[Entry]]:
        """split -> entries, as dataset.json has them."""
        where = f"data.root={self.root}: {table}"
        try:
            content = json.loads(self.files.read(self.positions[table]))
        except ValueError as error:
            raise UserError(f"{where} is not JSON ({error}); mend it") from error
        items = content.get("items") if isinstance(content, dict) else None
        if not isinstance(items, list) or not items:
            raise UserError(
                f'{where} has no captions: it should be {{"items": [{{"file": ..., "caption": ...,'
                ' "split": "train"}, ...]}; or remove it and put a .txt beside each picture'
            )
        folder = table.removesuffix("dataset.json")
        entries: dict[str, list[Entry]] = {}
        for item in items:
            match item:
                case {"file": str(file), "caption": str() | list() as caption}:
                    captions = [caption] if isinstance(caption, str) else caption
                case _:
                    raise UserError(
                        f'{where}: each item has a "file" and a "caption", unlike'
                        f" {json.dumps(item)[:80]}"
                    )
            split = SPLITS.get(str(item.get("split", "train")))
            if split is None:
                raise UserError(
                    f"{where}: {file} is of the split {item['split']}; choose train, val or test"
                )
            if folder + file not in self.positions:
                raise UserError(
                    f"{where}: the picture {file} of the caption {captions[:1]} is not there"
                )
            entries.setdefault(split, []).append((folder + file, self.checked(file, captions)))
        return entries

    def beside(self) -> dict[str, list[Entry]]:
        """split -> entries, from the .txt files beside the pictures."""
        stems = {name.rpartition(".")[0]: name for name in self.files.names if is_picture(name)}
        texts = [name for name in self.files.names if name.lower().endswith(".txt")]
        if not texts:
            raise UserError(
                f"data.root={self.root}: no captions: put a .txt of the same name beside each"
                " picture, or list them in dataset.json"
            )
        alone = [name for name in texts if name.rpartition(".")[0] not in stems]
        if alone:
            raise UserError(
                f"data.root={self.root}: {len(alone)} captions have no picture of the same name:"
                f" {', '.join(alone[:5])}; add the pictures or remove the texts"
            )
        captioned = {name.rpartition(".")[0]: name for name in texts}
        silent = [name for stem, name in stems.items() if stem not in captioned]
        if silent:
            raise UserError(
                f"data.root={self.root}: {len(silent)} pictures have no .txt of the same name:"
                f" {', '.join(silent[:5])}; add captions or remove the pictures"
            )
        entries: dict[str, list[Entry]] = {}
        for stem, text in captioned.items():
            split = next((SPLITS[f] for f in text.split("/")[:-1] if f in SPLITS), "train")
            content = self.files.read(self.positions[text]).decode("utf-8-sig", errors="replace")
            lines = [line for line in content.splitlines() if line.strip()]
            entries.setdefault(split, []).append((stems[stem], self.checked(text, lines)))
        return entries

    def checked(self, name: str, captions: list) -> list[str]:
        """The captions of one picture, if they are texts and there is one."""
        if not captions or not all(isinstance(c, str) and c.strip() for c in captions):
            raise UserError(f"data.root={self.root}: {name} has an empty caption; write one")
        return captions

    def channels(self) -> int:
        few = self.entries["train"][:: -(-len(self.entries["train"]) // 8)]
        return min(3, channels_of([self.files.read(self.positions[name]) for name, _ in few]))

    def texts(self, split: str) -> list[list[str]]:
        return [captions for _, captions in self.entries[split]]

    def load(self, split: str, channels: int, size: tuple[int, int]) -> Captioned:
        entries, shape = self.entries[split], (channels, *size)
        positions = [self.positions[name] for name, _ in entries]
        pictures, numbers = decoded(
            self.files,
            [name for name, _ in entries],
            lambda number: decode(self.files.read(positions[number]), shape),
            shape,
            num_all=sum(map(len, self.entries.values())),
            memory_gb=self.memory_gb,
        )
        return Captioned(pictures, [entries[number][1] for number in numbers])
