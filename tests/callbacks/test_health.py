import pytest

from gan_lab.callbacks.health import HEALTHY, PATIENCE, Health, judge_game
from gan_lab.callbacks.reports import Reports


def reports(real=0.5, fake=-0.5, loss=1.2, count=PATIENCE):
    return count * [{"logits/real": real, "logits/fake": fake, "loss/discriminator": loss}]


def verdict(*arguments, **options):
    return judge_game(*arguments, **options).split(":")[0]


def test_balanced_game_is_healthy():
    assert judge_game(reports()) == HEALTHY


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e5])
def test_numbers_that_run_away_diverge(value):
    assert verdict(reports(loss=value)) == "diverging"


def test_discriminator_wins_when_logits_are_far_apart():
    assert verdict(reports(6.0, -6.0, 0.001)) == "discriminator wins"


def test_one_wild_report_is_no_victory():
    assert verdict(reports(count=2) + reports(6.0, -6.0, 0.001, count=1)) == "healthy"


def test_critic_may_be_far_apart():
    assert verdict(reports(60.0, -60.0, loss=-115.0)) == "healthy"


def test_discriminator_is_fooled_when_fakes_look_more_real():
    assert verdict(reports(-1.0, 1.0, 2.5)) == "discriminator fooled"


def test_good_samples_that_are_alike_have_collapsed():
    metrics = {"recall_classifier_1797": 0.01, "precision_classifier_1797": 0.9}
    assert verdict(reports(), metrics) == "collapsed"
    assert verdict(reports(), {"coverage_c_10": 0.0, "density_c_10": 0.8}) == "collapsed"


def test_bad_samples_have_not_collapsed():
    metrics = {"recall_classifier_1797": 0.0, "precision_classifier_1797": 0.0}
    assert verdict(reports(), metrics) == "healthy"


def test_missing_modes_are_a_collapse_once_points_lie_on_modes():
    assert verdict(reports(), {"modes_5k": 3.0, "within_3_sigma_5k": 0.9}, num_modes=8) == (
        "collapsed"
    )
    assert verdict(reports(), {"modes_5k": 8.0, "within_3_sigma_5k": 0.9}, num_modes=8) == "healthy"
    assert verdict(reports(), {"modes_5k": 0.0, "within_3_sigma_5k": 0.1}, num_modes=8) == "healthy"


def test_samples_without_spread_have_collapsed():
    assert verdict(reports(), diversity=0.01) == "collapsed"
    assert verdict(reports(), diversity=0.7) == "healthy"


def test_verdict_is_printed_and_kept_when_it_changes(tmp_path, fit, capsys):
    callback = Health()
    fit(tmp_path, [Reports(2), callback], steps=20)
    assert callback.verdict == HEALTHY
    assert (tmp_path / "health.txt").read_text() == (
        f"iteration, kimg, verdict\n6, 0.1, {HEALTHY}\n"
    )
    assert capsys.readouterr().out.count("healthy") == 1


def test_resumed_run_keeps_the_same_verdicts(tmp_path, fit_with_a_kill):
    fit_with_a_kill(tmp_path, lambda: [Reports(2), Health()], at=4, kill=9)
    assert (tmp_path / "health.txt").read_text() == (
        f"iteration, kimg, verdict\n6, 0.1, {HEALTHY}\n"
    )
