import pytest
import torch

from gan_lab.data.base import ArrayReals
from gan_lab.data.mnist import MNIST
from gan_lab.data.share import first_share


def some(num=200, classes=4):
    labels = torch.arange(num) % classes
    return ArrayReals(torch.arange(num, dtype=torch.uint8)[:, None, None, None], labels)


def test_each_class_keeps_its_share_and_its_labels():
    part = first_share(some(), 0.1)
    labels = part.labels(range(len(part)))
    assert labels.bincount().tolist() == [5] * 4
    assert (part.images(range(20))[:, 0, 0, 0].long() % 4 == labels).all()


def test_a_smaller_part_lies_within_a_larger():
    small, large = (set(first_share(some(), share).chosen.tolist()) for share in (0.05, 0.3))
    assert small < large


def test_every_class_keeps_one_and_unlabelled_items_their_number():
    assert len(first_share(some(), 0.001)) == 4
    assert len(first_share(ArrayReals(torch.zeros(50, 1, 1, 1)), 0.1)) == 5


def test_a_part_has_a_name_of_its_own():
    whole = some()
    assert first_share(whole, 1.0) is whole
    assert first_share(whole, 0.5).fingerprint() != whole.fingerprint()


def test_shares_that_are_none_are_refused():
    with pytest.raises(ValueError, match="data.train_share=0"):
        MNIST(train_share=0)
