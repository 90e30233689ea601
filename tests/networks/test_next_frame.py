import torch

from gan_lab.networks.next_frame import FramePredictor, SequenceDiscriminator, moved


def one_hot(B, n, index, H, W):
    return torch.nn.functional.one_hot(torch.tensor(index), n).float().view(1, n, 1, 1).expand(
        B, n, H, W
    )  # fmt: skip


def test_kernels_of_one_place_shift_a_frame():
    frame = torch.randn(2, 3, 6, 8, generator=torch.Generator().manual_seed(0))
    for down, across in [(0, 0), (1, -2), (-2, 1)]:
        out = moved(frame, one_hot(2, 5, 2 + down, 6, 8), one_hot(2, 5, 2 + across, 6, 8))
        rows = (torch.arange(6) + down).clamp(0, 5)  # beyond its edge a frame goes on as it ends
        columns = (torch.arange(8) + across).clamp(0, 7)
        assert torch.equal(out, frame[:, :, rows][..., columns])


def test_a_mixture_of_neighbours_interpolates():
    frame = torch.randn(1, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    half = torch.zeros(1, 3, 5, 5)
    half[:, 1:] = 0.5
    expected = (frame[..., :-1, :-1] + frame[..., 1:, :-1] + frame[..., :-1, 1:]
                + frame[..., 1:, 1:]) / 4  # fmt: skip
    torch.testing.assert_close(moved(frame, half, half)[..., :-1, :-1], expected)


def test_a_new_predictor_nearly_repeats_the_last_frame():
    torch.manual_seed(0)
    network = FramePredictor((4, 3, 16, 24), (2, 3, 16, 24), width=8)
    past = torch.rand(2, 4, 3, 16, 24) * 2 - 1
    with torch.no_grad():
        smooth = torch.nn.functional.avg_pool2d(
            past.flatten(1, 2), 5, 1, 2, count_include_pad=False
        )
        past = smooth.view_as(past)
        frames = network(past)
    assert frames.shape == (2, 2, 3, 16, 24)
    assert (frames[:, 0] - past[:, -1]).abs().mean() < 0.1 * past.abs().max()


def test_the_sequence_discriminator_sees_the_order_of_frames():
    torch.manual_seed(0)
    network = SequenceDiscriminator(1, width=8)
    film = torch.randn(2, 6, 1, 16, 16)
    logits = network(film)
    assert logits.shape[0] == 2 and logits.dtype == torch.float32
    assert not torch.allclose(logits.mean(), network(film.flip(1)).mean(), atol=1e-4)
