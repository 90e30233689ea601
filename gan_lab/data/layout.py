"""What the names in a folder of pictures mean: which split, which class."""

import json
from dataclasses import dataclass

from gan_lab.data.picture import SUFFIXES
from gan_lab.data.source import Source
from gan_lab.errors import UserError

SPLITS = {"train": "train", "test": "test", "val": "val", "valid": "val", "validation": "val"}


@dataclass(frozen=True)
class Item:
    """A picture: where its file is in the source, its split, and its class, if any."""

    position: int
    name: str
    split: str
    label: int | None = None


@dataclass(frozen=True)
class Arrangement:
    """The pictures of a source, split after split, and the names of their classes."""

    items: list[Item]
    num_classes: int | None
    class_names: list[str] | None

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.ranges())

    def ranges(self) -> dict[str, tuple[int, int]]:
        """split -> (first item, last item + 1)."""
        ranges: dict[str, tuple[int, int]] = {}
        for number, item in enumerate(self.items):
            start, _ = ranges.get(item.split, (number, number))
            ranges[item.split] = (start, number + 1)
        return ranges


def is_picture(name: str) -> bool:
    """By its name; hidden files and those that macOS adds to archives are not."""
    return name.lower().endswith(SUFFIXES) and not is_hidden(name)


def is_hidden(name: str) -> bool:
    """Whether a file or a folder around it is hidden, or was added by macOS to an archive."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def arrange(source: Source, split_folder: list[str], labelled: bool) -> Arrangement:
    """Sort a source's pictures into splits and classes.

    Splits: the folders named by `split_folder` are for training; else, where the top level holds
    nothing but `train` and perhaps `test` and `val`, these are the splits; else all train.
    Classes: from `dataset.json` ({"labels": [[name, class], ...]}) where there is one, else the
    first folder below the split, where there are several and no picture lies beside them.
    """
    paths = {n: tuple(name.split("/")) for n, name in enumerate(source.names) if is_picture(name)}
    if not paths:
        raise UserError(
            f"data.root={source.path}: no pictures in it ({len(source.names):,} other files); "
            f"pictures end in {' '.join(SUFFIXES)}"
        )
    places = split_places(source, paths, split_folder)
    classes, class_names = None, None
    if labelled:
        classes, class_names = json_classes(source, paths) or folder_classes(source, places)
    items = [
        Item(n, source.names[n], split, None if classes is None else classes.get(n))
        for n, (split, _) in places.items()
    ]
    # Compressed archives are read front to back: keep their order.
    order = sorted(set(SPLITS.values()), key=["train", "val", "test"].index)
    items.sort(key=lambda item: (order.index(item.split), item.position))
    num_classes = None
    if classes is not None:
        unlabelled = next((item.name for item in items if item.label is None), None)
        if unlabelled is not None:
            raise UserError(
                f"data.root={source.path}: {unlabelled} has no class among those of the training "
                "pictures; give it one, or set data.labelled=false"
            )
        num_classes = len(class_names) if class_names else 1 + max(classes.values())
    return Arrangement(items, num_classes, class_names)


def split_places(
    source: Source, paths: dict[int, tuple[str, ...]], split_folder: list[str]
) -> dict[int, tuple[str, tuple[str, ...]]]:
    """position -> (split, path below the split's folder)."""
    depth = 0  # of the folders that hold everything
    while True:
        tops = {path[depth] for path in paths.values() if len(path) > depth + 1}
        at_top = any(len(path) == depth + 1 for path in paths.values())
        if len(tops) != 1 or at_top or tops & {*split_folder, "train"}:
            break
        depth += 1
    below = {n: path[depth:] for n, path in paths.items()}
    if split_folder:
        unknown = set(split_folder) - tops
        if unknown:
            raise UserError(
                f"data.split_folder={', '.join(sorted(unknown))}: {source.path} has no such "
                f"folder; it has: {', '.join(sorted(tops)[:20]) or 'none'}"
            )
        # Several training folders are the classes of their pictures.
        skip = 1 if len(split_folder) == 1 else 0
        places = {n: ("train", p[skip:]) for n, p in below.items() if p[0] in split_folder}
        for n, p in below.items():
            if len(p) > 1 and p[0] not in split_folder and SPLITS.get(p[0]) in ("test", "val"):
                places[n] = (SPLITS[p[0]], p[1:])
        return places
    if "train" in tops and tops <= set(SPLITS) and not at_top:
        return {n: (SPLITS[p[0]], p[1:]) for n, p in below.items()}
    return {n: ("train", p) for n, p in below.items()}


def folder_classes(
    source: Source, places: dict[int, tuple[str, tuple[str, ...]]]
) -> tuple[dict[int, int] | None, list[str] | None]:
    """Classes by the first folder, or none where that makes no sense."""
    train = [path for split, path in places.values() if split == "train"]
    names = sorted({path[0] for path in train if len(path) > 1})
    if len(names) < 2 or any(len(path) == 1 for path in train):
        return None, None
    number = {name: k for k, name in enumerate(names)}
    classes = {n: number[path[0]] for n, (_, path) in places.items() if path[0] in number}
    return classes, names


def json_classes(
    source: Source, paths: dict[int, tuple[str, ...]]
) -> tuple[dict[int, int], None] | None:
    """Classes by `dataset.json` at the top: {"labels": [[name, class], ...]}, or None."""
    candidates = [name for name in source.names if name.split("/")[-1] == "dataset.json"]
    if not candidates:
        return None
    name = min(candidates, key=len)
    where = f"data.root={source.path}: {name}"
    try:
        table = json.loads(source.read(source.names.index(name)))
    except ValueError as error:
        raise UserError(f"{where} is not JSON ({error}); mend or remove it") from error
    pairs = table.get("labels") if isinstance(table, dict) else None
    if not isinstance(pairs, list):
        return None  # some other table, or StyleGAN's {"labels": null}
    folder = name.removesuffix("dataset.json")
    wanted = {}
    for pair in pairs:
        match pair:
            case [str(file), int(label)] if label >= 0 and not isinstance(label, bool):
                wanted[folder + file.replace("\\", "/")] = label
            case _:
                raise UserError(
                    f"{where}: each label is [file name, class number >= 0], not "
                    f"{str(pair)[:80]}; set data.labelled=false to do without"
                )
    return {n: wanted[source.names[n]] for n in paths if source.names[n] in wanted}, None
