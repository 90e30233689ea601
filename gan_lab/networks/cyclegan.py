"""CycleGAN's players: "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks" (Zhu et al. 2017), Section 7.2, after Johnson et al. 2016."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import relu

from gan_lab.networks.pix2pix import PatchDiscriminator, start_small


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, added to what they see."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class ResnetGenerator(nn.Module):
    """Pictures (B, C, H, W) to pictures (B, *shape) in [-1, 1]: c7s1-64, d128, d256, R256 x n,
    u128, u64, c7s1-3. It takes other sizes than it was trained on, if they are multiples of 4.

    Args:
        source_shape: (C, H, W) of the inputs.
        shape: (C, H, W) of the outputs.
        width: channels after the first layer (paper: 64).
        num_blocks: residual blocks (paper: 6 for 128 px, 9 from 256 px on).
    """

    def __init__(
        self,
        source_shape: Sequence[int],
        shape: Sequence[int],
        width: int = 64,
        num_blocks: int = 9,
    ) -> None:
        super().__init__()
        if any(side % 4 or side < 16 for side in shape[1:]):
            raise ValueError(
                f"shape={list(shape)}: sides must be multiples of 4, 16 at least; choose another"
                " data.resolution"
            )
        self.source_shape, self.shape = tuple(source_shape), tuple(shape)
        self.multiple = 4  # of the sides that it takes
        norm = nn.InstanceNorm2d
        self.stem = nn.Conv2d(source_shape[0], width, 7, padding=3, padding_mode="reflect")
        self.down = nn.ModuleList(
            nn.Conv2d(n * width, 2 * n * width, 3, stride=2, padding=1) for n in (1, 2)
        )
        self.norms = nn.ModuleList(norm(n * width) for n in (1, 2, 4))
        self.blocks = nn.ModuleList(ResidualBlock(4 * width) for _ in range(num_blocks))
        layers: list[nn.Module] = []
        for n in (4, 2):
            up = nn.ConvTranspose2d(n * width, n * width // 2, 3, 2, padding=1, output_padding=1)
            layers += [up, norm(n * width // 2), nn.ReLU()]
        last = nn.Conv2d(width, shape[0], 7, padding=3, padding_mode="reflect")
        self.up = nn.Sequential(*layers, last)
        start_small(self)

    def encode(self, source: Tensor) -> list[Tensor]:
        """Every map from the picture to the last residual block, the picture itself first."""
        maps = [source]
        for layer, norm in zip([self.stem, *self.down], self.norms, strict=True):
            maps.append(relu(norm(layer(maps[-1]))))
        for block in self.blocks:
            maps.append(block(maps[-1]))
        return maps

    def decode(self, x: Tensor) -> Tensor:
        """The last map to a picture."""
        return self.up(x).float().tanh()

    def forward(self, source: Tensor) -> Tensor:
        return self.decode(self.encode(source)[-1])


class CycleGenerator(nn.Module):
    """The two mappings F and G: `a_to_b` and `b_to_a`. Called, it maps A to B.

    Args:
        source_shape, shape: (C, H, W) of the pictures of A and of B.
        width, num_blocks: of each mapping, see `ResnetGenerator`.
    """

    def __init__(
        self,
        source_shape: Sequence[int],
        shape: Sequence[int],
        width: int = 64,
        num_blocks: int = 9,
    ) -> None:
        super().__init__()
        self.source_shape, self.shape = tuple(source_shape), tuple(shape)
        self.a_to_b = ResnetGenerator(source_shape, shape, width, num_blocks)
        self.multiple = self.a_to_b.multiple
        self.b_to_a = ResnetGenerator(shape, source_shape, width, num_blocks)

    def forward(self, domain_a: Tensor) -> Tensor:
        return self.a_to_b(domain_a)


class CycleDiscriminator(nn.Module):
    """A discriminator of patches for each domain: `a` and `b`.

    Args:
        source_shape, shape: (C, H, W) of the pictures of A and of B.
        width, halvings: of each, see `PatchDiscriminator`.
    """

    def __init__(
        self, source_shape: Sequence[int], shape: Sequence[int], width: int = 64, halvings: int = 3
    ) -> None:
        super().__init__()
        self.a = PatchDiscriminator(source_shape[0], width, halvings)
        self.b = PatchDiscriminator(shape[0], width, halvings)
