"""Backbone: the common interface of all frozen networks, and how they run."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from frame_select_env.errors import FrameSelectError


class Output(NamedTuple):
    """The output for B clips; the view axis V exists only if views are requested."""

    features: torch.Tensor  # [B, (V,) D] float
    logits: torch.Tensor | None  # [B, (V,) C'] float, of its own classifier; None if it has none


@dataclass(frozen=True)
class Backbone:
    """A frozen network over clips: n frames around each sampled time."""

    forward: Callable[[torch.Tensor], Output]  # of clips [B, n, h, w, 3] uint8 RGB on any device
    side: int  # pixels of the shorter side that `forward` expects; it scales other frames
    frames: int = 1  # n
    fps: float = 0.0  # frames per second of a clip; 0: consecutive frames of the video
    # C', outputs of its own classifier; 0: no classifier, or one with classes other than the user's
    # (as with published weights).
    classes: int = 0
    scores: bool = True  # whether it has logits, of whatever classes, by design or from its weights
    digest: str = ""  # of its weights, see `weights_digest`; "" of a function, which shows none


@dataclass(frozen=True)
class Runtime:
    """Settings shared by all backbones of an extraction."""

    device: str = "cpu"  # "cuda", "cuda:1", ...: on a GPU networks run in half precision
    views: int = 1  # or 10
    seed: int = 0  # of random weights

    @property
    def half(self) -> bool:
        """Whether networks run in half precision."""
        return torch.device(self.device).type == "cuda"

    def check(self) -> None:
        """Check that the device exists."""
        try:
            torch.zeros(1, device=self.device).cpu()
        except (RuntimeError, AssertionError, ImportError) as error:
            reason = str(error).splitlines()[0].split(". ")[0]
            raise FrameSelectError(f"--device {self.device}: {reason}") from None

    def network(self, build: Callable[[], nn.Module]) -> nn.Module:
        """Build a frozen network; its random weights depend on the seed."""
        with torch.random.fork_rng(devices=[]):
            # Networks are built on the CPU; torch.manual_seed would also seed the GPUs.
            torch.default_generator.manual_seed(self.seed)
            return build().requires_grad_(False).eval()

    def inputs(self, clips: torch.Tensor) -> torch.Tensor:
        """Clips [B, n, h, w, 3] uint8 as [B, n, 3, h, w] float in 0 to 1, on the device."""
        return clips.to(self.device).movedim(-1, -3).float() / 255

    def autocast(self) -> torch.autocast:
        """The context networks run in."""
        return torch.autocast(torch.device(self.device).type, torch.float16, enabled=self.half)


class Tapped:
    """A classification network, called by `run`, that also returns its last layer's input."""

    def __init__(self, network: nn.Module, run: Callable[..., torch.Tensor] | None = None) -> None:
        self.network = network.eval()
        self._run = run or network
        self._input: torch.Tensor | None = None
        _, layer = last_layer(network)
        layer.register_forward_pre_hook(self._keep)

    def _keep(self, layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        self._input = inputs[0]

    def __call__(self, inputs: torch.Tensor) -> Output:
        """Features [B, D] and logits [B, C']; the spatial mean if the last layer convolves."""
        logits = self._run(inputs)
        features = self._input
        self._input = None
        assert features is not None
        if features.ndim > 2:
            features = features.flatten(2).mean(dim=2)
        return Output(features, logits)


def weights_digest(*networks: nn.Module) -> str:
    """A hexadecimal digest of the names and values of networks' weights, on whatever device."""
    digest = hashlib.blake2b(digest_size=16)
    for network in networks:
        for name, tensor in sorted(network.state_dict().items()):
            values = tensor.detach().cpu().contiguous()
            digest.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
            digest.update(values.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def last_layer(network: nn.Module) -> tuple[str, nn.Module]:
    """The name and the layer that computes the logits: the last linear or convolutional one."""
    layers = [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d | nn.Conv3d)
    ]
    if not layers:
        raise LookupError("it has no linear layer")
    return layers[-1]


def first_line(error: Exception) -> str:
    """What an error of another library says, for a message of one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
