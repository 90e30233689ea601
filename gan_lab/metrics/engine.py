"""One pass: fakes block by block, each extractor once, every formula on the features.

Block b of the fakes is a pure function of (weights, seed, b), and the features of a block of its
images, so any number of processes that share the blocks find the same figures.
"""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from typing import Protocol as Interface

import torch
from torch import Tensor

from gan_lab.data.base import as_floats
from gan_lab.media import Medium
from gan_lab.metrics import cache
from gan_lab.metrics.extractor import Extractor
from gan_lab.metrics.features import Features
from gan_lab.metrics.paired import judge_answers
from gan_lab.metrics.protocol import Protocol, Record, digest, short_name
from gan_lab.metrics.sharing import (
    from_first_process,
    gather,
    is_first,
    join,
    processes,
)
from gan_lab.metrics.suite import Suite
from gan_lab.randomness import EVALUATION, generator, key

if TYPE_CHECKING:
    from gan_lab.data.base import DataModule, Reals
    from gan_lab.models.base import GAN, Game, Translator

REALS, LABELS = 1, 2  # kinds of draws under the key EVALUATION; the fakes' own is 0


class Fakes(Interface):
    """Where fakes come from.

    Attributes:
        generator: `averaged`, `raw` or `files`, for the protocol.
        labels: how a conditional generator is asked, for the protocol.
        seed: of the draw.
        gan: what generates them; None for files.
        num: how many there are; None without end.
    """

    generator: str
    labels: str
    seed: int
    gan: "Game | None"
    num: int | None

    def block(self, index: int, size: int) -> Tensor:
        """Samples (size, C, H, W), float in [-1, 1] or uint8; points are (size, 2)."""

    def labels_of(self, index: int, size: int) -> Tensor | None:
        """The labels (size,) of that block; None where fakes have none."""


class GeneratedFakes:
    """Samples of a GAN; a conditional one is asked for the labels of randomly drawn reals.

    Args:
        gan: anything with `sample(num, seed=, label=, raw=)`.
        reals: whose labels are drawn, for a conditional GAN.
        seed: of latents and labels.
        raw: sample the generator itself instead of its average.
    """

    num = None

    def __init__(self, gan: "GAN", reals: "Reals", *, seed: int = 0, raw: bool = False) -> None:
        self.gan, self.reals, self.seed, self.raw = gan, reals, seed, raw
        self.generator = "raw" if raw else "averaged"
        self.labels = "of randomly drawn reals, if the generator takes labels"

    def block(self, index: int, size: int) -> Tensor:
        seed = key(EVALUATION, 0, self.seed, index)
        label = self.labels_of(index, size)
        return self.gan.sample(size, seed=seed, label=label, raw=self.raw)

    def labels_of(self, index: int, size: int) -> Tensor | None:
        if self.gan.num_classes is None:
            return None
        draw = generator(EVALUATION, LABELS, self.seed, index)
        return self.reals.labels(torch.randint(len(self.reals), (size,), generator=draw))


class AnsweredFakes:
    """A translator's outputs for the rows of a split, each once, in a fixed random order.

    Args:
        gan: anything with `generate(batch, seed=, raw=)`.
        data: what the rows are of.
        split: of the data.
        seed: of what the generator draws besides.
        raw: ask the generator itself instead of its average.
    """

    labels = "none"

    def __init__(
        self, gan: "Translator", data: "DataModule", split: str, *, seed: int = 0, raw: bool = False
    ) -> None:
        self.gan, self.data, self.split, self.seed, self.raw = gan, data, split, seed, raw
        self.generator = "raw" if raw else "averaged"
        self.num = len(data.reals(split))
        self.order = fixed_order(self.num)

    def batch(self, index: int, size: int) -> dict[str, Tensor]:
        rows = self.order[index * size : (index + 1) * size]
        return as_floats(self.data.rows(self.split, rows))

    def block(self, index: int, size: int) -> Tensor:
        seed = key(EVALUATION, 0, self.seed, index)
        return self.gan.generate(self.batch(index, size), seed=seed, raw=self.raw)

    def labels_of(self, index: int, size: int) -> Tensor | None:
        return None


class BaselineFakes(AnsweredFakes):
    """What `data.baselines` gives in place of a translator's outputs.

    Args:
        name: of the baseline.
    """

    def __init__(self, fakes: AnsweredFakes, name: str) -> None:
        super().__init__(fakes.gan, fakes.data, fakes.split)
        self.name = name

    def block(self, index: int, size: int) -> Tensor:
        return self.data.baselines(self.batch(index, size))[self.name]


def fakes_of(
    gan: "Game", data: "DataModule", split: str, *, seed: int = 0, raw: bool = False
) -> Fakes:
    """Samples of a GAN; or, of a model that answers rows and shows them so, those of a split."""
    if hasattr(gan, "sample") and not hasattr(gan, "show"):
        return GeneratedFakes(gan, data.reals(split), seed=seed, raw=raw)
    return AnsweredFakes(gan, data, split, seed=seed, raw=raw)


class StoredFakes:
    """Pictures that are there already, in a fixed random order (files may be sorted by class)."""

    generator, labels, seed, gan = "files", "none", 0, None

    def __init__(self, reals: "Reals") -> None:
        self.reals, self.order, self.num = reals, fixed_order(len(reals)), len(reals)

    def block(self, index: int, size: int) -> Tensor:
        return self.reals.images(self.order[index * size : (index + 1) * size])

    def labels_of(self, index: int, size: int) -> Tensor | None:
        return None


def evaluate(
    suite: Suite,
    extractors: list[Extractor],
    fakes: Fakes,
    data: "DataModule",
    device: torch.device,
    *,
    num_fake: int | None = None,
) -> list[Record]:
    """All figures of the fakes against the data. Every process must call it; all get the same.

    Args:
        suite: what to compute.
        extractors: as `suite.prepare` gave them.
        fakes: what to judge.
        data: what to judge it by.
        device: where the extractors are.
        num_fake: overrules the suite's, where fewer fakes exist.
    """
    num_real, wanted = suite.counts(len(data.reals(suite.split)))
    num_fake = min(wanted if num_fake is None else num_fake, fakes.num or wanted)
    reals = real_features(suite, extractors, data, device)
    held_out = {
        split: real_features(suite, extractors, data, device, split=split)
        for split in suite.held_out_splits(extractors, data)
    }
    found = extract(fakes.block, num_fake, suite.block, extractors, device, data.medium)
    records: list[Record] = []
    if found is not None:
        labels = labels_of(fakes, num_fake, suite.block)
        for index, (extractor, real, fake) in enumerate(zip(extractors, reals, found, strict=True)):
            fake.labels = labels
            others = {split: features[index] for split, features in held_out.items()}
            records += judge(suite, extractor, real, fake, others, fakes, data)
    if isinstance(fakes, AnsweredFakes):
        beside = judge_baselines(suite, extractors, reals, fakes, num_fake, device)
        for record in records:
            record.beside.update(beside.get(record.name, {}))
        records += judge_answers(suite, fakes, data, device)
    if suite.detects(data):
        records += suite.detection.judge(suite, fakes, data, device)
    if fakes.gan is not None:
        records += judge_generator(suite, fakes, data)
    return from_first_process(records, device)


def judge(
    suite: Suite,
    extractor: Extractor,
    real: Features,
    fake: Features,
    held_out: Mapping[str, Features],
    fakes: Fakes,
    data: "DataModule",
) -> list[Record]:
    """The figures of one extractor, in the order of the suite's formulas."""
    finite = bool(torch.isfinite(fake.values).all())
    records = []
    for formula in suite.formulas_for(extractor, data):
        if formula.needs_labels and (real.labels is None or fake.labels is None):
            continue
        reals, seen = real.first(formula.num), fake.first(formula.num)
        if formula.held_out is not None:
            reals.held_out = held_out[formula.held_out].first(formula.num)
        reals.others = extractor.beside
        beside = reals.remember(("beside", formula), lambda: formula.beside(reals, data))  # noqa: B023
        values = formula(reals, seen, data) if finite else (math.nan,) * len(formula.names)
        facts = extractor.record() | (formula.facts(reals, seen) if finite else {})
        for position, (metric, value) in enumerate(zip(formula.names, values, strict=True)):
            protocol = Protocol(
                metric=metric,
                extractor=extractor.name,
                extractor_weights=extractor.fingerprint,
                resize=extractor.resize,
                num_real=len(reals),
                num_fake=len(seen),
                data=data.name,
                split=suite.split,
                data_fingerprint=data.reals(suite.split).fingerprint(),
                generator=fakes.generator,
                labels=fakes.labels,
                parameters=formula.parameters(),
                seed=fakes.seed,
            )
            name = short_name(metric, extractor.name, len(seen))
            lower = formula.lower_is_better
            others = {who: figures[position] for who, figures in beside.items()}
            records.append(Record(name, value, lower, protocol, facts, others))
    return records


def judge_baselines(
    suite: Suite,
    extractors: list[Extractor],
    reals: list[Features],
    fakes: AnsweredFakes,
    num_fake: int,
    device: torch.device,
) -> dict[str, dict[str, float]]:
    """Short name -> baseline -> the first formula's figure of it, computed once per suite."""
    if suite.beside is None:
        suite.beside = {}
        for name in fakes.data.baselines(fakes.batch(0, 1)):
            baseline = BaselineFakes(fakes, name)
            medium = fakes.data.medium
            found = extract(baseline.block, num_fake, suite.block, extractors, device, medium)
            for extractor, real, fake in zip(extractors, reals, found or [], strict=False):
                formula = suite.formulas_for(extractor, fakes.data)[0]
                seen = fake.first(formula.num)
                value = formula(real.first(formula.num), seen, fakes.data)[0]
                short = short_name(formula.names[0], extractor.name, len(seen))
                suite.beside.setdefault(short, {})[name] = value
    return suite.beside


def judge_generator(suite: Suite, fakes: Fakes, data: "DataModule") -> list[Record]:
    """The figures that need the generator itself. Every process takes part."""
    records = []
    for figure in suite.figures_for(fakes.gan):
        values = figure(fakes.gan, fakes.seed)
        for metric, value in zip(figure.names, values, strict=True):
            protocol = Protocol(
                metric=metric,
                extractor=figure.extractor,
                extractor_weights=figure.fingerprint,
                resize=figure.resize,
                num_real=figure.num_real,
                num_fake=figure.num,
                data=data.name,
                split=figure.split or suite.split,
                data_fingerprint=data.reals(figure.split or suite.split).fingerprint(),
                generator=fakes.generator,
                labels=figure.labels,
                parameters=figure.parameters(),
                seed=fakes.seed,
            )
            name = short_name(metric, figure.extractor, figure.num)
            records.append(Record(name, value, figure.lower_is_better, protocol, figure.facts()))
    return records


def labels_of(fakes: Fakes, num: int, size: int) -> Tensor | None:
    """(num,) labels of fakes that come in blocks; None where they have none."""
    blocks = [fakes.labels_of(index, size) for index in range(math.ceil(num / size))]
    return None if blocks[0] is None else torch.cat(blocks)[:num]


def real_features(
    suite: Suite,
    extractors: list[Extractor],
    data: "DataModule",
    device: torch.device,
    *,
    split: str | None = None,
) -> list[Features]:
    """The reals' features, per extractor: from `suite.known`, the cache, or computed together.

    Only the first process holds them; the others get empty sets.

    Args:
        split: of the data; the suite's if None.
    """
    reals = data.reals(split or suite.split)
    num_real, _ = suite.counts(len(reals))
    names = [real_name(extractor, reals, num_real, suite.block) for extractor in extractors]
    if is_first():
        for name in names:
            if name not in suite.known:
                suite.known[name] = load_features(name)
    else:
        suite.known.update({name: Features(torch.empty(0, 0)) for name in names})
    todo = from_first_process([name for name in names if suite.known[name] is None], device)
    if todo:
        order = fixed_order(len(reals))[:num_real]

        def block(index: int, size: int) -> Tensor:
            return reals.images(order[index * size : (index + 1) * size])

        absent = [e for e, name in zip(extractors, names, strict=True) if name in todo]
        computed = extract(block, num_real, suite.block, absent, device, data.medium)
        for name, features in zip(todo, computed or [], strict=False):
            suite.known[name] = features
            save_features(name, features)
    if is_first():
        for name in names:
            suite.known[name].labels = reals.labels(fixed_order(len(reals))[:num_real])
    return [suite.known[name] for name in names]


def real_name(extractor: Extractor, reals: "Reals", num_real: int, block: int) -> str:
    """The cache's name of the reals' features: the hash of all that decides them."""
    facts = {
        "extractor": extractor.name,
        "weights": extractor.fingerprint,
        "resize": extractor.resize,
        "reals": reals.fingerprint(),
        "num_real": num_real,
        "block": block,
    }
    return f"features/{extractor.name}-{digest(facts)}"


def load_features(name: str) -> Features | None:
    """Real features from the cache; None where they are not known."""
    found = cache.load(cache.place(name))
    return None if found is None else Features(found[0]["features"], found[0].get("logits"))


def save_features(name: str, features: Features) -> None:
    """Keep real features in the cache."""
    tensors = {"features": features.values}
    if features.logits is not None:
        tensors["logits"] = features.logits
    cache.save(cache.place(name), tensors, {})


def extract(
    block: Callable[[int, int], Tensor],
    num: int,
    size: int,
    extractors: list[Extractor],
    device: torch.device,
    medium: Medium,
) -> list[Features] | None:
    """Features of `num` images by each extractor; on the first process, None on the others."""
    rank, world = processes()
    if not extractors:  # nothing to generate for
        return [] if rank == 0 else None
    shards = [
        shard_features(block(index, size), extractors, device, medium)
        for index in range(rank, math.ceil(num / size), world)
    ]
    gathered = []
    for i, extractor in enumerate(extractors):
        values = join([shard[i] for shard in shards], width_of(extractor), device)
        gathered.append(gather(values, num, size, device))
    if rank > 0:
        return None
    return [split_features(x, e) for x, e in zip(gathered, extractors, strict=True)]


@torch.no_grad()
def shard_features(
    images: Tensor, extractors: list[Extractor], device: torch.device, medium: Medium
) -> list[Tensor]:
    """(B, D + K) features and logits, per extractor; nan where an image is not finite."""
    images = images.to(device)
    broken = ~torch.isfinite(images).flatten(1).all(dim=1) if images.is_floating_point() else None
    images = medium.stored(images)
    rows = []
    with torch.autocast(device.type, enabled=False):
        for extractor in extractors:
            features, logits = extractor(images)
            row = features.float() if logits is None else torch.cat([features, logits], 1).float()
            rows.append(row if broken is None else row.masked_fill(broken[:, None], math.nan))
    return rows


def width_of(extractor: Extractor) -> int:
    """D + K."""
    return extractor.dim + (extractor.num_logits or 0)


def split_features(values: Tensor, extractor: Extractor) -> Features:
    """(N, D + K) -> features and logits."""
    if extractor.num_logits is None:
        return Features(values)
    D = extractor.dim
    return Features(values[:, :D].contiguous(), values[:, D:].contiguous())


def fixed_order(num: int) -> Tensor:
    """The same permutation of `num` reals every time: any beginning of it is a fair choice."""
    return torch.randperm(num, generator=generator(EVALUATION, REALS))


def by_name(records: list[Record]) -> Mapping[str, float]:
    """Short name -> value."""
    return {record.name: record.value for record in records}
