"""The parts of the engine that `gan_lab.models.base.GAN` is made of."""
