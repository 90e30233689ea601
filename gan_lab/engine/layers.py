"""What the engine has to know of layers whose rows meet or whose buffers move in a forward pass.

Batch norm and spectral norm are known; a layer of our own says so itself, by attributes:

    rows_meet          True where rows of a minibatch see each other
    keeps_statistics   a switch: whether a forward pass in training moves its buffers
    statistics         names of those that follow the minibatch's mean
"""

import contextlib
from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrizations import _SpectralNorm


def rows_meet(network: nn.Module) -> bool:
    """Whether what a network makes of a row depends on the others of the minibatch."""
    return any(
        isinstance(layer, _BatchNorm) or getattr(layer, "rows_meet", False)
        for layer in network.modules()
    )


def statistics(network: nn.Module) -> list[Tensor]:
    """Buffers that follow the minibatch's mean: processes and accumulated parts average them."""
    found = []
    for layer in network.modules():
        if isinstance(layer, _BatchNorm) and layer.track_running_stats:
            found += [layer.running_mean, layer.running_var]
        elif hasattr(layer, "keeps_statistics"):
            found += [getattr(layer, name) for name in layer.statistics]
    return found


def switches(network: nn.Module) -> list[tuple[nn.Module, str]]:
    """Each layer whose forward pass changes it, and the attribute that says whether it may.

    Batch norm moves its running statistics and spectral norm its power iteration in every forward
    pass; a player that does not learn must not move.
    """
    found = []
    for layer in network.modules():
        if isinstance(layer, _BatchNorm) and layer.track_running_stats:
            found.append((layer, "track_running_stats"))
        elif isinstance(layer, _SpectralNorm):
            found.append((layer, "training"))
        elif hasattr(layer, "keeps_statistics"):
            found.append((layer, "keeps_statistics"))
    return found


def spectral_norms(network: nn.Module) -> list[nn.Module]:
    """Layers that take a power iteration in each forward pass."""
    return [layer for layer in network.modules() if isinstance(layer, _SpectralNorm)]


@contextlib.contextmanager
def in_eval(network: nn.Module) -> Iterator[nn.Module]:
    """The network in eval mode, and after that each layer as it was before."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield network
    finally:
        for module, training in modes:  # not network.train(): it would wake layers that rest
            module.training = training
