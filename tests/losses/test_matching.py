import torch

from gan_lab.losses.matching import contrast
from gan_lab.losses.penalties import matching_gradient_penalty


def test_contrast_is_two_softmaxes_without_pairs_that_are_alike():
    torch.manual_seed(0)
    v, e = (torch.nn.functional.normalize(torch.randn(4, 6)) * 6**0.5 for _ in range(2))
    alike = torch.eye(4, dtype=torch.bool)
    alike[0, 2] = alike[2, 0] = True
    values = contrast(v, e, alike, sharpness=5.0)
    for i in range(4):
        others = [j for j in range(4) if j == i or not alike[i, j]]
        s = {j: torch.exp(5 * torch.cosine_similarity(v[i], e[j], 0)) for j in others}
        t = {j: torch.exp(5 * torch.cosine_similarity(v[j], e[i], 0)) for j in others}
        expected = -torch.log(s[i] / sum(s.values())) - torch.log(t[i] / sum(t.values()))
        torch.testing.assert_close(values[i], expected)


def test_matching_penalty_of_a_linear_discriminator():
    """D(x, e) = <a, x> + <b, e>: the gradients are a and b wherever one looks."""
    torch.manual_seed(0)
    a, b = torch.randn(3, 4, 4), torch.randn(5)
    x = torch.randn(2, 3, 4, 4, requires_grad=True)
    e = torch.randn(2, 5, requires_grad=True)
    logits = (a * x).sum((1, 2, 3)) + (b * e).sum(1)
    penalty = matching_gradient_penalty(logits, x, e, power=6)
    torch.testing.assert_close(penalty, ((a.norm() + b.norm()) ** 6).expand(2))
