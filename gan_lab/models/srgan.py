"""SRGAN: "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network"
(Ledig et al. 2017)."""

from torch import Tensor

from gan_lab.engine.enlarging import Enlarging
from gan_lab.losses.adversarial import NonSaturating
from gan_lab.losses.reconstruction import Content
from gan_lab.models.base import Batch, Game


class SRGAN(Enlarging, Game):
    """A picture near the truth first, then one that is also taken for a photograph.

    l = l_content + 10^-3 l_adversarial (Equation 3), after a stage of l_pixel alone (Section 3.2),
    whose outcome is SRResNet. The generator moves first, so that its outputs serve the
    discriminator's turn, too.

    Args:
        warmup_kimg: thousands of pictures of the first stage.
        pixel: the first stage's loss (paper: the squared error).
        content: the second's (paper: squared error of VGG-19's features).
        adversarial_weight: of l_adversarial (paper: 10^-3).
    """

    takes = ("low", "high")

    def __init__(
        self,
        *,
        warmup_kimg: float,
        pixel: Content,
        content: Content,
        adversarial_weight: float = 1e-3,
        **game,
    ) -> None:
        super().__init__(**game)
        self.warmup_kimg = warmup_kimg
        self.pixel, self.content = pixel, content
        self.adversarial_weight = adversarial_weight
        self.game = NonSaturating()

    @property
    def stage(self) -> int:
        """1 once the adversary plays: the first stage's outcome always is nearer to the truth."""
        return int(self.kimg_at(self.steps_done) > self.warmup_kimg)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        if self.kimg < self.warmup_kimg:
            self.descend("generator", self.warmup_loss, batch)
            return
        self.descend("generator", self.generator_loss, batch)
        batch = {**batch, "fake": self.kept("fake")}
        self.descend("discriminator", self.discriminator_loss, batch)

    def warmup_loss(self, batch: Batch) -> Tensor:
        return self.pixel(self.generator(batch["low"]), batch["high"]).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        fake = self.keep("fake", self.generator(batch["low"]))  # (B, C, H, W)
        content = self.content(fake, batch["high"]).mean()
        adversarial = self.game.generator(self.judge_fake(fake)).mean()  # -log D(G(low))
        self.report("loss/content", content)
        self.report("loss/adversarial", adversarial)
        return content + self.adversarial_weight * adversarial

    def discriminator_loss(self, batch: Batch) -> Tensor:
        return self.game.discriminator(*self.judge(batch["high"], batch["fake"])).mean()

    def on_fit_start(self) -> None:
        super().on_fit_start()
        self.pixel.prepare(self.device)
        self.content.prepare(self.device)
