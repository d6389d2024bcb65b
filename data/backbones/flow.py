"""The motion stream: an image model over stacked optical flow (torchvision's RAFT).

Five consecutive flows give ten channels, x1, y1, x2, y2, ..., as in temporal segment networks (Wang
et al., 2016; equation 1 of Simonyan and Zisserman's two-stream networks, 2014); flow is clipped to
20 pixels and normalised as there. The papers use TV-L1 flow, which differs from RAFT's.
"""

from dataclasses import replace

import torch
from torch.nn import functional as F

from data.backbones.backbone import Backbone, Output, Runtime, weights_digest
from data.backbones.crops import crops, scale
from data.backbones.loaded import run_views
from data.backbones.specification import Specification
from data.backbones.torchvision_import import import_torchvision
from data.backbones.torchvision_models import load
from data.backbones.weights import NONE, download, is_file, load_into, named_weights, read_weights
from frame_select_env.errors import known

FLOWS = 5  # L
BOUND = 20.0  # pixels per frame; faster motion is clipped
# No motion is the middle of the range; the deviation is the mean of ImageNet's three (the authors'
# code: github.com/yjxiong/tsn-pytorch, models.py).
MEAN, DEVIATION = 0.5, 0.226
MULTIPLE, SMALLEST = 8, 128  # pixels: RAFT's pyramid requires sides of this multiple and size


def flow_backbone(specification: Specification, runtime: Runtime) -> Backbone:
    """An image model over the 5 flows between the 6 frames around each sampled time.

    Weights from a FILE must have ten input channels; published weights have three and are widened.
    """
    if specification.clip_frames or specification.clip_fps:
        raise specification.fail("uses 6 consecutive frames: clip_frames and clip_fps do not apply")
    raft = _load_raft(specification, runtime)
    loaded = replace(
        load(specification, runtime, channels=2 * FLOWS),
        mean=[MEAN] * 2 * FLOWS,
        deviation=[DEVIATION] * 2 * FLOWS,
    )

    def forward(clips: torch.Tensor) -> Output:
        frames = scale(runtime.inputs(clips), loaded.side)  # [B, 6, 3, h, w]
        # In full precision even on a GPU: RAFT's correlations overflow half precision.
        flows = compute_flows(raft, frames)
        squares = crops(flows / (2 * BOUND), loaded.size, runtime.views)
        if runtime.views > 1:
            # In a mirrored picture the horizontal motion is reversed.
            squares[:, runtime.views // 2 :, :, 0] *= -1
        return run_views(loaded, runtime, squares.flatten(-4, -3) + 0.5, channel=-3)

    digest = weights_digest(loaded.network.network, raft)
    return Backbone(forward, loaded.side, FLOWS + 1, classes=loaded.classes, digest=digest)


def compute_flows(raft: torch.nn.Module, frames: torch.Tensor) -> torch.Tensor:
    """The flow [B, n - 1, 2, h, w], in pixels, from every frame [B, n, 3, h, w] to the next."""
    height, width = frames.shape[-2:]
    large = scale(frames, max(SMALLEST, min(height, width)))
    enlarged = frames.new_tensor([large.shape[-1] / width, large.shape[-2] / height])
    down, right = (-large.shape[-2] % MULTIPLE, -large.shape[-1] % MULTIPLE)
    count = frames.shape[1] - 1
    images = F.pad(large.flatten(0, 1), (0, right, 0, down), mode="replicate") * 2 - 1
    images = images.unflatten(0, (len(frames), count + 1))
    flows = raft(images[:, :-1].flatten(0, 1), images[:, 1:].flatten(0, 1))[-1].float()
    flows = flows[..., : large.shape[-2], : large.shape[-1]] / enlarged.reshape(2, 1, 1)
    if large.shape != frames.shape:
        flows = F.interpolate(flows, (height, width), mode="bilinear", antialias=True)
    return flows.clamp(-BOUND, BOUND).unflatten(0, (len(frames), count))


def _load_raft(specification: Specification, runtime: Runtime) -> torch.nn.Module:
    models = import_torchvision().models
    names = models.list_models(module=models.optical_flow)
    name, weights = specification.raft, specification.raft_weights
    if name not in names:
        raise specification.fail(known("raft", name, names))
    raft = runtime.network(lambda: models.get_model(name, weights=None))
    key = "raft_weights"
    if is_file(weights):
        tensors = read_weights(specification, weights)
        load_into(specification, raft, tensors, f"{key} {weights}")
    elif weights != NONE:
        entry = named_weights(specification, models, name, weights, key)
        load_into(specification, raft, download(specification, entry, key), f"{key} {weights}")
    return raft.to(runtime.device)
