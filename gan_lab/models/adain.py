"""AdaIN: "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization" (Huang &
Belongie 2017), with an adversarial loss of patches in place of a pretrained network's judgement."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from gan_lab.losses.adversarial import NonSaturating
from gan_lab.models.base import Batch, Translator
from gan_lab.networks.adain import adapt, moments


class AdaIN(Translator):
    """A content's map takes over the mean and the deviation of a style's, channel by channel.

    L = L_c + lambda L_s (Equations 11 to 13), and a discriminator of patches that is told the
    style's colours: does this patch come from a picture in such colours? The encoder learns, too,
    by giving pictures back whose style is their own; the losses look through its average, which
    nothing trains, so that it cannot make its task easy.

    Args:
        style_weight: lambda.
        adversarial_weight: of the patches' game.
        identity_weight: of giving back what has its own style.
        features: pictures (B, 3, H, W) to maps, in place of the average encoder, such as
            `gan_lab.networks.squeezenet.pretrained`; the last map is the content's.
    """

    takes = ("domain_a", "domain_b")
    source = "domain_a"
    style = "domain_b"

    def __init__(
        self,
        *,
        style_weight: float = 10.0,
        adversarial_weight: float = 1.0,
        identity_weight: float = 10.0,
        features: nn.Module | None = None,
        **game,
    ) -> None:
        super().__init__(**game)
        self.style_weight, self.adversarial_weight = style_weight, adversarial_weight
        self.identity_weight = identity_weight
        self.look = self.generator_ema.encode if features is None else features
        self.game = NonSaturating()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("generator", self.generator_loss, batch)
        batch = {**batch, "fake": self.kept("fake")}
        self.descend("discriminator", self.discriminator_loss, batch)

    def generator_loss(self, batch: Batch) -> Tensor:
        G = self.generator
        content, style = batch["domain_a"], batch["domain_b"]  # (B, C, H, W) in [-1, 1]
        both = torch.cat([content, style])
        maps = G.encode(both)[-1]
        c, s = maps.chunk(2)
        fake, *own = G.decode(torch.cat([adapt(c, s), c, s])).chunk(3)
        self.keep("fake", fake)
        adversarial = self.game.generator(self.judge_fake(in_colours(fake, style)))
        identity = l1_loss(torch.cat(own), both)
        content_loss, style_loss = self.compare(fake, content, style)
        for name, value in [
            ("content", content_loss),
            ("style", style_loss),
            ("identity", identity),
        ]:
            self.report(f"loss/{name}", value)
        return (
            (content_loss + self.style_weight * style_loss).mean()
            + self.adversarial_weight * adversarial.mean()
            + self.identity_weight * identity
        )

    def discriminator_loss(self, batch: Batch) -> Tensor:
        style = batch["domain_b"]
        real, fake = in_colours(style, style), in_colours(batch["fake"], style)
        return self.game.discriminator(*self.judge(real, fake)).mean()

    def compare(self, fake: Tensor, content: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """L_c and L_s (B,), in units of the maps' own mean square: the encoder sets no scale."""
        ours, theirs, contents = (self.look(images) for images in (fake, style, content))
        wanted = adapt(contents[-1], theirs[-1])
        content_loss = mean_square(ours[-1] - wanted) / mean_square(wanted)
        return content_loss, style_distance([fake, *ours], [style, *theirs])

    def answer(self, network: nn.Module, batch: Batch, seed: int = 0) -> Tensor:
        return network(batch["domain_a"], batch["domain_b"])

    def show(self, batch: Batch) -> dict[str, Tensor]:
        content, style = batch["domain_a"], batch["domain_b"]
        return {"content": content, "style": style, "output": self.generate(batch)}


def in_colours(images: Tensor, style: Tensor) -> Tensor:
    """Pictures with a style's mean and deviation of colours at each pixel: (B, 3 C, H, W)."""
    mean, deviation = (m.to(images).expand_as(images) for m in moments(style))
    return torch.cat([images, mean, deviation], 1)


def style_distance(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Tensor:
    """Squared distance of means and deviations (B,), the mean over maps: Equation 13."""
    distances = []
    for x, y in zip(ours, theirs, strict=True):
        apart = [mean_square(a - b) for a, b in zip(moments(x), moments(y), strict=True)]
        distances.append(sum(apart) / mean_square(y))
    return torch.stack(distances).mean(0)


def mean_square(x: Tensor) -> Tensor:
    """(B, ...) -> (B,), never 0."""
    return x.float().square().flatten(1).mean(1).clamp_min(1e-8)
