"""CUT's generator and heads: "Contrastive Learning for Unpaired Image-to-Image Translation" (Park
et al. 2020), Section 3.1: what of a generator's maps is compared, and by which vectors."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import normalize

from gan_lab.networks.cyclegan import ResnetGenerator
from gan_lab.networks.pix2pix import start_small
from gan_lab.ops.resample import downsample, fir, upsample


class Halve(nn.Module):
    """A 3x3 convolution, then every second pixel of the blurred map."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")
        self.register_buffer("filter", fir([1, 3, 3, 1]), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return downsample(self.convolution(x), self.filter)


class Double(nn.Module):
    """Pixels put between by a blur, then a 3x3 convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")
        self.register_buffer("filter", fir([1, 3, 3, 1]), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.convolution(upsample(x, self.filter))


class SmoothGenerator(ResnetGenerator):
    """CycleGAN's generator of one direction with blurred halving and doubling, as the authors' code
    has it: no pattern of the stride shows in flat regions.

    Args:
        source_shape, shape, width, num_blocks: see `ResnetGenerator`.
    """

    def __init__(
        self,
        source_shape: Sequence[int],
        shape: Sequence[int],
        width: int = 64,
        num_blocks: int = 9,
    ) -> None:
        super().__init__(source_shape, shape, width, num_blocks)
        self.down = nn.ModuleList(Halve(n * width, 2 * n * width) for n in (1, 2))
        self.up[0], self.up[3] = (Double(n * width, n * width // 2) for n in (4, 2))
        start_small(self)


class PatchHeads(nn.Module):
    """Vectors of unit length for places of a generator's maps: H_l, a two-layer perceptron each.

    Looked at are the picture itself, the maps after each halving, and after the first and the
    middle residual block (paper: five layers).

    Args:
        source_shape: (C, H, W) of the pictures.
        width, num_blocks: of the generator, see `ResnetGenerator`.
        dim: of the vectors (paper: 256).
    """

    def __init__(
        self, source_shape: Sequence[int], width: int = 64, num_blocks: int = 9, dim: int = 256
    ) -> None:
        super().__init__()
        # Of `ResnetGenerator.encode`: 0 is the picture, 1 the stem, 2 and 3 halvings, then blocks.
        self.layers = (0, 2, 3, 4, 4 + num_blocks // 2)
        channels = (source_shape[0], 2 * width, 4 * width, 4 * width, 4 * width)
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(inputs, dim), nn.ReLU(), nn.Linear(dim, dim))
            for inputs in channels
        )
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)

    def forward(self, maps: Sequence[Tensor], places: Tensor) -> list[Tensor]:
        """Vectors (B, P, dim) of each layer that is looked at.

        Args:
            maps: what `ResnetGenerator.encode` gives.
            places: (B, P) in [0, 1), a place for each vector, counted along the rows of a map.
        """
        vectors = []
        for layer, head in zip(self.layers, self.heads, strict=True):
            values = maps[layer].flatten(2)  # (B, C, H W)
            index = (places * values.shape[2]).long()[:, None].expand(-1, values.shape[1], -1)
            vectors.append(normalize(head(values.gather(2, index).transpose(1, 2)).float(), dim=2))
        return vectors
