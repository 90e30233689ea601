"""Seconds and peak memory of a Frechet distance at FID's size.

    python benchmarks/frechet.py [--num 10000] [--dim 2048] [--repeat 3]

Features are random with a covariance that decays as Inception's does. The peak counts the whole
process: Python, torch and both sets of features included.
"""

import argparse
import resource
import time

import torch

from gan_lab.metrics.frechet import Moments, frechet_distance


def features(num: int, dim: int, seed: int) -> torch.Tensor:
    """(num, dim) float32, nonnegative, correlated."""
    draw = torch.Generator().manual_seed(seed)
    mix = torch.randn(dim, dim, generator=draw) * torch.linspace(0, -4, dim).exp()[:, None]
    values = torch.empty(num, dim)
    for part in values.split(1000):
        torch.mm(torch.randn(len(part), dim, generator=draw), mix / dim**0.5, out=part)
    return values.relu_()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num", type=int, default=10_000)
    parser.add_argument("--dim", type=int, default=2048)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    real, fake = (features(options.num, options.dim, seed) for seed in (0, 1))
    start_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{options.num} against {options.num} features of {options.dim} dimensions")
    print(f"{'moments s':>10} {'distance s':>10} {'total s':>8} {'FD':>9}")
    for _ in range(options.repeat):
        start = time.perf_counter()
        first, second = Moments().update(real), Moments().update(fake)
        middle = time.perf_counter()
        value = frechet_distance(first.mean, first.covariance, second.mean, second.covariance)
        end = time.perf_counter()
        print(f"{middle - start:10.2f} {end - middle:10.2f} {end - start:8.2f} {value:9.4f}")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak_mb:.0f} MB, of which {start_mb:.0f} MB before the first distance")


if __name__ == "__main__":
    main()
