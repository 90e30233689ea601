"""What every differentiable augmentation keeps; the base class itself leaves pictures alone."""

from torch import Tensor, nn

from gan_lab.errors import UserError


class Augmentation(nn.Module):
    """Changes what the discriminator sees, of real and of fake samples alike.

    A model applies it to everything that its discriminator judges. It draws nothing itself: the
    engine hands it its random numbers, so that a row's augmentation depends neither on the number
    of processes nor on accumulation. State that it learns lives in buffers, saved and resumed.

    Attributes:
        num_draws: uniform random numbers that it needs for each picture.
    """

    num_draws = 0

    def forward(self, images: Tensor, draws: Tensor) -> Tensor:
        """Augmented pictures.

        Args:
            images: (B, C, H, W) in [-1, 1].
            draws: (B, num_draws) in [0, 1).

        Returns:
            (B, C, H, W), differentiable twice with respect to `images`.
        """
        return images

    def observe(self, real_logits: Tensor) -> None:
        """Take note of the discriminator's logits (B,) of augmented real samples."""

    def adapt(self, num_images: int) -> None:
        """Between two training steps of `num_images` reals each, over all processes.

        Every process calls it. State that it changes is the same on all of them.
        """

    def reports(self) -> dict[str, Tensor]:
        """Numbers for the loggers, as `augment/<name>`."""
        return {}


def refuse_points(images: Tensor) -> None:
    """Refuse what is no picture (B, C, H, W)."""
    if images.ndim != 4:
        raise UserError(
            f"augment: samples of shape {tuple(images.shape[1:])} are points, not pictures; choose"
            " augment=none"
        )
