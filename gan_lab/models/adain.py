"""AdaIN: "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization" (Huang &
Belongie 2017), with an adversarial loss of patches in place of a pretrained network's judgement."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample, l1_loss

from gan_lab.losses.adversarial import NonSaturating
from gan_lab.models.base import Batch, Translator
from gan_lab.networks.adain import adapt, moments

KEPT = 0.25  # share of the rows whose truth is the content as it is
SIZES, SHIFT = (0.7, 1.3), 0.15  # of a view: its side, and how far it may lie aside, in sides


class AdaIN(Translator):
    """A content's maps take over the mean and the deviation of a style's, channel by channel.

    The paper's: Equation 8 between encoder and decoder, and `strength` (Equation 14). Where a
    pretrained network is given, its losses, too: the moments of maps hold the style (Equation 13),
    a map adapted to the style's holds the content (Equation 12). Ours: the encoder learns as well.
    A content that is told a recoloured view of itself must come out recoloured, so right answers
    are known without pairs, and shapes have to stay. Whether an output is like the style at each
    place, and not in its moments alone, a discriminator of patches says, which is told the style.

    Args:
        style_weight: of the moments of pixels.
        content_weight: of recoloured contents.
        adversarial_weight: of the patches' game.
        features: reads a frozen network, pictures (B, 3, H, W) to maps, such as
            `gan_lab.networks.squeezenet.pretrained`; None does without the next three.
        texture_weight: lambda, of the moments of its maps (paper: 10).
        structure_weight: of the content's map, adapted (paper: 1).
        structure_map: which map that is (paper: one of 1/8 of the size).
    """

    takes = ("domain_a", "domain_b")
    source = "domain_a"
    style = "domain_b"

    def __init__(
        self,
        *,
        style_weight: float = 1.0,
        content_weight: float = 10.0,
        adversarial_weight: float = 1.0,
        features: Callable[[], nn.Module] | None = None,
        texture_weight: float = 10.0,
        structure_weight: float = 1.0,
        structure_map: int = 2,
        **game,
    ) -> None:
        super().__init__(**game)
        self.style_weight, self.content_weight = style_weight, content_weight
        self.adversarial_weight = adversarial_weight
        self.texture_weight, self.structure_weight = texture_weight, structure_weight
        self.structure_map = structure_map
        self.look = features and Looking(features)
        self.game = NonSaturating()

    def on_fit_start(self) -> None:
        super().on_fit_start()
        if self.look:
            self.look.prepare(self.device)  # a missing file of weights stops here

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("generator", self.generator_loss, batch)
        batch = {**batch, "fake": self.kept("fake"), "told": self.kept("told")}
        self.descend("discriminator", self.discriminator_loss, batch)

    def generator_loss(self, batch: Batch) -> Tensor:
        content, style = batch["domain_a"], batch["domain_b"]  # (B, C, H, W) in [-1, 1]
        truth = self.recoloured(content, style)
        told, told_truth = self.keep("told", self.viewed(style)), self.viewed(truth)
        maps = [m.chunk(3) for m in self.generator.encode(torch.cat([content, told, told_truth]))]
        adapted = [adapt(torch.cat([c, c]), torch.cat([s, t])) for c, s, t in maps]
        fake, found = self.generator.decode(adapted).chunk(2)
        self.keep("fake", fake)
        adversarial = self.game.generator(self.judge_fake(torch.cat([fake, told], 1)))
        content_loss = l1_loss(found, truth)
        style_loss = style_distance(fake, style).mean()
        self.report("loss/content", content_loss)
        self.report("loss/style", style_loss)
        loss = (
            self.content_weight * content_loss
            + self.style_weight * style_loss
            + self.adversarial_weight * adversarial.mean()
        )
        return loss + self.seen_loss(fake, content, style) if self.look else loss

    def seen_loss(self, fake: Tensor, content: Tensor, style: Tensor) -> Tensor:
        """Equations 12 and 13 through `features`, of each map relative to the style's mean square:
        maps differ in size by hundreds."""
        fakes, contents, styles = (self.look(x) for x in (fake, content, style))
        sizes = [m.float().square().mean((1, 2, 3)) for m in styles]
        pairs = zip(fakes, styles, sizes, strict=True)
        textures = torch.stack([style_distance(f, s) / size for f, s, size in pairs])
        at = self.structure_map
        wanted = adapt(contents[at], styles[at])
        structure = ((fakes[at] - wanted).square().mean((1, 2, 3)) / sizes[at]).mean()
        self.report("loss/texture", textures.mean())
        self.report("loss/structure", structure)
        return self.texture_weight * textures.mean() + self.structure_weight * structure

    def discriminator_loss(self, batch: Batch) -> Tensor:
        told = batch["told"]
        real, fake = (torch.cat([x, told], 1) for x in (batch["domain_b"], batch["fake"]))
        return self.game.discriminator(*self.judge(real, fake)).mean()

    def recoloured(self, content: Tensor, style: Tensor) -> Tensor:
        """Contents in mixtures of their channels, with the moments of a style's colours.

        The mixture may turn light into dark, so that no channel says which colour is wanted. Some
        contents stay as they are: what `strength` 0 asks for.
        """
        C = content.shape[1]
        mixed = torch.einsum("bdc,bchw->bdhw", self.normal(content, C, C), content)
        keeps = self.uniform(content) < KEPT
        return torch.where(keeps, content, adapt(mixed, style).clamp(-1, 1))

    def viewed(self, images: Tensor) -> Tensor:
        """Pictures from nearer, farther or aside, mirrored at their rim.

        Colours stay, the share of the picture that each fills changes: an output whose colours have
        the moments of the view is not the right one.
        """
        size, x, y = self.uniform(images, 3).unbind(1)
        smallest, largest = SIZES
        zero, size = torch.zeros_like(size), smallest + (largest - smallest) * size
        x, y = (2 * SHIFT * (2 * u - 1) for u in (x, y))  # borders lie at -1 and 1
        matrix = torch.stack([size, zero, x, zero, size, y], 1).view(-1, 2, 3)
        grid = affine_grid(matrix, list(images.shape), align_corners=False)
        return grid_sample(images, grid, padding_mode="reflection", align_corners=False)

    def answer(self, network: nn.Module, batch: Batch, seed: int = 0) -> Tensor:
        return network(batch["domain_a"], batch["domain_b"])

    def show(self, batch: Batch) -> dict[str, Tensor]:
        content, style = batch["domain_a"], batch["domain_b"]
        return {"content": content, "style": style, "output": self.generate(batch)}


def style_distance(ours: Tensor, theirs: Tensor) -> Tensor:
    """Mean squared distance of a map's means and deviations, (B,): Equation 13, over channels."""
    errors = [a - b for a, b in zip(moments(ours), moments(theirs), strict=True)]
    return sum(error.square().flatten(1).mean(1) for error in errors)


class Looking:
    """A frozen network in float32, which is read when training begins: samples need none.

    No module: the network's weights are no state of the game's.
    """

    def __init__(self, make: Callable[[], nn.Module]) -> None:
        self.make = make

    def prepare(self, device: torch.device) -> None:
        self.network = self.make().to(device)

    def __call__(self, images: Tensor) -> Sequence[Tensor]:
        with torch.autocast(images.device.type, enabled=False):
            return self.network(images.float())
