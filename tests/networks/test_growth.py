import pytest
import torch

from gan_lab.networks.growth import Growing, Growth

FULL = (3, 1024, 1024)


def test_level_follows_the_schedule_of_the_paper():
    growth = Growth(FULL)
    assert growth(0) == growth(600) == 0
    assert growth(900) == pytest.approx(0.5)
    assert growth(1200) == growth(1800) == 1
    assert growth(4 * 1200 + 600 + 150) == pytest.approx(4.25)
    assert growth(8 * 1200) == growth(12000) == growth(1e9) == 8


def test_growing_starts_at_the_resolution_asked_for():
    assert [Growth((1, 32, 32), start)(0) for start in (4, 8, 16, 32)] == [0, 1, 2, 3]
    assert Growth((1, 256, 192), 4)(0) == 0  # 4x3
    assert Growth((1, 28, 28), 8)(0) == 1  # 14x14


def test_phases_are_cut_only_where_the_budget_is_too_small():
    assert Growth(FULL, budget_kimg=12000, share=0.8)(900) == pytest.approx(0.5)
    growth = Growth((1, 32, 32), budget_kimg=60, share=0.5)  # 30 kimg for three doublings
    levels = [growth(kimg) for kimg in (0, 5, 7.5, 10, 15, 17.5, 20, 25, 27.5, 30, 60)]
    assert levels == pytest.approx([0, 0, 0.5, 1, 1, 1.5, 2, 2, 2.5, 3, 3])


def test_phases_of_no_length_are_skipped():
    assert Growth((1, 32, 32), 4, 0, 0)(0) == 3
    assert Growth((1, 32, 32), 4, 1, 0)(1.5) == 1
    assert Growth((1, 32, 32), 4, 0, 1)(1.5) == 1.5


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"start_resolution": 64}, "start_resolution=64"),
        ({"fade_kimg": -1}, "fade_kimg=-1"),
        ({"share": 0}, "share=0"),
    ],
)
def test_impossible_growth_is_refused_by_name(options, named):
    with pytest.raises(ValueError, match=named):
        Growth((1, 32, 32), **options)


def test_faded_reals_have_no_detail_above_the_level():
    torch.manual_seed(0)
    network, real = Growing((3, 16, 16)), torch.randn(2, 3, 16, 16)
    assert torch.equal(network.faded(real), real)

    def coarse(size):
        return real.unflatten(2, (size, -1)).unflatten(4, (size, -1)).mean((3, 5))

    def enlarged(small):
        factor = 16 // small.shape[-1]
        return small.repeat_interleave(factor, 2).repeat_interleave(factor, 3)

    network.grow(1)
    torch.testing.assert_close(network.faded(real), enlarged(coarse(8)))
    network.grow(0.25)
    expected = 0.25 * enlarged(coarse(8)) + 0.75 * enlarged(coarse(4))
    torch.testing.assert_close(network.faded(real), expected)


def test_level_is_saved_with_the_weights():
    trained, loaded = Growing((1, 16, 16)), Growing((1, 16, 16))
    trained.grow(1.3)
    loaded.load_state_dict(trained.state_dict())
    assert (loaded.level, loaded.top, loaded.fading) == (1.3, 2, True)
    assert torch.equal(loaded.alpha, trained.alpha)
