import torch
from support import build, fit
from torch.nn.functional import softplus

from gan_lab.ops.motion import warped

SIZE = ["model=tempogan", "data=superres_video", "data.crop=16", "data.resolution=32"]
SIZE += ["model.generator.num_blocks=1", "model.temporal_discriminator.width=8"]


def prepared(*overrides):
    data, gan = build(*SIZE, *overrides)
    torch.manual_seed(0)
    low = torch.randn(4, 3, *data.source_shape).tanh()
    high = torch.randn(4, 3, *data.shape).tanh()
    return gan, {"low_video": low, "high_video": high, "motion": gan.motion(low)}


def test_losses_are_equations_8_and_9():
    gan, batch = prepared("model.l1_weight=7", "model.feature_weight=3", "model.temporal_weight=2")
    low, real = batch["low_video"], batch["high_video"]
    fake = torch.stack([gan.generator(low[:, t]) for t in range(3)], 1)
    wide = low[:, 1].repeat_interleave(4, -1).repeat_interleave(4, -2)
    D_s, D_t = gan.discriminator, gan.temporal_discriminator
    frames = [torch.cat([wide, x[:, 1]], 1) for x in (real, fake)]
    films = [gan.aligned(x, batch["motion"]) for x in (real, fake)]
    features = sum(
        (a - b).square().mean() for a, b in zip(D_s.features(frames[0]), D_s.features(frames[1]))
    )
    expected = softplus(-D_s(frames[1])).mean() + 2 * softplus(-D_t(films[1])).mean()
    expected = expected + 3 * features + 7 * (fake - real).abs().mean()
    torch.testing.assert_close(gan.generator_loss(batch), expected)
    near = 7 * (fake[:, 1] - real[:, 1]).abs().mean()
    torch.testing.assert_close(gan.warmup_loss(batch), near)
    batch["fake"] = gan.kept("fake")
    expected = sum(
        softplus(-D(both[0])).mean() + softplus(D(both[1])).mean()
        for D, both in ((D_s, frames), (D_t, films))
    )
    torch.testing.assert_close(gan.discriminator_loss(batch), expected)


def test_outer_frames_are_moved_onto_the_middle_one():
    gan, batch = prepared()
    frames, motion = batch["high_video"], batch["motion"]
    aligned = gan.aligned(frames, motion)
    assert torch.equal(aligned[:, 3:6], frames[:, 1])
    assert torch.equal(aligned[:, :3], warped(frames[:, 0], motion[:, 0]))
    still = gan.aligned(frames, torch.zeros_like(motion))
    torch.testing.assert_close(still, frames.flatten(1, 2), atol=1e-5, rtol=1e-5)


def test_frames_are_made_once_in_a_step():
    data, gan = build(*SIZE, "model.warmup_kimg=0.016")  # a step of it
    calls = []
    gan.generator.register_forward_hook(lambda _, inputs, __: calls.append(len(inputs[0])))
    fit(gan, data, steps=3)
    assert calls == [16, 48, 48]  # a frame of each film, then all three


def test_a_film_is_answered_frame_by_frame():
    gan, batch = prepared()
    low = batch["low_video"][:, 1]
    assert gan.generate({"low": low}).shape == (4, 3, 16, 16)
