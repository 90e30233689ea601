import pytest
import torch

from gan_lab.networks.musegan import Discriminator, Generator, TrackLinear, chroma, held

SHAPE = (3, 24, 10)  # 2 bars of 12 steps


def test_track_layers_are_linear_layers_of_their_own():
    layer, x = TrackLinear(3, 4, 5), torch.randn(3, 7, 4)
    for track in range(3):
        expected = x[track] @ layer.weight[track] + layer.bias[track]
        torch.testing.assert_close(layer(x)[track], expected)


def changed(generator, z, part):
    """Which (track, bar) the latents `part` of z move."""
    other = z.clone()
    other[:, part] += 1.0
    difference = (generator.logits(other)[0] - generator.logits(z)[0]).abs()
    return difference.unflatten(2, (2, 12)).amax((0, 3, 4)) > 1e-6  # (tracks, bars)


def test_each_kind_of_latent_reaches_what_it_is_for():
    torch.manual_seed(0)
    generator, z = Generator(SHAPE, 12, latent_dim=16, width=8), torch.randn(4, 16)
    assert changed(generator, z, slice(0, 2)).all()  # z: the whole piece
    assert changed(generator, z, slice(8, 10)).all()  # z_t: shared, from bar to bar
    for track in range(3):
        for start in (2, 10):  # z_i and z_it: of one track
            part = slice(start + 2 * track, start + 2 * track + 2)
            found = changed(generator, z, part)
            assert found[track].all() and found.sum() == 2


def test_constant_latents_alone_repeat_the_bar():
    torch.manual_seed(0)
    generator, z = Generator(SHAPE, 12, latent_dim=16, width=8), torch.randn(4, 16)
    for temporal in (generator.shared_temporal, generator.private_temporal):
        torch.nn.init.zeros_(temporal.second.weight)
        torch.nn.init.zeros_(temporal.second.bias)
    for logits in generator.logits(z):
        first, second = logits.unflatten(2, (2, 12)).unbind(2)
        torch.testing.assert_close(first, second)


@pytest.mark.parametrize("T", [1, 2, 7, 16])
def test_notes_are_those_of_the_step_before_where_they_are_kept(T):
    torch.manual_seed(T)
    notes = torch.rand(2, 3, T, 5, dtype=torch.float64).round().requires_grad_()
    keep = torch.rand(2, 3, T, 1, dtype=torch.float64).round().requires_grad_()
    steps = [notes[:, :, 0]]
    for t in range(1, T):
        steps.append(keep[:, :, t] * steps[-1] + (1 - keep[:, :, t]) * notes[:, :, t])
    expected, found = torch.stack(steps, 2), held(notes, keep)
    torch.testing.assert_close(found, expected)
    weights = torch.rand_like(expected)
    for inputs in (notes, keep):
        ours, theirs = (
            torch.autograd.grad(
                (x * weights).sum(),
                inputs,
                retain_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )[0]
            for x in (found, expected)
        )
        torch.testing.assert_close(ours, theirs)


def test_tracks_of_one_voice_sound_one_pitch_at_most():
    torch.manual_seed(0)
    z = torch.randn(8, 16)
    voices = Generator(SHAPE, 12, latent_dim=16, width=8, one_voice=True)
    torch.nn.init.constant_(voices.bars.to_pitches.bias[:, :, -1], 0.5)  # of a rest
    torch.nn.init.constant_(voices.bars.to_keep.bias, -9.0)  # and none is kept
    sounding = (voices(z) > 0).sum(3)
    assert sounding.max() == 1 and sounding.min() == 0
    notes, _ = voices.logits(z)
    assert torch.equal(sounding > 0, (notes > 0).any(3))
    voices.one_voice = False
    assert torch.equal(voices(z) > 0, notes > 0) and (voices(z) > 0).sum(3).max() > 1
    torch.nn.init.constant_(voices.bars.to_pitches.bias[:, :, -1], 9.0)
    assert (voices(z) < 0).all()


def test_chroma_counts_octaves_of_a_pitch_class():
    notes = torch.zeros(1, 30)
    notes[0, [1, 13, 25, 7]] = 2
    expected = torch.zeros(1, 12)
    expected[0, 1], expected[0, 7] = 6, 2
    assert torch.equal(chroma(notes), expected)


def test_critic_sees_where_notes_begin_and_end():
    discriminator = Discriminator(SHAPE, 12, width=4)
    with torch.no_grad():
        discriminator.private.weight[:, :10].zero_()  # the notes themselves
        discriminator.private.weight[:, 20:].zero_()  # and their pitch classes
        discriminator.beat.weight[:, -4 * 12 :].zero_()
    rolls = -torch.ones(1, *SHAPE)
    rolls[:, :, 4:8, 3] = 1
    x = torch.stack([rolls[0], rolls[0].roll(1, 1)])
    first, moved = discriminator(x)
    assert (first - moved).abs() > 1e-6


def test_first_layer_of_the_discriminator_is_private():
    discriminator = Discriminator(SHAPE, 12, width=4)
    rolls = torch.randn(2, *SHAPE)
    with torch.no_grad():
        discriminator.private.weight[1].zero_()
        discriminator.beat.weight[:, -4 * 12 :].zero_()  # pitch classes of all tracks
    other = rolls.clone()
    other[:, 1] += 1
    torch.testing.assert_close(discriminator(rolls), discriminator(other))
    other[:, 0] += 1
    assert (discriminator(rolls) - discriminator(other)).abs().min() > 1e-6


@pytest.mark.parametrize("steps", [16, 12, 6, 10, 7, 1])
def test_bars_of_any_length(steps):
    shape = (2, 3 * steps, 5)
    generator = Generator(shape, steps, latent_dim=6, width=4)
    rolls = generator(torch.randn(2, 6))
    assert rolls.shape == (2, *shape) and Discriminator(shape, steps, 4)(rolls).shape == (2,)


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="data=pianoroll"):
        Generator((1, 8, 8), 16)
    with pytest.raises(ValueError, match="latent_dim=20: give a multiple of 8"):
        Generator(SHAPE, 12, latent_dim=20)
