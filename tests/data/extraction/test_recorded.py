"""The recorded extraction: read back from the provenance, and repeated with the same weights."""

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from data.backbones import parse_specification
from data.backbones.torchvision_import import import_torchvision
from data.extraction.recorded import read_recorded, record_extraction
from data.extraction.settings import Settings
from data.video.timeline import Sampling
from frame_select_env.errors import FrameSelectError

SMALL = "squeezenet1_1@size=32"


def recorded(settings: Settings) -> dict:
    weights = {stream: backbone.digest for stream, backbone in settings.build().items()}
    return {**record_extraction(settings, weights), "seed": settings.seed}


def settings(*texts: str, **changes: object) -> Settings:
    streams = tuple(parse_specification(text, only=len(texts) == 1) for text in texts)
    made = Settings(streams, sampling=Sampling(7, fps=2.5), thumbnail=0, seed=4)
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def test_settings_are_read_back_for_the_streams_that_are_asked_for() -> None:
    made = settings(f"rgb={SMALL},weights=none", "sound=log-mel@bands=8", dtype="float32", batch=3)
    provenance = recorded(made)
    assert list(provenance["weights"]) == ["rgb"]
    assert read_recorded(provenance, ["rgb", "sound"]).settings == made
    (sound,) = read_recorded(provenance, ["sound"]).settings.streams
    assert sound.text() == "sound=log-mel@bands=8"
    # A cache with another head quotes the provenance of the first one.
    again = {"original": {"digest": "0", "provenance": provenance}}
    assert read_recorded(again, ["rgb", "sound"]).settings == made


def test_random_weights_are_made_again_by_their_seed() -> None:
    provenance = recorded(settings(f"{SMALL},weights=none"))
    _, backbones = read_recorded(provenance, ["main"]).build("cpu", [], [])
    assert backbones["main"].digest == provenance["weights"]["main"]
    with pytest.raises(FrameSelectError, match="not those that the features were made with"):
        read_recorded({**provenance, "seed": 5}, ["main"]).build("cpu", [], [])


def test_files_are_found_by_name_and_told_apart_by_content(tmp_path: Path) -> None:
    models = import_torchvision().models
    torch.manual_seed(0)
    save_file(models.squeezenet1_1().state_dict(), tmp_path / "w.safetensors")
    provenance = recorded(settings(f"{SMALL},weights={tmp_path / 'w.safetensors'}"))
    assert str(tmp_path) not in str(provenance)
    asked = read_recorded(provenance, ["main"])
    for files, folders in (([tmp_path / "w.safetensors"], []), ([], [tmp_path])):
        _, backbones = asked.build("cpu", files, folders)
        assert backbones["main"].digest == provenance["weights"]["main"]
    with pytest.raises(FrameSelectError, match=r"w.safetensors is not in nowhere;.*--weights"):
        asked.build("cpu", [], [Path("nowhere")])
    save_file(models.squeezenet1_1().state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(FrameSelectError, match="digests differ.*give theirs: --weights FILE"):
        asked.build("cpu", [], [tmp_path])


@pytest.mark.parametrize(
    ("provenance", "why"),
    [
        ({}, "imported"),
        ({"source": "a.npz"}, "imported"),
        ({"backbones": "main=x"}, "earlier"),
        ({"backbones": ["main=x"], "weights": {}}, "earlier"),
    ],
)
def test_what_is_not_recorded_is_told(provenance: dict, why: str) -> None:
    with pytest.raises(LookupError) as error:
        read_recorded(provenance, ["main"])
    assert error.value.args == (why,)
