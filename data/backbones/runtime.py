"""How backbones are run: where, how precisely, and over how many views."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from frame_select_env.errors import FrameSelectError


@dataclass(frozen=True)
class Runtime:
    """Settings that all backbones of an extraction share.

    Attributes:
        device: "cpu", "cuda", "cuda:1", ...; on a GPU networks run in half precision.
        views: 1 or 10.
        seed: Draws random weights.
    """

    device: str = "cpu"
    views: int = 1
    seed: int = 0

    @property
    def half(self) -> bool:
        """Whether networks run in half precision."""
        return torch.device(self.device).type == "cuda"

    def check(self) -> None:
        """See that the device is there.

        Raises:
            FrameSelectError: if it is unknown or absent.
        """
        try:
            torch.zeros(1, device=self.device).cpu()
        except (RuntimeError, AssertionError, ImportError) as error:
            reason = str(error).splitlines()[0].split(". ")[0]
            raise FrameSelectError(f"--device {self.device}: {reason}") from None

    def network(self, build: Callable[[], nn.Module]) -> nn.Module:
        """Build a network whose random weights the seed draws, frozen."""
        with torch.random.fork_rng(devices=[]):
            # Of the CPU alone, where networks are built: torch.manual_seed seeds the GPUs' too.
            torch.default_generator.manual_seed(self.seed)
            return build().requires_grad_(False).eval()

    def inputs(self, clips: torch.Tensor) -> torch.Tensor:
        """Clips [B, n, h, w, 3] uint8 as [B, n, 3, h, w] float in 0 to 1, on the device."""
        return clips.to(self.device).movedim(-1, -3).float() / 255

    def autocast(self) -> torch.autocast:
        """The context networks run in."""
        return torch.autocast(torch.device(self.device).type, torch.float16, enabled=self.half)
