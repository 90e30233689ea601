import pytest
import torch
from support import SMALL, build, compose, fit

from gan_lab.data.table_files import read_table
from gan_lab.errors import UserError
from gan_lab.runs import load
from gan_lab.sampling import asked_of, draw
from gan_lab.training import train

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


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "iris"
    more = ["trainer.kimg=0.032", "metrics=none", "logger=none", f"run_dir={folder}"]
    train(compose(*SMALL, *IRIS, *more), [])
    return folder


def drawn(run, *options):
    return draw(compose(f"run={run}", "num=6", "checkpoint=last", *options, name="sample"))


def test_the_command_line_asks_for_a_word(run, tmp_path):
    path = drawn(run, "where={target: versicolor}")
    assert path.name == "seed0-6-target-versicolor.csv"
    gan = load(run / "checkpoints/last.ckpt")
    gan.medium.write(gan.sample(6, seed=0, where={"target": "versicolor"}), tmp_path / "a.csv", 1)
    gan.medium.write(gan.sample(6, seed=0, where={"target": "setosa"}), tmp_path / "b.csv", 1)
    assert path.read_text() == (tmp_path / "a.csv").read_text()
    assert path.read_text() != (tmp_path / "b.csv").read_text()


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("{target: rose}", "choose one of setosa, versicolor, virginica"),
        ("{colour: red}", "name one column of words: target"),
        ("{}", "name one column of words: target"),
        ("versicolor", "where=versicolor: name a column and a word of it"),
    ],
)
def test_what_cannot_be_asked_for_is_named(run, where, said):
    with pytest.raises(UserError, match=said):
        drawn(run, f"where={where}")


def test_words_that_look_like_numbers_are_words():
    for text, found in {"{a: 1}": "1", "{a: 'true'}": "true", "{a: null}": None}.items():
        assert asked_of(compose(f"where={text}", name="sample").where) == {"a": found}


def test_models_that_are_asked_for_no_words_say_so(tmp_path):
    folder = tmp_path / "run"
    more = ["trainer.kimg=0.032", "metrics=none", "logger=none", f"run_dir={folder}"]
    train(compose(*SMALL, "model=gan", "data=table", "data.table=iris", *more), [])
    with pytest.raises(UserError, match="where=.*OriginalGAN is asked for no words; leave it out"):
        drawn(folder, "where={target: setosa}")
