import pytest
import torch
from support import build, fit, some
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from gan_lab.losses.gradient_difference import gradient_difference

SIZE = [
    *("model=next_frame", "data=moving_digits", "data.resolution=16", "data.side=8"),
    *("data.num=64", "data.context=3", "data.horizon=4"),
]


def prepared(*overrides):
    data, gan = build(*SIZE, *overrides)
    with torch.no_grad():  # frames that do not move would hide much
        for weight in gan.generator.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
        gan.generator_ema.load_state_dict(gan.generator.state_dict())
    return data, gan, some(data, 3)


def test_a_rollout_is_step_after_step_on_its_own_frames():
    data, gan, batch = prepared()
    frames = list(batch["video"][:, :3].unbind(1))
    for _ in range(4):
        frames.append(gan.generator_ema.next(torch.stack(frames[-3:], 1)).detach())
    torch.testing.assert_close(gan.generate(batch), torch.stack(frames[3:], 1))


def test_answers_do_not_depend_on_the_truth():
    data, gan, batch = prepared()
    other = {"video": batch["video"].clone()}
    other["video"][:, 3:] = 0.5
    assert torch.equal(gan.generate(batch), gan.generate(other))
    assert torch.equal(gan.generate(batch), gan.generate({"video": batch["video"][:, :3]}))


def test_losses_are_those_of_equation_7_and_of_two_discriminators():
    weights = ["model.l1_weight=3", "model.gradient_weight=2", "model.adversarial_weight=0.5"]
    data, gan, batch = prepared(*weights)
    past, future = batch["video"][:, :3], batch["video"][:, 3:]
    gan.one_of = lambda frames: frames[:, 1]
    batch = {"past": past, "future": future}
    loss = gan.generator_loss(batch)
    fake = gan.kept("fake")
    film, frame = torch.cat([past, fake], 1), fake[:, 1]
    film_logits, frame_logits = gan.discriminator(film), gan.frame_discriminator(frame)
    fooled = cross_entropy(film_logits, torch.ones_like(film_logits)) + cross_entropy(
        frame_logits, torch.ones_like(frame_logits)
    )
    l1, gradient = (fake - future).abs().mean(), gradient_difference(fake, future).mean()
    torch.testing.assert_close(loss, 3 * l1 + 2 * gradient + 0.5 * fooled)

    real_logits = gan.discriminator(torch.cat([past, future], 1))
    real_frame = gan.frame_discriminator(future[:, 1])
    expected = sum(
        cross_entropy(real, torch.ones_like(real)) + cross_entropy(false, torch.zeros_like(false))
        for real, false in [(real_logits, film_logits), (real_frame, frame_logits)]
    )
    torch.testing.assert_close(gan.discriminator_loss({**batch, "fake": fake}), expected)


def test_frames_are_foreseen_once_in_a_step():
    data, gan = build(*SIZE)
    calls = []
    gan.generator.register_forward_hook(lambda *_: calls.append(1))
    fit(gan, data, steps=3)
    assert len(calls) == 3


def test_training_may_foresee_fewer_frames_than_answers():
    data, gan, batch = prepared("model.steps=2")
    seen = []
    gan.discriminator.register_forward_hook(lambda _, films, logits: seen.append(films[0].shape[1]))
    fit(gan, data, steps=1)
    assert set(seen) == {5} and gan.generate(batch).shape[1] == 4


def test_one_frame_of_each_row_is_drawn_for_the_frame_discriminator():
    data, gan, _ = prepared()
    frames = torch.arange(4.0).view(1, 4, 1, 1, 1).expand(3, -1, 1, 2, 2)
    gan.uniform = lambda like, *shape: torch.tensor([[0.0], [0.5], [0.99]])
    assert gan.one_of(frames)[:, 0, 0, 0].tolist() == [0, 2, 3]


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="steps=5"):
        build(*SIZE, "model.steps=5")
    with pytest.raises(ValueError, match="augment"):
        build(*SIZE, "augment=diffaugment")
    with pytest.raises(ValueError, match="depth=2.*resolution"):
        build("model=next_frame", "data=moving_digits", "data.resolution=36")
