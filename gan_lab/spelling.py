"""What a misspelt word was meant to be."""

from collections.abc import Iterable
from difflib import SequenceMatcher


def nearest(word: str, words: Iterable[str], num: int = 3) -> list[str]:
    """The entries of `words` that `word` was probably meant to be, best first; maybe none.

    Dotted keys are also compared by their last part: `lr` is near `model.optimizers.generator.lr`.
    """
    scored = sorted(((_likeness(word, other), other) for other in words), key=lambda s: -s[0])
    best = scored[0][0] if scored else 0.0
    return [other for score, other in scored[:num] if score >= max(0.6, best - 0.05)]


def suggestion(word: str, words: Iterable[str]) -> str:
    """` Did you mean ...?`, or what there is to choose from, or nothing."""
    words = sorted(set(words))
    if near := nearest(word, words):
        return f" Did you mean {' or '.join(f'`{other}`' for other in near)}?"
    return f" There is {', '.join(words)}." if 0 < len(words) <= 20 else ""


def _likeness(word: str, other: str) -> float:
    whole = SequenceMatcher(None, word.lower(), other.lower()).ratio()
    leaf = SequenceMatcher(
        None, word.lower().rpartition(".")[2], other.lower().rpartition(".")[2]
    ).ratio()
    return max(whole, 0.9 * leaf)
