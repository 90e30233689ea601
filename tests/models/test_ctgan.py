import pytest
import torch
from support import build, fit

from gan_lab.data.table_files import read_table
from gan_lab.errors import UserError

IRIS = ["model=ctgan", "data=table", "data.table=iris", "model.discriminator.pac=2"]


@pytest.fixture
def built():
    return build(*IRIS, "model.discriminator.dropout=0.0")


def test_critic_loss_agrees_with_one_pack_at_a_time(built):
    data, gan = built
    batch = data.minibatches(0, 16)(0)
    real, condition = batch["row"], batch["condition"]
    z, epsilon = torch.randn(16, gan.latent_dim), torch.rand(8, 1, 1)
    gan.latent, gan.uniform = lambda like: z, lambda like: epsilon
    fake = gan.generator(z, condition).detach()
    losses = []
    for pack in range(8):
        rows = slice(2 * pack, 2 * pack + 2)
        x, x_tilde, c = real[rows], fake[rows], condition[rows]
        e = epsilon[pack]
        x_hat = (e * x + (1 - e) * x_tilde).requires_grad_()
        (gradient,) = torch.autograd.grad(gan.discriminator(x_hat, c).sum(), x_hat)
        adversarial = gan.discriminator(x_tilde, c) - gan.discriminator(x, c)
        losses.append(adversarial + 10 * (gradient.norm() - 1) ** 2)
    torch.testing.assert_close(gan.discriminator_loss(batch), torch.cat(losses).mean())


def test_cross_entropy_is_that_of_the_column_that_is_named(built):
    _, gan = built
    gan.conditioned = [(1, 3), (4, 7)]
    logits = torch.randn(4, 8)
    condition = torch.zeros(4, 5)
    for row, entry in enumerate([0, 1, 4, 2]):
        condition[row, entry] = 1
    cross_entropy = torch.nn.functional.cross_entropy
    expected = [
        cross_entropy(logits[0, 1:3], torch.tensor(0)),
        cross_entropy(logits[1, 1:3], torch.tensor(1)),
        cross_entropy(logits[2, 4:7], torch.tensor(2)),
        cross_entropy(logits[3, 4:7], torch.tensor(0)),
    ]
    torch.testing.assert_close(gan.cross_entropy(logits, condition), torch.stack(expected))


def test_samples_are_asked_by_the_frequencies_of_training(built):
    _, gan = built
    gan.frequencies = [torch.tensor([0.9, 0.1]), torch.tensor([0.25, 0.5, 0.25])]
    condition = gan.condition(20_000, seed=0)
    assert (condition.sum(1) == 1).all()
    expected = torch.tensor([0.45, 0.05, 0.125, 0.25, 0.125])
    torch.testing.assert_close(condition.mean(0), expected, atol=0.01, rtol=0)


def test_where_asks_for_one_value_and_refuses_others(built):
    data, gan = built
    gan.generator_ema.logits = lambda z, condition: torch.cat(
        [torch.zeros(len(z), data.shape[0] - 3), 50 * condition], 1
    )
    samples = gan.sample(7, seed=0, where={"target": "versicolor"})
    assert gan.medium.decode(samples).cells("target") == ["versicolor"] * 7
    for where in ({"target": "rose"}, {"colour": "red"}, {}):
        with pytest.raises(UserError, match="where="):
            gan.sample(7, seed=0, where=where)


def test_packs_are_not_cut_by_parts(built):
    data, gan = build(*IRIS, "model.discriminator.pac=8", "model.accumulate=4")
    with pytest.raises(UserError, match="data.batch_size=16.*multiple of 32"):
        fit(gan, data, steps=1)


def test_a_table_of_numbers_alone_is_learnt_without_conditions(tmp_path):
    root = tmp_path / "t.csv"
    root.write_text("a,b\n" + "".join(f"{n},{n % 7}\n" for n in range(60)))
    data, gan = build("model=ctgan", "data=table", f"data.root={root}", "data.batch_size=20")
    fit(gan, data, steps=3)
    gan.medium.write(gan.sample(9, seed=0), tmp_path / "made.csv", 1)
    table = read_table(tmp_path / "made.csv")
    assert table.names == ["a", "b"] and len(table) == 9


def test_plain_gans_learn_rows_too(tmp_path):
    data, gan = build("model=gan", "data=table", "data.table=iris")
    fit(gan, data, steps=2)
    gan.medium.write(gan.sample(5, seed=0), tmp_path / "made.csv", 1)
    assert read_table(tmp_path / "made.csv").names == data.tables["train"].names
