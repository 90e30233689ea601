import math
import socket

import pytest
import torch
from metrics.fakes import CPU, Data, Echo, Pixels, figures, measured_by, suite

from gan_lab.data.base import ArrayReals
from gan_lab.media import Pictures
from gan_lab.metrics import engine
from gan_lab.metrics.sharing import interleave


def test_better_fakes_have_better_figures():
    data = Data()
    good, bad = (engine.by_name(figures(suite(), data, Echo(data.set, n))) for n in (0.02, 0.5))
    assert good["fd_pixels_300"] < bad["fd_pixels_300"]
    assert good["kid_pixels_300"] < bad["kid_pixels_300"]
    assert good["precision_pixels_100"] > bad["precision_pixels_100"]
    assert good["coverage_pixels_300"] > bad["coverage_pixels_300"]


def test_same_weights_and_seed_give_the_same_figures():
    data = Data()
    first, second = (figures(suite(), data, Echo(data.set, 0.1), seed=3) for _ in range(2))
    other = figures(suite(), data, Echo(data.set, 0.1), seed=4)
    assert first == second
    assert first[0].value != other[0].value


def test_reals_are_seen_once_and_then_come_from_the_cache():
    data = Data()
    first = suite()
    expected = figures(first, data, Echo(data.set, 0.1))
    assert first.extractors[0].num_seen == 300 + 350  # fakes come in whole blocks
    figures(first, data, Echo(data.set, 0.1))
    assert first.extractors[0].num_seen == 300 + 2 * 350
    second = suite()  # as another process would begin
    assert figures(second, data, Echo(data.set, 0.1)) == expected
    assert second.extractors[0].num_seen == 350


def test_a_cache_file_cut_short_is_made_again(cache):
    data = Data()
    expected = figures(suite(), data, Echo(data.set, 0.1))
    (file,) = (cache / "features").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:1000])
    assert figures(suite(), data, Echo(data.set, 0.1)) == expected


@pytest.mark.parametrize("world", [2, 3, 7])
def test_several_processes_find_the_features_of_one(world, monkeypatch):
    data, num, size = Data(), 330, 70
    fakes = engine.GeneratedFakes(Echo(data.set, 0.1), data.set)
    (alone,) = engine.extract(fakes.block, num, size, [Pixels()], CPU, Pictures())
    shards = []
    for rank in range(world):
        monkeypatch.setattr(engine, "processes", lambda rank=rank: (rank, world))
        monkeypatch.setattr(engine, "gather", lambda rows, num, size, device: shards.append(rows))
        monkeypatch.setattr(engine, "split_features", lambda rows, extractor: rows)
        engine.extract(fakes.block, num, size, [Pixels()], CPU, Pictures())
    together = interleave(shards, num, size)
    assert torch.equal(together[:, :64], alone.values)
    assert torch.equal(together[:, 64:], alone.logits)


def test_fakes_are_quantised_as_files_would_be():
    images = torch.tensor([-1.5, -1.0, 0.0, 0.999, 1.0])
    assert Pictures().stored(images).tolist() == [0, 0, 128, 255, 255]
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(Pictures().stored(levels.float() / 127.5 - 1), levels)


def test_a_broken_generator_gives_nan():
    data = Data()
    records = figures(suite(), data, Echo(data.set, float("nan")))
    assert all(math.isnan(record.value) for record in records)


def test_a_conditional_generator_is_asked_for_the_labels_of_reals():
    data = Data()
    gan = Echo(data.set, 0.1, num_classes=3)
    records = figures(suite(), data, gan)
    asked = torch.cat(gan.asked)
    assert asked.unique().tolist() == [0, 1, 2]
    assert records[0].protocol.labels.startswith("of randomly drawn reals")


def test_record_says_what_was_done():
    data = Data()
    record = figures(suite(num_fake=120, num_real=200), data, Echo(data.set, 0.1), raw=True)[0]
    protocol = record.protocol
    assert (record.name, protocol.num_real, protocol.num_fake) == ("fd_pixels_120", 200, 120)
    assert (protocol.data, protocol.split, protocol.generator) == ("shapes", "train", "raw")
    assert protocol.data_fingerprint == data.set.fingerprint()


def test_files_sorted_by_class_are_shuffled():
    order = data_sorted_by_class().labels(engine.fixed_order(300))
    assert order[:100].unique().tolist() == [0, 1, 2]


def data_sorted_by_class():
    reals = Data().set
    order = reals.labels(torch.arange(300)).argsort()
    return ArrayReals(reals.images(order), reals.labels(order))


@pytest.mark.slow
def test_two_real_processes_find_the_figures_of_one(tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = Data()
    alone = [record.to_dict() for record in figures(suite(), data, Echo(data.set, 0.1))]
    monkeypatch.setenv("GAN_LAB_CACHE", str(tmp_path / "another"))
    torch.multiprocessing.spawn(measured_by, (2, port, str(tmp_path)), nprocs=2)
    for rank in range(2):
        assert torch.load(tmp_path / f"{rank}.pt") == alone
