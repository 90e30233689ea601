"""ACGAN: "Conditional Image Synthesis with Auxiliary Classifier GANs" (Odena et al. 2017)."""

from torch import Tensor
from torch.nn.functional import cross_entropy

from gan_lab.losses.adversarial import NonSaturating
from gan_lab.models.base import GAN, Batch


class ACGAN(GAN):
    """The discriminator names a sample's source and its class, and both players want the class.

    The discriminator maximises L_S + L_C, the generator L_C - L_S (Equations 2 and 3), here with
    the non-saturating L_S. Real and fake pass separately: batch norm must not see their mixture.

    Args:
        class_weight: factor on L_C (paper: 1).
    """

    def __init__(self, *, class_weight: float = 1.0, **gan) -> None:
        super().__init__(**gan)
        self.class_weight = class_weight
        self.game = NonSaturating()
        if not self.conditional:
            raise ValueError("num_classes=null: model=acgan needs data with labels")

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.descend("discriminator", self.discriminator_loss, batch)
        self.descend("generator", self.generator_loss, batch)

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real, label = batch["image"], batch["label"]  # (B, C, H, W) in [-1, 1], (B,)
        fake = self.generator(self.latent(real), label)
        real_logits, real_class = self.discriminator.judge_and_name(self.augmented(real))
        fake_logits, fake_class = self.discriminator.judge_and_name(self.augmented(fake))
        self.observe(real_logits, fake_logits)
        source = self.game.discriminator(real_logits, fake_logits)  # -L_S
        naming = cross_entropy(real_class, label, reduction="none") + cross_entropy(
            fake_class, label, reduction="none"
        )  # -L_C
        self.report("loss/class", naming)
        return (source + self.class_weight * naming).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        label = batch["label"]
        fake = self.generator(self.latent(batch["image"]), label)
        logits, class_logits = self.discriminator.judge_and_name(self.augmented(fake))
        naming = cross_entropy(class_logits, label, reduction="none")  # (B,)
        return (self.game.generator(logits) + self.class_weight * naming).mean()
