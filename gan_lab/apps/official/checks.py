"""What keeps an official network from being one of ours. Nothing that a file says is trusted: its
numbers decide how much is built, and its names end up in messages."""

from gan_lab.errors import UserError

LARGEST = 65_536  # of any number that sizes a network


class Unlike(UserError):
    """The network has a part that ours lacks; the message names it."""


def require(what: str, found: object, *expected: object) -> None:
    """Refuse a network whose `what` is none of the `expected` values."""
    if found not in expected:
        values = " or ".join(map(shown, expected))
        raise Unlike(f"its {what} is {shown(found)}, where gan_lab's network has {values}")


def require_number(what: str, found: object, most: float = LARGEST) -> None:
    """Refuse a network whose `what` is not a number of reasonable size."""
    if not isinstance(found, int | float) or not abs(found) <= most:
        raise Unlike(f"its {what} is {shown(found)}, where a number up to {most:g} belongs")


def shown(value: object) -> str:
    """A value of the file's in a message: short, and without control characters."""
    if isinstance(value, list) and all(isinstance(item, int) for item in value):
        value = str(value[:20])
    if not isinstance(value, str | int | float | None):
        return f"a {type(value).__name__}"
    return ascii(str(value)[:80])[1:-1][:80]
