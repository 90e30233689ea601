"""What a user can get wrong: one clear message, and an exit code that scripts can read."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class UserError(ValueError):
    """A mistake that the user can mend. The message names the option, its value and the remedy."""


def command(main: Callable[P, R]) -> Callable[P, R]:
    """Make an entry point print a `UserError` as one message and exit with code 2.

    Ctrl-C outside of training, where nothing is lost, exits with 130 and without a traceback.
    """

    @functools.wraps(main)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return main(*args, **kwargs)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)
        except KeyboardInterrupt:
            print("\ninterrupted", file=sys.stderr)
            sys.exit(130)

    return run
