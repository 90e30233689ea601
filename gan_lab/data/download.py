"""Standard sets by torchvision's downloads, with one clear message where a download fails."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

from gan_lab.errors import UserError


def download(name: str, root: Path, fetch: Callable[[str], object], by_hand: str) -> object:
    """Fetch a set, or say what was tried and where its files can be put by hand.

    Args:
        name: the set.
        root: torchvision's folder.
        fetch: root -> the downloaded set.
        by_hand: which files to put where.
    """
    chatter = io.StringIO()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with contextlib.redirect_stdout(chatter):
            return fetch(str(root))
    except Exception as error:  # network, quota page, checksum, disk: whatever torchvision raises
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise UserError(
            f"data={name}: no files in {root}, and torchvision's download failed ({reason}). "
            f"Put {by_hand} by hand, or name a folder that has the files by data.root="
        ) from error
