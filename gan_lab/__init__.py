"""gan_lab: generative adversarial networks that train fast, resume exactly and measure honestly."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gan_lab.runs import load

__version__ = "0.1.0"
__all__ = ["load"]


def __getattr__(name: str) -> object:
    # torch takes seconds to import; a command line that only asks for help should not wait.
    if name == "load":
        from gan_lab.runs import load

        return load
    raise AttributeError(f"module 'gan_lab' has no attribute '{name}'")
