import pytest
import torch
from support import build, some
from torch.nn.functional import cosine_similarity, relu

DATA = ["data=captions", "data.resolution=16", "data.num=64"]


def prepared(*overrides):
    """A model, and four rows with the sentences that `training_step` adds."""
    data, gan = build("model=df_gan", *DATA, *overrides)
    gan.iteration = 1
    gan.latent = lambda like: torch.ones(len(like), gan.latent_dim)  # none outside training
    torch.manual_seed(0)
    for weight in gan.discriminator.parameters():  # residual branches begin at 0
        torch.nn.init.normal_(weight, std=0.1)
    captions = data.rows("train", range(8))["caption"]
    batch = {
        "image": torch.randn(4, *data.shape).tanh(),
        "caption": captions[:4],
        "sentence": gan.text_encoder(captions[:4]).detach(),
        "mismatched_sentence": gan.text_encoder(captions[4:]).detach(),
    }
    return gan, batch


def test_discriminator_loss_is_equation_1_row_by_row():
    gan, batch = prepared(
        "model.penalty_weight=3", "model.penalty_power=4", "model.penalty_every=1"
    )
    D, G, x, e = gan.discriminator, gan.generator, batch["image"], batch["sentence"]
    fake = G(torch.ones(4, gan.latent_dim), e)
    expected = relu(1 - D(x, e)) + relu(1 + D(fake, e)) / 2
    expected = expected + relu(1 + D(x, batch["mismatched_sentence"])) / 2
    for row in range(4):
        one = x[row : row + 1].clone().requires_grad_()
        said = e[row : row + 1].clone().requires_grad_()
        D(one, said).sum().backward()
        expected[row] = expected[row] + 3 * (one.grad.norm() + said.grad.norm()) ** 4
    batch["fake"] = fake.detach()
    torch.testing.assert_close(gan.discriminator_loss(batch), expected.mean())


def test_a_lazy_penalty_is_as_strong_in_the_long_run():
    gan, batch = prepared("model.penalty_every=2")
    batch["fake"] = gan.generator(torch.ones(4, gan.latent_dim), batch["sentence"]).detach()
    gan.iteration = 0
    without = gan.discriminator_loss(batch)
    gan.iteration = 1
    whole = gan.discriminator_loss(batch)
    gan.penalty_every = 1
    once = gan.discriminator_loss(batch)
    torch.testing.assert_close(whole - without, 2 * (once - without))


def test_generator_loss_is_what_the_discriminator_says_of_its_sentence():
    gan, batch = prepared("model.matching_weight=0")
    fake = gan.generator(torch.ones(4, gan.latent_dim), batch["sentence"])
    expected = -gan.discriminator(fake, batch["sentence"]).mean()
    torch.testing.assert_close(gan.generator_loss(batch), expected)


def test_generator_also_plays_for_the_likeness_to_its_sentence():
    gan, batch = prepared("model.matching_weight=0")
    without = gan.generator_loss(batch)
    gan.matching_weight = 3.0
    fake = gan.generator(torch.ones(4, gan.latent_dim), batch["sentence"])
    likeness = cosine_similarity(gan.picture_encoder(fake), batch["sentence"], dim=1)
    torch.testing.assert_close(gan.generator_loss(batch), without - 3 * likeness.mean())


def test_sentences_are_learnt_in_the_first_part_of_the_run():
    _, gan = build("model=df_gan", *DATA, "model.matching_kimg=0.1")
    gan.batch_size = 16
    learning = []
    for gan.iteration in range(10):
        learning.append(gan.matching)
    assert learning == [True] * 7 + [False] * 3  # 16 * 7 = 112 images


def test_each_caption_brings_its_own_picture():
    data, gan = build("model=df_gan", *DATA)
    with torch.no_grad():  # affine transformations begin as if there were no sentence
        for weight in gan.generator_ema.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))
    one = gan.sample(3, seed=0, caption="a large green triangle")
    assert torch.equal(one, gan.sample(3, seed=0, caption="A  large green triangle "))
    assert not torch.allclose(one, gan.sample(3, seed=0, caption="a small red circle"))
    several = gan.sample(3, seed=0, caption=["a small red circle", "a large green triangle", "x"])
    torch.testing.assert_close(several[1], one[1])
    batch = {"caption": gan.captions(3, 0, "a large green triangle")}
    torch.testing.assert_close(gan.generate(batch, seed=0), one)


def test_rows_are_shown_with_their_captions():
    data, gan = build("model=df_gan", *DATA)
    batch = some(data, 3)
    assert list(gan.show(batch))[0] == "real"
    assert all(text.startswith("a ") for text in gan.told(batch)) and len(gan.told(batch)) == 3


def test_captions_that_cannot_be_drawn_are_refused():
    _, gan = build("model=df_gan", *DATA)
    with pytest.raises(ValueError, match="caption='a+' has 65 bytes.*takes 64.*max_tokens=65"):
        gan.sample(1, seed=0, caption="a" * 65)
    with pytest.raises(ValueError, match="no text"):
        gan.sample(1, seed=0, caption="  ")
    with pytest.raises(ValueError, match="2 were given; give one, or 3"):
        gan.sample(3, seed=0, caption=["a", "b"])


def test_sentences_of_another_length_than_the_generator_takes_are_refused():
    with pytest.raises(ValueError, match="sentence_dim=32.*64"):
        build("model=df_gan", *DATA, "model.generator.sentence_dim=32")
