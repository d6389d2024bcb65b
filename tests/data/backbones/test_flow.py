"""The motion stream, with a stand-in for RAFT: real weights cannot be fetched in tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from data.backbones import Specification, build_backbone
from data.backbones.backbone import Runtime
from data.backbones.flow import compute_flows
from data.backbones.torchvision_import import import_torchvision
from frame_select_env.errors import FrameSelectError


class FakeRaft(nn.Module):
    """Keeps the pairs of images it is given, and says what a function of them says."""

    def __init__(self, flow: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.flow = flow
        self.given: list[tuple[torch.Tensor, torch.Tensor]] = []

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> list[torch.Tensor]:
        self.given.append((first, second))
        # The last is the finest.
        return [torch.full_like(first[:, :2], 99.0), self.flow(first, second)]


def constant(right: float, down: float) -> FakeRaft:
    def flow(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        out = torch.empty_like(first[:, :2])
        out[:, 0], out[:, 1] = right, down
        return out

    return FakeRaft(flow)


def test_flow_goes_from_every_frame_to_the_next() -> None:
    frames = torch.arange(2 * 4).reshape(2, 4, 1, 1, 1).expand(2, 4, 3, 128, 136) / 8
    raft = FakeRaft(lambda first, second: torch.cat([first[:, :1], second[:, :1]], dim=1))
    flows = compute_flows(raft, frames)
    assert flows.shape == (2, 3, 2, 128, 136)
    # RAFT sees -1 to 1 (torchvision's OpticalFlow transforms), the earlier frame first.
    assert torch.equal(flows[:, :, 0], (frames * 2 - 1)[:, :-1, 0])
    assert torch.equal(flows[:, :, 1], (frames * 2 - 1)[:, 1:, 0])
    assert len(raft.given) == 1


def test_raft_sees_sides_of_multiples_of_eight_and_their_flow_is_cut_off_again() -> None:
    ramp = torch.linspace(0, 1, 131).reshape(1, 1, 1, 131, 1).expand(1, 2, 3, 131, 141)
    raft = FakeRaft(lambda first, second: first[:, :2])
    flows = compute_flows(raft, ramp)
    (first, _), *_ = raft.given
    assert first.shape == (1, 3, 136, 144)
    assert torch.equal(first[0, 0, 131:, 0], first[0, 0, 130, :1].expand(5))  # the edge repeats
    assert flows.shape == (1, 1, 2, 131, 141)
    assert torch.equal(flows[0, 0], ramp[0, 0, :2] * 2 - 1)


def test_small_frames_are_enlarged_and_their_flow_told_in_their_own_pixels() -> None:
    raft = constant(8.0, -4.0)
    flows = compute_flows(raft, torch.zeros(1, 3, 3, 32, 48))
    assert raft.given[0][0].shape == (2, 3, 128, 192)  # four times
    assert flows.shape == (1, 2, 2, 32, 48)
    assert torch.allclose(flows[:, :, 0], torch.tensor(2.0))
    assert torch.allclose(flows[:, :, 1], torch.tensor(-1.0))


def test_motion_beyond_20_pixels_is_cut() -> None:
    flows = compute_flows(constant(50.0, -50.0), torch.zeros(1, 2, 3, 128, 128))
    assert torch.equal(flows.amax((0, 1, 3, 4)), torch.tensor([20.0, -20.0]))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Callable[..., torch.Tensor]:
    """What the image network sees [B, (V,) 10, s, s], when everything moves by so many pixels."""

    def see(raft: FakeRaft, views: int, size: int = 128) -> torch.Tensor:
        monkeypatch.setattr("data.backbones.flow._load_raft", lambda *_: raft)
        images: list[torch.Tensor] = []
        specification = Specification("main", "flow:squeezenet1_1", "none", size=size)
        with monkeypatch.context() as context:
            from data.backbones import loaded

            real = loaded.by_view

            def keep(run: object, squares: torch.Tensor, count: int) -> object:
                images.append(squares)
                return real(run, squares, count)  # type: ignore[arg-type]

            context.setattr(loaded, "by_view", keep)
            backbone = build_backbone(specification, Runtime(views=views))
            assert (backbone.frames, backbone.fps, backbone.classes) == (6, 0.0, 0)
            clips = torch.zeros(2, 6, backbone.side, backbone.side, 3, dtype=torch.uint8)
            with torch.inference_mode():
                output = backbone.forward(clips)
        middle = (2, 10) if views == 10 else (2,)
        assert output.features.shape == (*middle, 512)
        return images[-1]

    return see


def test_ten_channels_right_and_down_by_turns(seen: Callable[..., torch.Tensor]) -> None:
    images = seen(constant(20.0, -10.0), 1)
    assert images.shape == (2, 10, 128, 128)
    # -20 to 20 pixels become 0 to 1, and then minus 0.5 by 0.226.
    assert torch.allclose(images[:, 0::2], torch.tensor(0.5 / 0.226))
    assert torch.allclose(images[:, 1::2], torch.tensor(-0.25 / 0.226))


def test_no_motion_is_nought(seen: Callable[..., torch.Tensor]) -> None:
    assert torch.allclose(seen(constant(0.0, 0.0), 1), torch.tensor(0.0), atol=1e-6)


def test_in_a_mirrored_view_things_move_the_other_way(seen: Callable[..., torch.Tensor]) -> None:
    def sideways(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        ramp = torch.linspace(-20, 20, first.shape[-1]).expand(len(first), 2, *first.shape[-2:])
        return ramp.clone()

    images = seen(FakeRaft(sideways), 10)
    right, down = images[:, :, 0::2], images[:, :, 1::2]
    assert torch.allclose(right[:, 5:], -right[:, :5].flip(-1), atol=1e-5)
    assert torch.allclose(down[:, 5:], down[:, :5].flip(-1), atol=1e-5)


def test_flow_is_of_pictures_as_large_as_the_network_wants(
    seen: Callable[..., torch.Tensor],
) -> None:
    raft = constant(4.0, 0.0)
    images = seen(raft, 1, size=56)  # the side is 64, and RAFT's 128
    assert raft.given[0][0].shape[-2:] == (128, 128)
    assert torch.allclose(images[:, 0], torch.tensor(2 / 40 / 0.226))


def test_the_real_raft_with_weights_of_a_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    models = import_torchvision().models
    file = tmp_path / "raft.safetensors"
    save_file(models.get_model("raft_small", weights=None).state_dict(), file)
    options = {"weights": "none", "size": 32, "raft_weights": str(file)}
    specification = Specification("main", "flow:squeezenet1_1", **options)  # type: ignore[arg-type]
    backbone = build_backbone(specification, Runtime())
    clips = torch.randint(0, 256, (1, 6, 37, 37, 3), dtype=torch.uint8)
    with torch.inference_mode():
        assert backbone.forward(clips).features.isfinite().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"raft": "raft_tiny"}, "unknown raft 'raft_tiny'; known: raft_large, raft_small"),
        ({"raft_weights": "V9"}, "unknown raft_weights 'V9'; known: C_T_V1, C_T_V2, DEFAULT, none"),
        ({"raft_weights": "./raft.pth"}, "weights ./raft.pth: no such file"),
        ({"clip_frames": 3}, "uses 6 consecutive frames"),
    ],
)
def test_what_flow_does_not_take(options: dict[str, object], message: str) -> None:
    specification = Specification("main", "flow:resnet18", "none", **options)  # type: ignore[arg-type]
    with pytest.raises(FrameSelectError) as told:
        build_backbone(specification, Runtime())
    assert f"--backbone flow:resnet18: {message}" in str(told.value)
