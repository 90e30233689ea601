import math

import torch
from torch.nn.functional import normalize

from gan_lab.losses.contrastive import patch_nce


def test_equals_equation_3_place_by_place():
    torch.manual_seed(0)
    queries, keys = (normalize(torch.randn(2, 5, 7), dim=2) for _ in range(2))
    expected = torch.zeros(2)
    for b in range(2):
        for p in range(5):
            shares = torch.stack([(queries[b, p] @ keys[b, n] / 0.1).exp() for n in range(5)])
            expected[b] -= (shares[p] / shares.sum()).log() / 5
    torch.testing.assert_close(patch_nce(queries, keys, 0.1), expected)


def test_places_that_cannot_be_told_apart_cost_the_logarithm_of_their_number():
    same = torch.ones(3, 8, 4) / 2
    torch.testing.assert_close(patch_nce(same, same), torch.full((3,), math.log(8)))


def test_nothing_is_learnt_through_the_keys():
    queries, keys = torch.randn(1, 4, 3, requires_grad=True), torch.randn(1, 4, 3).requires_grad_()
    patch_nce(queries, keys).sum().backward()
    assert keys.grad is None and queries.grad.abs().sum() > 0
