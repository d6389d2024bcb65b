"""A classification network's features: what its last layer is given."""

import torch
from torch import nn

from data.backbones.backbone import Output


def last_layer(network: nn.Module) -> tuple[str, nn.Module]:
    """The layer that makes the logits: the last linear one or convolution, and its name.

    Raises:
        LookupError: if there is none.
    """
    layers = [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d | nn.Conv3d)
    ]
    if not layers:
        raise LookupError("it has no linear layer")
    return layers[-1]


class Tapped:
    """A network that also tells what its last layer was given.

    Args:
        network: Maps [B, ...] to logits [B, C'].
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network.eval()
        self._given: torch.Tensor | None = None
        _, layer = last_layer(network)
        layer.register_forward_pre_hook(self._keep)

    def _keep(self, layer: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        self._given = given[0]

    def __call__(self, inputs: torch.Tensor) -> Output:
        """Features [B, D] and logits [B, C']; the mean over places where a convolution is last."""
        logits = self.network(inputs)
        features = self._given
        self._given = None
        assert features is not None
        if features.ndim > 2:
            features = features.flatten(2).mean(dim=2)
        return Output(features, logits)
