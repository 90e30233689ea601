import torch

from gan_lab.engine.pool import ImagePool


def fakes(first, count):
    """Pictures that say their number."""
    return torch.arange(first, first + count).float().view(-1, 1, 1, 1).expand(-1, 1, 2, 2)


def numbers(pictures):
    return pictures[:, 0, 0, 0].int().tolist()


def test_new_fakes_are_given_until_the_pool_is_full():
    pool = ImagePool((1, 2, 2), size=6)
    assert numbers(pool.exchange(fakes(0, 4), 0)) == [0, 1, 2, 3]
    assert numbers(pool.exchange(fakes(4, 2), 1)) == [4, 5]
    assert int(pool.filled) == 6


def test_a_full_pool_exchanges_half_of_the_fakes():
    pool, seen, old, kept = ImagePool((1, 2, 2), size=50), 0, 0, set(range(50))
    pool.exchange(fakes(0, 50), 0)
    for step in range(100):
        first = 50 + 4 * step
        given = numbers(pool.exchange(fakes(first, 4), step + 1))
        for row, number in enumerate(given):
            if number != first + row:  # an older one, which then leaves the pool
                assert number in kept
                kept = kept - {number} | {first + row}
                old += 1
        seen += 4
    assert kept == set(numbers(pool.images))
    assert 0.4 < old / seen < 0.6


def test_equal_keys_give_equal_exchanges_after_loading():
    first, second = ImagePool((1, 2, 2), size=3), ImagePool((1, 2, 2), size=3)
    first.exchange(fakes(0, 8), 0)
    second.load_state_dict(first.state_dict())
    ours, theirs = (pool.exchange(fakes(8, 8), 1) for pool in (first, second))
    assert torch.equal(ours, theirs)
    assert not torch.equal(ours, first.exchange(fakes(8, 8), 2))


def test_a_pool_without_places_gives_back_what_it_gets():
    assert torch.equal(ImagePool((1, 2, 2), size=0).exchange(fakes(0, 3), 0), fakes(0, 3))
