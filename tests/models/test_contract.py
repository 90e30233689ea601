"""What every variant promises, checked on each conf/model/*.yaml at a small width."""

import pytest
import torch
from support import MODELS, build, fit, small, some

from gan_lab.engine.scoring import Scoring

CONDITIONS = {"label": torch.tensor([3, 1, 4])}


def snapshot(gan):
    """Weights and buffers of every player, and of the averaged generator."""
    players = [*gan.optimizer_factories, "generator_ema"]
    return {p: [t.clone() for t in getattr(gan, p).state_dict().values()] for p in players}


def moved(before, after):
    return {
        player
        for player in before
        if any(not torch.equal(a, b) for a, b in zip(before[player], after[player], strict=True))
    }


@pytest.fixture(params=MODELS)
def built(request):
    data, gan = build(*small(request.param))
    return data, gan


def test_only_the_named_players_move_and_every_player_learns(built):
    data, gan = built
    descend, turns = gan.descend, []

    def watched(players, loss, batch, weight=1.0):
        before = snapshot(gan)
        descend(players, loss, batch, weight)
        named = {players} if isinstance(players, str) else set(players)
        expected = named | ({"generator_ema"} if "generator" in named else set())
        assert moved(before, snapshot(gan)) == expected
        assert all(w.grad is None for w in gan.parameters())
        turns.append(named)

    gan.descend = watched
    start = snapshot(gan)
    fit(gan, data, steps=11)
    assert moved(start, snapshot(gan)) == {*gan.optimizer_factories, "generator_ema"}
    assert set().union(*turns) == set(gan.optimizer_factories)


def test_clock_counts_training_steps_and_images(built):
    data, gan = built
    trainer = fit(gan, data, steps=7)
    assert (trainer.global_step, gan.steps_done, gan.iteration) == (7, 7, 6)
    assert gan.kimg_at(gan.steps_done) == 7 * data.batch_size / 1000


def test_samples_have_the_promised_shape_range_and_bits(built):
    data, gan = built
    if not hasattr(gan, "sample"):
        pytest.skip("draws nothing")
    samples = gan.sample(5, seed=1)
    assert samples.shape == (5, *data.shape) and samples.dtype == torch.float32
    assert samples.abs().max() <= 1
    assert torch.equal(samples, gan.sample(5, seed=1))
    assert not torch.equal(samples, gan.sample(5, seed=2))


def test_answers_to_a_batch_have_the_promised_shape_range_and_bits(built):
    data, gan = built
    batch = some(data, 3)
    answers = gan.generate(batch, seed=1)
    assert answers.shape == (3, *data.shape) and answers.dtype == torch.float32
    assert answers.abs().max() <= 1
    assert torch.equal(answers, gan.generate(batch, seed=1))


def test_what_is_shown_has_a_picture_for_each_row(built):
    data, gan = built
    if not hasattr(gan, "show"):
        pytest.skip("shown as a grid")
    batch = some(data, 3)
    columns = gan.show(batch)
    assert len(columns) > 1 and all(len(pictures) == 3 for pictures in columns.values())


def test_a_label_may_be_weights_of_classes(built):
    _, gan = built
    if not getattr(gan, "conditional", False):
        pytest.skip("takes no label")
    z, label = torch.randn(3, gan.latent_dim), CONDITIONS["label"]
    weights = torch.nn.functional.one_hot(label, gan.num_classes).float()
    torch.testing.assert_close(gan.decode(z, weights), gan.decode(z, label))


def test_logits_are_one_float32_number_per_sample_even_under_autocast(built):
    data, gan = built
    if gan.takes != ("image",) or isinstance(gan, Scoring):
        pytest.skip("its own test looks at its logits: patches, or several discriminators")
    condition = (CONDITIONS["label"],) if gan.conditional else ()
    with torch.autocast("cpu", torch.bfloat16):
        judged = getattr(gan, "judged_shape", data.shape)
        logits = gan.discriminator(torch.zeros(3, *judged), *condition)
    assert logits.shape == (3,) and logits.dtype == torch.float32


def test_resumed_run_ends_with_the_same_bits(built, tmp_path):
    data, gan = built
    first = {k: v.clone() for k, v in gan.state_dict().items()}
    whole = fit(gan, data, steps=12)
    whole.save_checkpoint(tmp_path / "whole.ckpt")

    gan.load_state_dict(first)
    gan.steps_done = gan.iteration = gan.images_averaged = 0
    half = fit(gan, data, steps=7)
    half.save_checkpoint(tmp_path / "half.ckpt")
    with torch.no_grad():
        for weight in gan.parameters():
            weight.normal_()
    fit(gan, data, steps=12, ckpt_path=tmp_path / "half.ckpt")

    expected = torch.load(tmp_path / "whole.ckpt", weights_only=True)["state_dict"]
    for name, tensor in gan.state_dict().items():
        assert torch.equal(tensor, expected[name]), name


def test_labels_out_of_range_are_refused(built):
    _, gan = built
    if not hasattr(gan, "labels"):
        pytest.skip("takes no label")
    label = 10 if gan.conditional else 0
    with pytest.raises(ValueError, match=r"label=\d+"):
        gan.sample(2, seed=0, label=label)


def test_scores_are_one_finite_number_of_each_row_alone(built):
    data, gan = built
    if not isinstance(gan, Scoring):
        pytest.skip("scores nothing")
    image = some(data, 5)["image"]
    before = snapshot(gan)
    scores = gan.anomaly_score({"image": image})
    assert scores.shape == (5,) and scores.isfinite().all() and not scores.requires_grad
    alone = torch.cat([gan.anomaly_score({"image": row[None]}) for row in image])
    torch.testing.assert_close(alone, scores)
    assert moved(before, snapshot(gan)) == set()
    residual = gan.residual({"image": image})
    assert residual.shape == image.shape and residual.min() >= 0
