"""Are they digits? A support-vector machine, trained on the real ones alone, reads the samples.

    python benchmarks/digits.py runs/.../digits-cgan-1 runs/.../digits-r3gan-1

Prints, for a conditional run, the share of 1,000 samples that are read as the digit asked for; for
any other run, each digit's share of 1,000 samples.
"""

import argparse

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC

import gan_lab


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", help="run folders, data=digits at 8x8")
    parser.add_argument("--num", type=int, default=1000)
    options = parser.parse_args()
    pixels, digit = load_digits(return_X_y=True)
    reader = SVC()
    accuracy = cross_val_score(reader, pixels, digit, cv=5).mean()
    print(f"the reader is right on {accuracy:.1%} of real digits (5-fold cross-validation)")
    reader.fit(pixels, digit)
    for run in options.runs:
        gan = gan_lab.load(run)
        asked = torch.arange(options.num) % 10 if gan.conditional else None
        samples = gan.sample(options.num, seed=0, label=asked)  # (N, 1, 8, 8) in [-1, 1]
        read = reader.predict(samples.add(1).mul(8).round().flatten(1).numpy())
        if gan.conditional:
            print(f"{run}: {(read == asked.numpy()).mean():.1%} are read as the digit asked for")
        else:
            shares = [f"{digit}: {(read == digit).mean():.1%}" for digit in range(10)]
            print(f"{run}: {', '.join(shares)}")


if __name__ == "__main__":
    main()
