"""The engine's own promises, beyond the contract of the variants."""

import lightning as L
import pytest
import torch
from support import build, fit
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_lab.errors import UserError
from gan_lab.models.base import DivergedError
from gan_lab.optim import linear
from gan_lab.training import compile_players


def weights(gan):
    return torch.cat([w.flatten() for w in gan.parameters()])


class Scaled(L.Callback):
    """Gives every player a loss scaler on the CPU, where fp16 itself is refused."""

    def on_train_start(self, trainer, gan):
        gan._scaler = {
            player: torch.amp.GradScaler("cpu", init_scale=2.0**scale, growth_interval=10**6)
            for player, scale in zip(gan._weights, (10, 7), strict=True)
        }


def test_scalers_leave_float32_training_as_it_is():
    data, plain = build("model=r3gan_small", "model.clip_norm=0.5")
    fit(plain, data, steps=5)
    data, scaled = build("model=r3gan_small", "model.clip_norm=0.5")
    fit(scaled, data, steps=5, callbacks=[Scaled()])
    torch.testing.assert_close(weights(scaled), weights(plain), rtol=1e-6, atol=1e-7)


def test_overflow_skips_the_step_of_that_player_alone():
    data, gan = build("model=r3gan_small")
    loss = gan.discriminator_loss

    def overflows(batch):
        return loss(batch) * float("inf")

    gan.discriminator_loss = overflows
    overflows.__name__ = "discriminator_loss"
    before = gan.discriminator.end.weight.clone(), gan.generator.end.weight.clone()
    fit(gan, data, steps=1, callbacks=[Scaled()])
    assert torch.equal(gan.discriminator.end.weight, before[0])
    assert not torch.equal(gan.generator.end.weight, before[1])
    assert (
        gan._scaler["generator"].get_scale() > 2 * gan._scaler["discriminator"].get_scale() / 2**4
    )


def test_scalers_are_saved_and_restored(tmp_path):
    data, gan = build("model=r3gan_small")
    fit(gan, data, steps=2, callbacks=[Scaled()]).save_checkpoint(tmp_path / "a.ckpt")
    saved = torch.load(tmp_path / "a.ckpt", weights_only=True)["gan"]["scalers"]
    assert {player: state["scale"] for player, state in saved.items()} == {
        "generator": 2.0**10,
        "discriminator": 2.0**7,
    }


def test_bf16_autocasts_but_keeps_weights_and_losses_in_float32():
    data, gan = build("model=wgan_gp")
    seen = []
    gan.generator.convolutions[0].register_forward_hook(lambda m, i, out: seen.append(out.dtype))
    fit(gan, data, steps=5, precision="bf16-mixed")
    assert set(seen) == {torch.bfloat16}
    assert {w.dtype for w in gan.parameters()} == {torch.float32}
    assert torch.isfinite(weights(gan)).all()


def test_averaged_generator_follows_its_half_life():
    data, gan = build("model=gan", "model.ema_halflife_kimg=0.032", "model.ema_rampup=1e9")
    start = gan.generator.layers[0].weight.clone()
    history = []

    class Watch(L.Callback):
        def on_train_batch_end(self, trainer, gan, *_):
            history.append(gan.generator.layers[0].weight.clone())

    fit(gan, data, steps=6, callbacks=[Watch()])
    expected = start
    for weight in history:  # 16 images a step, 32 to the half
        expected = expected + (1 - 0.5**0.5) * (weight - expected)
    torch.testing.assert_close(gan.generator_ema.layers[0].weight, expected)


def test_gradients_are_clipped_to_the_norm():
    data, gan = build("model=gan", "model.clip_norm=1e-3")
    norms = []

    class Watch(L.Callback):
        def on_train_start(self, trainer, gan):
            step = gan._optimizer["discriminator"].step
            gan._optimizer["discriminator"].step = lambda: (
                norms.append(
                    torch.cat([w.grad.flatten() for w in gan.discriminator.parameters()]).norm()
                ),
                step(),
            )

    fit(gan, data, steps=2, callbacks=[Watch()])
    assert all(norm <= 1.0001e-3 for norm in norms) and len(norms) == 2


def test_learning_rate_follows_the_schedule():
    data, gan = build("model=gan")
    gan.schedule = linear(kimg=0.064, final=0.5)
    rates = []

    class Watch(L.Callback):
        def on_train_batch_end(self, trainer, gan, *_):
            rates.append(gan._optimizer["generator"].param_groups[0]["lr"] / 1e-3)

    fit(gan, data, steps=6, callbacks=[Watch()])
    torch.testing.assert_close(torch.tensor(rates), torch.tensor([1, 0.875, 0.75, 0.625, 0.5, 0.5]))


def test_lazy_turns_fall_on_the_last_of_each_run_of_steps():
    _, gan = build("model=gan")
    due = []
    for gan.iteration in range(7):
        due.append(gan.every(3))
    assert due == [False, False, True, False, False, True, False]


def test_spectral_norm_of_a_player_at_rest_keeps_its_vectors():
    data, gan = build("model=r3gan_small")
    layer = spectral_norm(gan.discriminator.convolutions[0])
    vector = layer.parametrizations.weight[0]._u
    turns = []
    descend = gan.descend

    def watched(players, *rest):
        before = vector.clone()
        descend(players, *rest)
        turns.append((players, torch.equal(before, vector)))

    gan.descend = watched
    fit(gan, data, steps=2)
    assert turns == [("discriminator", False), ("generator", True)] * 2


def test_reports_are_means_and_a_number_that_is_none_names_its_loss():
    _, gan = build("model=gan")
    gan.report("loss/generator", torch.tensor([1.0, 3.0]))
    gan.report("loss/generator", torch.tensor(5.0))
    assert gan.take_reports() == {"loss/generator": 3.5} and gan.take_reports() == {}
    gan.report("loss/discriminator", torch.tensor(float("nan")))
    with pytest.raises(DivergedError, match="loss/discriminator"):
        gan.take_reports()


def test_parts_that_do_not_divide_the_minibatch_are_refused():
    data, gan = build("model=gan")
    gan.accumulate = 3
    with pytest.raises(UserError, match="model.accumulate=3"):
        fit(gan, data, steps=1)


def test_only_players_that_no_penalty_differentiates_are_compiled():
    _, gan = build("model=r3gan_small")
    compile_players(gan)
    assert gan.generator._compiled_call_impl is not None
    assert gan.discriminator._compiled_call_impl is None
    _, gan = build("model=dcgan")
    compile_players(gan)
    assert gan.discriminator._compiled_call_impl is not None


def test_modules_outside_the_players_stay_in_the_checkpoint_but_never_move():
    data, gan = build("model=gan")
    gan.judge_of_style = nn.Linear(3, 3)
    before = gan.judge_of_style.weight.clone()
    fit(gan, data, steps=2)
    assert torch.equal(before, gan.judge_of_style.weight)


def test_sampling_leaves_every_layer_in_its_mode():
    _, gan = build("model=dcgan")
    layers = list(gan.generator.modules())
    layers[-1].training = False  # as the engine rests a layer with state
    before = [layer.training for layer in layers]
    gan.sample(2, seed=0, raw=True)
    assert [layer.training for layer in layers] == before


def test_parts_take_one_power_iteration_like_the_whole():
    ended = []
    for parts in (1, 4):
        data, gan = build("model=r3gan_small", f"model.accumulate={parts}")
        torch.nn.utils.parametrizations.spectral_norm(gan.discriminator.end)
        fit(gan, data, steps=3)
        ended.append(gan.discriminator.end.parametrizations.weight[0]._u)
    torch.testing.assert_close(*ended)


@pytest.mark.parametrize("model", ["wgan", "progressive", "stylegan2"])
def test_real_and_fake_share_a_pass_unless_rows_see_each_other(model):
    critic = "gan_lab.networks.dcgan.DCGANDiscriminator"  # with batch norm, as WGAN's paper has it
    _, gan = build(
        f"model={model}", *([f"model.discriminator._target_={critic}"] if model == "wgan" else [])
    )
    real, fake = torch.randn(4, *gan.shape), torch.randn(4, *gan.shape)
    real_logits, fake_logits = gan.judge(real, fake)
    torch.testing.assert_close(real_logits, gan.discriminator(real))
    torch.testing.assert_close(fake_logits, gan.discriminator(fake))


def test_independent_rows_are_judged_in_one_pass():
    _, gan = build("model=wgan")
    passes = []
    gan.discriminator.register_forward_hook(lambda *call: passes.append(len(call[1][0])))
    gan.judge(torch.randn(4, *gan.shape), torch.randn(4, *gan.shape))
    assert passes == [8]
