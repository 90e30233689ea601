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

    The paper's losses look through a pretrained network. Here the encoder learns as well: pictures
    in their own style must come back as they are, and so must a content that was given another
    style and then its own again. The style is held by the moments of colours (Equation 13 on
    pixels, and on the maps of `features`, if there are any) and by a discriminator of patches that
    is told them: does this patch come from a picture in such colours?

    Args:
        style_weight: lambda, of the moments.
        content_weight: of coming back.
        adversarial_weight: of the patches' game.
        features: pictures (B, 3, H, W) to maps whose moments are held, too, such as
            `gan_lab.networks.squeezenet.pretrained`.
    """

    takes = ("domain_a", "domain_b")
    source = "domain_a"
    style = "domain_b"

    def __init__(
        self,
        *,
        style_weight: float = 10.0,
        content_weight: float = 10.0,
        adversarial_weight: float = 1.0,
        features: nn.Module | None = None,
        **game,
    ) -> None:
        super().__init__(**game)
        self.style_weight, self.content_weight = style_weight, content_weight
        self.adversarial_weight = adversarial_weight
        self.look = Looking(features)
        self.game = NonSaturating()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("generator", self.generator_loss, batch)
        batch = {**batch, "fake": self.kept("fake")}
        self.descend("discriminator", self.discriminator_loss, batch)

    def generator_loss(self, batch: Batch) -> Tensor:
        G = self.generator
        content, style = batch["domain_a"], batch["domain_b"]  # (B, C, H, W) in [-1, 1]
        both = torch.cat([content, style])
        c, s = G.encode(both)[-1].chunk(2)
        fake, *own = G.decode(torch.cat([adapt(c, s), c, s])).chunk(3)
        self.keep("fake", fake)
        back = G.decode(adapt(G.encode(fake)[-1], c))
        adversarial = self.game.generator(self.judge_fake(in_colours(fake, style)))
        coming_back = l1_loss(torch.cat(own), both) + l1_loss(back, content)
        style_loss = style_distance(self.look(fake), self.look(style)).mean()
        self.report("loss/content", coming_back)
        self.report("loss/style", style_loss)
        return (
            self.content_weight * coming_back
            + self.style_weight * style_loss
            + self.adversarial_weight * adversarial.mean()
        )

    def discriminator_loss(self, batch: Batch) -> Tensor:
        style = batch["domain_b"]
        real, fake = in_colours(style, style), in_colours(batch["fake"], style)
        return self.game.discriminator(*self.judge(real, fake)).mean()

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
    """Squared distance of means and deviations (B,), summed over maps: Equation 13."""
    total = ours[0].new_zeros(len(ours[0]))
    for x, y in zip(ours, theirs, strict=True):
        for a, b in zip(moments(x), moments(y), strict=True):
            total = total + (a - b).square().flatten(1).mean(1)
    return total


class Looking:
    """Pictures to what their style is compared by: themselves, and a frozen network's maps.

    No module: the network's weights are no state of the game's.
    """

    def __init__(self, network: nn.Module | None) -> None:
        self.network = network

    def __call__(self, images: Tensor) -> list[Tensor]:
        if self.network is None:
            return [images]
        return [images, *self.network.to(images.device)(images)]
