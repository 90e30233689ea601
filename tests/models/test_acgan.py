import pytest
import torch
from support import build


def prepared(*overrides):
    data, gan = build(
        "model=acgan", "data.resolution=16", "model.discriminator.dropout=0.0", *overrides
    )
    torch.manual_seed(0)
    z = torch.randn(4, gan.latent_dim)
    gan.latent = lambda like: z
    batch = {"image": torch.randn(4, *data.shape).tanh(), "label": torch.tensor([0, 5, 5, 9])}
    return gan, z, batch


def test_losses_are_equations_2_and_3():
    gan, z, batch = prepared("model.class_weight=0.5")
    label, rows = batch["label"], range(4)
    fake = gan.generator(z, label)
    real_logits, real_class = gan.discriminator.judge_and_name(batch["image"])
    fake_logits, fake_class = gan.discriminator.judge_and_name(fake)
    real_source, fake_source = torch.sigmoid(real_logits), torch.sigmoid(fake_logits)
    real_naming = real_class.softmax(1)[rows, label].log().mean()
    fake_naming = fake_class.softmax(1)[rows, label].log().mean()
    L_S = real_source.log().mean() + (1 - fake_source).log().mean()
    L_C = real_naming + fake_naming
    torch.testing.assert_close(gan.discriminator_loss(batch), -(L_S + 0.5 * L_C))
    expected = -(fake_source.log().mean() + 0.5 * fake_naming)  # the non-saturating L_S
    torch.testing.assert_close(gan.generator_loss(batch), expected)


def test_source_does_not_look_at_the_label():
    gan, _, batch = prepared()
    D = gan.discriminator.eval()
    assert torch.equal(D(batch["image"], batch["label"]), D(batch["image"]))


def test_generator_sees_the_label():
    gan, z, _ = prepared()
    fake = gan.generator(z[:1].repeat(4, 1), torch.tensor([0, 1, 1, 2]))
    assert torch.equal(fake[1], fake[2]) and not torch.equal(fake[0], fake[1])


def test_data_without_labels_are_refused():
    with pytest.raises(ValueError, match="labels"):
        build("model=acgan", "data.labelled=false", "data.resolution=16")
