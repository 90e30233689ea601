import itertools
import threading
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_lab.data.base import ArrayReals, DataModule
from gan_lab.data.stream import Batches, Stream, mirror_
from gan_lab.errors import UserError


class Numbers(DataModule):
    """Pictures whose pixels are their own numbers."""

    def __init__(self, count=23, **options):
        super().__init__(
            name="numbers",
            shape=(1, 1, 2),
            num_classes=count,
            seed=options.pop("seed", 0),
            **options,
        )
        self.count = count

    def load(self, split):
        numbers = torch.arange(self.count)
        images = torch.stack([numbers, 255 - numbers], -1).to(torch.uint8)[:, None, None]
        return ArrayReals(images, numbers)


def process(module, rank=0, world=1, iteration=0, device="cpu"):
    """Let a module believe that it is one process of a training run."""
    module.trainer = SimpleNamespace(
        global_rank=rank,
        world_size=world,
        lightning_module=SimpleNamespace(iteration=iteration),
        strategy=SimpleNamespace(root_device=torch.device(device)),
    )
    return module


def first(module, count):
    return list(itertools.islice(iter(module.train_dataloader()), count))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(0, 100), st.integers(1, 90), st.integers(0, 9))
def test_draws_are_a_function_of_seed_and_position(length, start, count, seed):
    draws = Stream(length, seed).draws(start, count)
    other = Stream(length, seed)  # asked one by one, backwards
    single = [int(other.draws(p, 1)) for p in reversed(range(start, start + count))]
    assert draws.tolist() == single[::-1]


def test_each_epoch_visits_every_item_once():
    draws = Stream(23, seed=3).draws(0, 69).view(3, 23)
    assert all(sorted(epoch.tolist()) == list(range(23)) for epoch in draws)
    assert not torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], Stream(23, seed=4).draws(0, 23))


@pytest.mark.parametrize("world", [2, 3, 6])
def test_stream_does_not_depend_on_the_number_of_processes(world):
    one = first(Numbers(batch_size=12, mirror=True), 7)
    many = [first(process(Numbers(batch_size=12, mirror=True), r, world), 7) for r in range(world)]
    for iteration, batch in enumerate(one):
        for name in ("image", "label"):
            parts = torch.cat([rank[iteration][name] for rank in many])
            assert torch.equal(batch[name], parts)


def test_taken_up_stream_continues():
    whole = first(Numbers(batch_size=5, mirror=True), 12)
    rest = first(process(Numbers(batch_size=5, mirror=True), iteration=7), 5)
    for a, b in zip(whole[7:], rest):
        assert torch.equal(a["image"], b["image"]) and torch.equal(a["label"], b["label"])


def test_start_is_asked_at_the_first_minibatch():
    module = process(Numbers(batch_size=5))
    batches = iter(module.train_dataloader())  # before a checkpoint is restored
    module.trainer.lightning_module.iteration = 4
    assert torch.equal(next(batches)["label"], first(Numbers(batch_size=5), 5)[4]["label"])


def test_a_minibatch_may_be_larger_than_the_set():
    assert first(Numbers(count=3, batch_size=8), 1)[0]["label"].tolist().count(0) in (2, 3)


def test_flips_are_keyed_and_fair():
    stream = Stream(10, seed=1)
    flips = torch.stack([stream.flips(i, 64) for i in range(200)])
    assert torch.equal(flips[17], Stream(10, seed=1).flips(17, 64))
    assert 0.48 < flips.float().mean() < 0.52
    assert not torch.equal(flips[0], Stream(10, seed=2).flips(0, 64))


def test_mirror_flips_only_the_chosen():
    images = torch.arange(12, dtype=torch.uint8).view(2, 1, 2, 3)
    out = images.clone()
    mirror_(out, torch.tensor([True, False]))
    assert torch.equal(out[0], images[0].flip(-1)) and torch.equal(out[1], images[1])


def test_batch_size_that_does_not_divide_is_refused_by_name():
    with pytest.raises(UserError, match=r"data.batch_size=10 .* 3 processes"):
        process(Numbers(batch_size=10), 0, 3).train_dataloader()


def test_background_thread_gives_the_same_batches_and_ends():
    before = threading.active_count()
    batches = Batches(lambda i: {"image": torch.tensor(i)}, lambda: 3, ahead=3)
    walk = iter(batches)
    assert [int(next(walk)["image"]) for _ in range(5)] == [3, 4, 5, 6, 7]
    walk.close()
    assert threading.active_count() == before


def test_background_thread_hands_its_error_on():
    def fail(iteration):
        raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        next(iter(Batches(fail, lambda: 0, ahead=2)))


def test_transfer_scales_pictures_and_leaves_points():
    module = Numbers(batch_size=4)
    out = module.on_after_batch_transfer({"image": torch.tensor([0, 255], dtype=torch.uint8)}, 0)
    assert out["image"].tolist() == [-1.0, 1.0]
    points = {"image": torch.tensor([[0.3, -2.0]])}
    assert module.on_after_batch_transfer(points, 0)["image"] is points["image"]


def test_fingerprint_names_the_content():
    a, b = Numbers(batch_size=4), Numbers(batch_size=8, seed=5)
    assert a.fingerprint() == b.fingerprint() != Numbers(count=22, batch_size=4).fingerprint()
    assert len(a.fingerprint()) == 16 and int(a.fingerprint(), 16) >= 0


def test_unknown_split_is_refused():
    with pytest.raises(UserError, match="split=test.*train"):
        Numbers(batch_size=4).reals("test")
