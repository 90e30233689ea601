"""MuseGAN: "MuseGAN: Multi-track Sequential Generative Adversarial Networks for Symbolic Music
Generation and Accompaniment" (Dong et al. 2018), which trains by WGAN-GP (Gulrajani et al. 2017,
Algorithm 1), with the binary neurons of Dong and Yang 2018."""

from torch import Tensor

from gan_lab.models.base import Batch
from gan_lab.models.wgan_gp import WGANGP


class MuseGAN(WGANGP):
    """A critic of whole pieces, and a generator whose notes are there or not.

    The generator's last layer is binary already in training, so that the critic can't tell real
    from fake by values between the two; the penalty is taken between them all the same. All is
    trained at once, where Dong and Yang add a refiner in a second stage.
    """

    def generator_loss(self, batch: Batch) -> Tensor:
        fake = self.generator(self.latent(batch["image"]))
        self.report("notes/fake", (fake + 1) / 2)
        self.report("notes/real", (batch["image"] + 1) / 2)
        return self.game.generator(self.judge_fake(fake)).mean()
