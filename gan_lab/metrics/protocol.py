"""A figure without its protocol is not a figure: what was measured, how, and on what."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Protocol:
    """Everything that decides a figure besides the generator.

    Attributes:
        metric: the formula (`fd`, `kid`, `precision`).
        extractor, extractor_weights: the network that sees the images, and its fingerprint.
        resize: what happens to an image before that network.
        num_real, num_fake: samples compared.
        data, split, data_fingerprint: where the reals come from.
        generator: what made the fakes: `averaged`, `raw` or `files`.
        labels: what a generator that takes labels is asked for; `none` for files.
        parameters: of the formula: k, number and size of subsets.
        seed: of the draw of fakes. A draw, not a rule: it is recorded and never compared.
    """

    metric: str
    extractor: str
    extractor_weights: str
    resize: str
    num_real: int
    num_fake: int
    data: str
    split: str
    data_fingerprint: str
    generator: str
    labels: str = "none"
    parameters: dict[str, int | float | str] = field(default_factory=dict)
    seed: int = 0

    def protocol_hash(self) -> str:
        """16 hex digits, equal for figures that may be compared."""
        return digest(comparable(self))


@dataclass(frozen=True)
class Record:
    """One figure.

    Attributes:
        name: short name, `fid_50k`.
        value: the figure; nan where it could not be computed.
        lower_is_better: which way is up; None where the data's own figure is the best.
        protocol: how it came about.
        facts: what is worth knowing beside it (a classifier's accuracy); not compared.
        beside: the figure of what one gets without learning, by the name of how.
        decides: whether it may choose `best.ckpt`: a figure of rows kept for testing must not.
    """

    name: str
    value: float
    lower_is_better: bool | None
    protocol: Protocol
    facts: dict[str, float | str] = field(default_factory=dict)
    beside: dict[str, float] = field(default_factory=dict)
    decides: bool = True

    def to_dict(self) -> dict:
        """Plain containers for JSON."""
        fields = dataclasses.asdict(self) | {"protocol_hash": self.protocol.protocol_hash()}
        if self.decides:  # as all figures of generators do: said only where it is not so
            del fields["decides"]
        return fields

    @classmethod
    def from_dict(cls, line: dict) -> "Record":
        """The record in a line of evaluations.jsonl (other keys of the line are left aside)."""
        known = {f.name: line[f.name] for f in dataclasses.fields(cls) if f.name in line}
        return cls(**{**known, "protocol": Protocol(**line["protocol"])})


def short_name(metric: str, extractor: str, num_fake: int) -> str:
    """`fid_50k` for Inception's; `fd_classifier_1797` else: only Inception makes an FID.

    A figure without an extractor is its formula and its count, `eq_t_1k`.
    """
    if extractor == "none":
        return f"{metric}_{short_count(num_fake)}"
    if extractor == "inception" and metric in ("fd", "kid", "is"):
        return f"{'fid' if metric == 'fd' else metric}_{short_count(num_fake)}"
    if extractor == "points" and metric in ("modes", "within_3_sigma"):
        return f"{metric}_{short_count(num_fake)}"
    return f"{metric}_{extractor}_{short_count(num_fake)}"


def short_count(num: int) -> str:
    """50000 -> 50k; 1797 stays."""
    return f"{num // 1000}k" if num >= 1000 and num % 1000 == 0 else str(num)


def comparable(protocol: Protocol) -> dict:
    """The protocol without its seed."""
    fields = dataclasses.asdict(protocol)
    del fields["seed"]
    return fields


def differences(first: Protocol, second: Protocol) -> list[str]:
    """What forbids a comparison, one `field: first, second` each; [] if nothing does."""
    a, b = comparable(first), comparable(second)
    return [f"{name}: {a[name]}, {b[name]}" for name in a if a[name] != b[name]]


def same_protocol(first: Protocol, second: Protocol) -> bool:
    """Whether two figures may be compared."""
    return not differences(first, second)


def digest(fields: dict) -> str:
    """16 hex digits of plain containers."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]
