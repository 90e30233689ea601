import dataclasses
import json

import pytest

from gan_lab.metrics.protocol import Protocol, Record, differences, same_protocol, short_name

PROTOCOL = Protocol(
    metric="fd",
    extractor="classifier",
    extractor_weights="0123",
    resize="none",
    num_real=1797,
    num_fake=1797,
    data="digits",
    split="train",
    data_fingerprint="4567",
    generator="averaged",
    parameters={"k": 3},
)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("extractor_weights", "89ab"),
        ("num_real", 1000),
        ("num_fake", 1000),
        ("split", "test"),
        ("data_fingerprint", "89ab"),
        ("resize", "bilinear"),
        ("generator", "raw"),
        ("labels", "uniform"),
        ("parameters", {"k": 5}),
    ],
)
def test_unlike_protocols_are_refused_by_the_field_that_differs(field, value):
    other = dataclasses.replace(PROTOCOL, **{field: value})
    assert not same_protocol(PROTOCOL, other)
    assert PROTOCOL.protocol_hash() != other.protocol_hash()
    assert [line.split(":")[0] for line in differences(PROTOCOL, other)] == [field]


def test_runs_that_differ_by_seed_may_be_compared():
    other = dataclasses.replace(PROTOCOL, seed=1)
    assert same_protocol(PROTOCOL, other)
    assert PROTOCOL.protocol_hash() == other.protocol_hash()


def test_record_survives_json():
    record = Record("fd_classifier_1797", 1.5, True, PROTOCOL, {"classifier_accuracy": 0.99})
    line = json.loads(json.dumps({"iteration": 7, "kimg": 0.5, **record.to_dict()}))
    assert Record.from_dict(line) == record
    assert line["protocol_hash"] == PROTOCOL.protocol_hash()


@pytest.mark.parametrize(
    ("metric", "extractor", "num", "name"),
    [
        ("fd", "inception", 50_000, "fid_50k"),
        ("kid", "inception", 10_000, "kid_10k"),
        ("is", "inception", 50_000, "is_50k"),
        ("precision", "inception", 10_000, "precision_inception_10k"),
        ("fd", "inception_89abcdef", 50_000, "fd_inception_89abcdef_50k"),
        ("fd", "classifier", 1797, "fd_classifier_1797"),
        ("modes", "points", 10_000, "modes_10k"),
        ("fd", "points", 10_500, "fd_points_10500"),
    ],
)
def test_short_name_says_extractor_and_count(metric, extractor, num, name):
    assert short_name(metric, extractor, num) == name
