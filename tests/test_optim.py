import pytest

from gan_lab.optim import cosine, linear, scheduled


@pytest.mark.parametrize("schedule", [linear, cosine])
def test_schedules_fall_from_one_to_final_and_stay(schedule):
    factor = schedule(10.0, final=0.2, start_kimg=2.0)
    values = [factor(now) for now in (0.0, 2.0, 6.0, 10.0, 50.0)]
    assert values == pytest.approx([1, 1, 0.6, 0.2, 0.2])


def test_cosine_is_flat_at_both_ends():
    factor = cosine(10.0, initial=3.0, final=1.0)
    assert factor(2.5) == pytest.approx(2 + 2**-0.5)
    assert 3 - factor(0.1) < 1e-3 and factor(9.9) - 1 < 1e-3


def test_cosine_may_rise():
    rising = cosine(4.0, initial=0.0, final=500.0)
    assert [rising(now) for now in (0, 2, 4)] == pytest.approx([0, 250, 500])


def test_a_number_is_a_schedule_that_never_changes():
    assert scheduled(0.3)(0.0) == scheduled(0.3)(99.0) == 0.3
    falling = linear(1.0)
    assert scheduled(falling) is falling
