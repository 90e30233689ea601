"""Captions as numbers: the bytes of a text, so that every text has its numbers and any run knows
them without a vocabulary of its own."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gan_lab.errors import UserError

NUM_TOKENS = 257  # 0 pads; byte b of the text in UTF-8 is b + 1
SHOWN = 80  # letters of a caption in a message


def to_tokens(captions: Sequence[str], max_tokens: int, option: str = "caption") -> Tensor:
    """Texts to (B, L) int64 with L = `max_tokens`, padded with 0; white space is made plain.

    Args:
        captions: B texts.
        max_tokens: L, the most bytes that one may have.
        option: named where one is empty or too long.
    """
    tokens = np.zeros((len(captions), max_tokens), np.int64)
    for row, caption in enumerate(captions):
        content = plain(caption).encode()
        if not content:
            raise UserError(f"{option}={caption!r}: there is no text in it; say what to draw")
        if len(content) > max_tokens:
            raise UserError(
                f"{option}={beginning(caption)!r} has {len(content)} bytes, and the encoder of"
                f" captions takes {max_tokens}: shorten it, or train with"
                f" data.max_tokens={len(content)}"
            )
        tokens[row, : len(content)] = np.frombuffer(content, np.uint8)
        tokens[row, : len(content)] += 1
    return torch.from_numpy(tokens)


def to_texts(tokens: Tensor) -> list[str]:
    """(B, L) back to B texts."""
    return [bytes(b - 1 for b in row if b > 0).decode(errors="replace") for row in tokens.tolist()]


def beginning(caption: str) -> str:
    """What of a caption a message shows."""
    return caption if len(caption) <= SHOWN else caption[:SHOWN] + "..."


def plain(caption: str) -> str:
    """One blank between words, none around them."""
    return " ".join(caption.split())
