"""What reads captions, and pictures beside them: sentence vectors, and picture vectors alike.

An encoder of captions carries `dim`, `max_tokens`, and maps tokens (B, L) of `gan_lab.captions` to
sentences (B, D) whose numbers have a mean square of 1.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad

from gan_lab.networks.sizes import halvings

# Tokens: a letter's byte and one. Small letters come 32 after capitals.
BLANK, CAPITALS = ord(" ") + 1, (ord("A") + 1, ord("Z") + 1)
LONGEST_RUN = 3


def unit_square(x: Tensor) -> Tensor:
    """Vectors (B, D) scaled to a mean square of 1."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class WordEncoder(nn.Module):
    """Captions (B, L) to sentences (B, D), word by word, without a list of words.

    A word is the sum of learnt vectors of its runs of one to three letters, found by hashing
    ("Enriching Word Vectors with Subword Information", Bojanowski et al. 2017), so that a word
    never seen has a meaning by its parts; capitals are read as small letters. A recurrent network
    reads the words, and its state after the last one is the sentence. What pads a caption changes
    nothing.

    Args:
        max_tokens: L at most.
        dim: D.
        width: numbers of a word, and of the recurrent network's state.
        num_runs: learnt vectors that the runs of letters share.
    """

    def __init__(
        self, max_tokens: int, dim: int = 128, width: int = 96, num_runs: int = 4096
    ) -> None:
        super().__init__()
        self.max_tokens, self.dim, self.num_runs = max_tokens, dim, num_runs
        self.runs = nn.Embedding(num_runs, width)
        self.recurrent = nn.GRU(width, width, batch_first=True)
        self.end = nn.Linear(width, dim)

    def forward(self, caption: Tensor) -> Tensor:
        words, count = self.words(caption)
        states, _ = self.recurrent(words)
        last = states[torch.arange(len(states), device=states.device), count - 1]
        return unit_square(self.end(last).float())

    def words(self, caption: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors of the words (B, W, D), and how many there are of each row (B,)."""
        letters = caption + 32 * ((caption >= CAPITALS[0]) & (caption <= CAPITALS[1]))
        inside = (letters > 0) & (letters != BLANK)
        begins = inside & ~pad(inside, (1, 0))[:, :-1]
        number = (begins.cumsum(1) - 1).clamp(min=0)  # of the word that a letter belongs to
        count = begins.sum(1).clamp(min=1)
        letters = letters * inside
        runs = letters
        sums = self.runs.weight.new_zeros(len(caption), int(count.max()), self.runs.embedding_dim)
        lengths = sums[..., :1].clone()
        for length in range(1, LONGEST_RUN + 1):
            if length > 1:  # a run ends with this letter, and begins within the same word
                earlier = pad(letters, (length - 1, 0))[:, : letters.shape[1]]
                inside = inside & (earlier > 0)
                runs = runs + earlier * 1_000_003 ** (length - 1)
            vectors = self.runs((runs * 2_654_435_761 >> 15) % self.num_runs) * inside[..., None]
            sums = sums.scatter_add(1, number[..., None].expand_as(vectors), vectors)
            lengths = lengths.scatter_add(1, number[..., None], inside[..., None].to(lengths))
        return sums / lengths.clamp(min=1).sqrt(), count


class PictureEncoder(nn.Module):
    """Pictures (B, C, H, W) to vectors (B, D) that a sentence's is compared with.

    Args:
        shape: (C, H, W).
        dim: D.
        width: channels after the first layer, doubled at each smaller size, at most fourfold.
    """

    def __init__(self, shape: Sequence[int], dim: int = 128, width: int = 32) -> None:
        super().__init__()
        levels, h, w = halvings(*shape[1:])
        widths = [shape[0], *(width * min(2**level, 4) for level in range(levels))]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)
            for inputs, outputs in zip(widths, widths[1:])
        )
        self.end = nn.Linear(widths[-1] * h * w, dim)

    def forward(self, images: Tensor) -> Tensor:
        x = images
        for convolution in self.convolutions:
            x = leaky_relu(convolution(x), 0.2)
        return unit_square(self.end(x.flatten(1)).float())
