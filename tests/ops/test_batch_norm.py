import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn

from gan_lab.ops.batch_norm import ConditionalBatchNorm2d, SyncedBatchNorm2d


def layers():
    torch.manual_seed(0)
    plain = SyncedBatchNorm2d(3)
    nn.init.normal_(plain.weight, 1, 0.5)
    by_class = ConditionalBatchNorm2d(3, nn.Embedding(5, 3), nn.Embedding(5, 3))
    return nn.ModuleList([plain, by_class])


def minibatch():
    draw = torch.Generator().manual_seed(1)
    x = 2 * torch.randn(8, 3, 4, 4, generator=draw) + 10
    return x, torch.randint(5, (8,), generator=draw), torch.randn(8, 3, 4, 4, generator=draw)


def observed(rows):
    """Outputs, gradients (of a gradient norm as well) and statistics of some rows' pass."""
    plain, by_class = model = layers()
    x, label, direction = (tensor[rows] for tensor in minibatch())
    x.requires_grad_()
    y = by_class(plain(x).tanh(), label)
    loss = (y * direction).mean()
    (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
    (loss + 100 * gradient.square().mean()).backward()
    parameters = {name: weight.grad for name, weight in model.named_parameters()}
    return y.detach(), gradient.detach(), x.grad, parameters, model.state_dict()


def process(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/meeting", rank=rank, world_size=2)
    torch.save(observed(slice(4 * rank, 4 * rank + 4)), folder / f"{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_agree_with_one_on_the_whole_minibatch(tmp_path):
    command = [sys.executable, __file__, tmp_path]
    running = [subprocess.Popen([*command, str(rank)]) for rank in range(2)]
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    y, gradient, _, parameters, state = observed(slice(None))
    torch.testing.assert_close(torch.cat([first[0], second[0]]), y, rtol=1e-5, atol=1e-5)
    # A process's loss is its own mean: the sum of both losses is twice the whole's.
    gradients = torch.cat([first[1], second[1]]) / 2
    torch.testing.assert_close(gradients, gradient, rtol=1e-4, atol=1e-7)
    for name, tensor in state.items():
        torch.testing.assert_close(first[4][name], tensor, rtol=1e-5, atol=1e-5)
        assert torch.equal(first[4][name], second[4][name])


def test_one_process_agrees_with_torch():
    x = minibatch()[0]
    ours, theirs = SyncedBatchNorm2d(3), nn.BatchNorm2d(3)
    assert torch.equal(ours(x), theirs(x))
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    assert torch.equal(ours.eval()(x), theirs.eval()(x))


def test_statistics_rest_while_a_player_does_not_learn():
    _, by_class = layers()
    x, label, _ = minibatch()
    by_class.norm.track_running_stats = False  # as the engine does
    y = by_class(x, label)
    assert torch.equal(by_class.norm.running_mean, torch.zeros(3))
    by_class.norm.track_running_stats = True
    torch.testing.assert_close(by_class(x, label), y)  # of the minibatch either way
    assert by_class.norm.running_mean.abs().min() > 0


def test_condition_scales_and_shifts_its_own_row():
    _, by_class = layers()
    x, label, _ = minibatch()
    y, flat = by_class(x, label), nn.functional.batch_norm(x, None, None, training=True)
    for row, k in enumerate(label):
        gain, bias = 1 + by_class.gain.weight[k], by_class.bias.weight[k]
        expected = flat[row] * gain[:, None, None] + bias[:, None, None]
        torch.testing.assert_close(y[row], expected)


@pytest.mark.parametrize("condition", ["bfloat16", "float32"])
def test_half_precision_stays_half(condition):
    linear = nn.Linear(4, 3, bias=False)
    layer = ConditionalBatchNorm2d(3, linear, linear)
    with torch.autocast("cpu", torch.bfloat16, enabled=condition == "bfloat16"):
        assert layer(minibatch()[0].bfloat16(), torch.randn(8, 4)).dtype == torch.bfloat16


if __name__ == "__main__":
    process(int(sys.argv[2]), Path(sys.argv[1]))
