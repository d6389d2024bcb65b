"""The extraction that a cache's provenance records, and how it is repeated on new videos."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.backbones import LOG_MEL, Backbone, Specification, parse_specification
from data.backbones.specification import is_function
from data.backbones.weights import is_file
from data.extraction.provenance import extraction_of
from data.extraction.settings import Settings
from data.video.timeline import Sampling

COPIED = ("views", "device", "batch", "dtype")  # settings that the provenance quotes as they are


def record_extraction(settings: Settings, weights: Mapping[str, str]) -> dict[str, Any]:
    """What a cache's provenance says of its extraction, without any path of this machine.

    `weights` are the digests of the networks' weights, by stream.
    """
    return {
        "backbones": [specification.without_paths().text() for specification in settings.streams],
        "weights": dict(weights),
        "frames": str(settings.sampling),
        "sampling": dataclasses.asdict(settings.sampling),
        **{name: getattr(settings, name) for name in COPIED},
    }


@dataclass(frozen=True)
class Recorded:
    """An extraction as a cache's provenance records it.

    Attributes:
        settings: Its settings; weight files are named without their folders.
        weights: Stream -> digest of its network's weights, "" of a function.
    """

    settings: Settings
    weights: Mapping[str, str]

    @property
    def modules(self) -> list[str]:
        """The modules of the backbones that are functions, which run code of the user's own."""
        names = [one.backbone for one in self.settings.streams if is_function(one.backbone)]
        return [name.partition(":")[0] for name in names]

    def build(
        self, device: str, files: Sequence[Path], folders: Sequence[Path]
    ) -> tuple[Settings, dict[str, Backbone]]:
        """The settings and networks for new videos.

        Args:
            device: Where the networks run.
            files: Weight files, and folders of Hugging Face models, found by their names.
            folders: Where others are looked for.

        Raises:
            FrameSelectError: if a file is missing, or weights are not those of the extraction.
        """
        settings = dataclasses.replace(
            self.settings,
            device=device,
            streams=tuple(_found(one, files, folders) for one in self.settings.streams),
        )
        backbones = settings.build()
        for stream, backbone in backbones.items():
            if backbone.digest != self.weights[stream]:
                one = next(each for each in settings.streams if each.stream == stream)
                remedy = "use the versions of torch and torchvision that inspect names"
                if one.files():
                    remedy = "give theirs: --weights FILE"
                raise one.fail(
                    f"its weights ({one.weights}) are not those that the features were made with "
                    f"(digests differ); {remedy}"
                )
        return settings, backbones


def read_recorded(provenance: Mapping[str, Any], streams: Sequence[str]) -> Recorded:
    """The extraction of some streams of a cache, from its provenance.

    Raises:
        LookupError: if it is not recorded: "imported" features, or made by an "earlier" version.
    """
    provenance = extraction_of(provenance)
    every = [parse_specification(text) for text in provenance["backbones"]]
    networks = {one.stream for one in every if one.backbone != LOG_MEL}
    if not networks.issubset(provenance["weights"]):
        raise LookupError("earlier")  # begun by it, and resumed
    settings = Settings(
        streams=tuple(one for one in every if one.stream in streams),
        sampling=Sampling(**provenance["sampling"]),
        thumbnail=0,
        seed=provenance["seed"],
        **{name: provenance[name] for name in COPIED},
    )
    return Recorded(settings, provenance["weights"])


def _found(
    specification: Specification, files: Sequence[Path], folders: Sequence[Path]
) -> Specification:
    """The specification with the paths of its weight files on this machine."""
    if specification.backbone == LOG_MEL or is_function(specification.backbone):
        return specification

    def find(name: str) -> str:
        places = [file for file in files if file.name == name]
        places += [folder / name for folder in folders]
        return str(next((place for place in places if place.exists()), name))

    changes: dict[str, Any] = {
        key: find(name)
        for key in ("weights", "raft_weights")
        if is_file(name := getattr(specification, key))
    }
    kind, _, name = specification.backbone.partition(":")
    if kind == "onnx":
        changes["backbone"] = find(name)
    for path in changes.values():
        if not Path(path).exists():
            raise specification.fail(
                f"{path} is not in {' or '.join(map(str, folders))}; give the file that the "
                "features were made with: --weights FILE"
            )
    if kind == "hf":  # its name on the hub is no path
        changes["backbone"] = find(name)
    if "backbone" in changes:
        changes["backbone"] = f"{kind}:{changes['backbone']}"
    return dataclasses.replace(specification, **changes)
