"""ESRGAN: "Enhanced Super-Resolution Generative Adversarial Networks" (Wang et al. 2018)."""

from torch import Tensor

from gan_lab.losses.adversarial import RelativisticAverage
from gan_lab.losses.reconstruction import Content
from gan_lab.models.base import Batch
from gan_lab.models.srgan import SRGAN
from gan_lab.strategy import mean_of_all


class ESRGAN(SRGAN):
    """Each picture is judged against the average of the other side.

    L_G = L_percep + lambda L_G^Ra + eta L_1 (Equation 3), after a stage of L_1 alone. Averages are
    over the pictures of all processes; a minibatch that is accumulated in parts averages over each
    part instead.

    Args:
        warmup_kimg: thousands of pictures of the first stage.
        pixel: its loss, which goes on with a weight (L_1).
        pixel_weight: eta (paper: 10^-2).
        content: L_percep (paper: features of VGG-19 before activation).
        adversarial_weight: lambda (paper: 5 10^-3).
    """

    def __init__(
        self,
        *,
        warmup_kimg: float,
        pixel: Content,
        content: Content,
        pixel_weight: float = 1e-2,
        adversarial_weight: float = 5e-3,
        **game,
    ) -> None:
        super().__init__(
            warmup_kimg=warmup_kimg,
            pixel=pixel,
            content=content,
            adversarial_weight=adversarial_weight,
            **game,
        )
        self.pixel_weight = pixel_weight
        self.game = RelativisticAverage(mean_of_all)

    def generator_loss(self, batch: Batch) -> Tensor:
        real = batch["high"]  # (B, C, H, W)
        fake = self.keep("fake", self.generator(batch["low"]))
        content = self.content(fake, real).mean()
        pixel = self.pixel(fake, real).mean()
        adversarial = self.game.generator(*self.judge(real, fake)).mean()
        self.report("loss/content", content)
        self.report("loss/adversarial", adversarial)
        return content + self.adversarial_weight * adversarial + self.pixel_weight * pixel
