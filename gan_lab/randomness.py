"""Keyed randomness: every random draw is a pure function of a few integers.

A training step, a minibatch, an evaluation and a picture each have their own key, so nothing has
to be saved to take a run up again, and nobody's draws disturb another's.
"""

import random

import numpy as np
import torch

# The first integer of a key names the kind of draw, so that equal counters never collide.
STEP, LATENT, ORDER, FLIP, SAMPLE, EVALUATION, GRID, POINTS, CROP = range(9)
DRAWING, POOL, CAPTION, DEGRADATION, SHARE, TRANSPOSE = range(9, 15)

MASK = (1 << 64) - 1


def key(*parts: int) -> int:
    """Hash integers to 63 bits with splitmix64 (Steele et al. 2014): the seed of one draw."""
    state = 0
    for part in parts:
        state = (state + part + 0x9E3779B97F4A7C15) & MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
        state ^= state >> 31
    return state >> 1


def generator(*parts: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator seeded with `key(*parts)`."""
    return torch.Generator(device=device).manual_seed(key(*parts))


def seed_all(device: torch.device, *parts: int) -> None:
    """Seed every default generator a training step may draw from.

    Not `torch.manual_seed`: it also queues seeds for absent devices and costs 0.7 ms a call.
    """
    seed = key(*parts)
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)
