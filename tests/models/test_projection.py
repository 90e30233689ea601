import pytest
import torch
from support import build
from torch.nn.functional import relu


def prepared():
    data, gan = build("model=projection", "data.resolution=16")
    torch.manual_seed(0)
    z = torch.randn(4, gan.latent_dim)
    gan.latent = lambda like: z
    batch = {"image": torch.randn(4, *data.shape).tanh(), "label": torch.tensor([0, 5, 5, 9])}
    gan.eval()  # spectral norm stands still, so that losses can be computed twice
    return gan, z, batch


def test_losses_are_the_conditional_hinge_game():
    gan, z, batch = prepared()
    G, D = gan.generator, gan.discriminator
    for_discriminator, for_generator = [], []
    for row in range(4):
        x, y = batch["image"][row, None], batch["label"][row, None]
        fake = D(G(z[row, None], y), y)
        for_discriminator.append(relu(1 - D(x, y)) + relu(1 + fake))
        for_generator.append(-fake)
    torch.testing.assert_close(gan.discriminator_loss(batch), torch.cat(for_discriminator).mean())
    torch.testing.assert_close(gan.generator_loss(batch), torch.cat(for_generator).mean())


def test_logits_differ_between_classes_by_an_inner_product():
    gan, _, batch = prepared()
    D, x = gan.discriminator, batch["image"]
    features = D.blocks(x).relu().sum((2, 3))
    embedding = D.judgement.embedding.weight
    difference = D(x, torch.full((4,), 3)) - D(x, torch.full((4,), 7))
    expected = features @ (embedding[3] - embedding[7])
    torch.testing.assert_close(difference, expected, rtol=1e-4, atol=1e-4)


def test_data_without_labels_are_refused():
    with pytest.raises(ValueError, match="labels"):
        build("model=projection", "data.labelled=false", "data.resolution=16")
