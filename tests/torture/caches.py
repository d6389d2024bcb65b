"""Mutated caches: each is found fine with equal values, or refused in one line."""

import shutil
from pathlib import Path

import h5py
import numpy as np

from frame_select_env import CacheError, FeatureCache
from tests.torture import surface
from tests.torture.cache_edits import datasets, edit_file
from tests.torture.commands import run_here
from tests.torture.damage import damage
from tests.torture.processes import CPU_SECONDS, UNTOUCHED, Finding, Tell, place_of


class Caches:
    """Byte damage anywhere and in the metadata, and edits by h5py."""

    name, count, seconds, cpu_seconds, jobs = "caches", 10_000, 60.0, CPU_SECONDS, 2

    def prepare(self, folder: Path, seed: int) -> None:
        import data.commands.inspect  # noqa: F401 (once, and not in every fork)

        self.seed = seed
        self.paths = surface.small_caches(folder)
        self.bytes = [path.read_bytes() for path in self.paths]
        self.metadata = [_metadata(path) for path in self.paths]
        self.facts = [surface.cache_facts(FeatureCache(path)) for path in self.paths]

    def trial(self, number: int, folder: Path, tell: Tell) -> Finding:
        rng = np.random.default_rng([self.seed, 1, number])
        base = int(rng.integers(len(self.paths)))
        path = folder / "mutant.h5"
        tell(UNTOUCHED)  # HDF5 may crash on its own work where two edits meet
        tell(f"{self.paths[base].name}: {self._mutate(rng, base, path)}")
        try:
            facts = surface.cache_facts(FeatureCache(path))
        except CacheError as error:
            return _refused(path, str(error))
        except Exception as error:
            # A harness that asked for too much would show up here as well: the place tells.
            return Finding("another exception", True, place_of(error), f"{error}"[:300])
        changed = surface.differing(self.facts[base], facts)
        ended = run_here(surface.inspect(path))
        if ended.wrong:
            return Finding("inspect: " + ended.wrong, True, ended.where, ended.detail)
        if ended.code == 0 and changed:
            kind = ", ".join(sorted({name.split(" of ")[0] for name in changed})[:3])
            return Finding("silent change", True, kind, f"{changed}")
        if ended.code == 2:
            return Finding("found by inspect", detail=ended.last_line)
        return Finding("fine and equal")

    def _mutate(self, rng: np.random.Generator, base: int, path: Path) -> str:
        kind = str(
            rng.choice(
                ["anywhere", "metadata", "edit", "edit and damage"], p=[0.2, 0.4, 0.35, 0.05]
            )
        )
        if kind.startswith("edit"):
            shutil.copyfile(self.paths[base], path)
            told = edit_file(path, rng)
            if kind == "edit":
                return told
            data, more = damage(path.read_bytes(), rng, _metadata(path))
            path.write_bytes(data)
            return f"{told}; metadata: {more}"
        places = self.metadata[base] if kind == "metadata" else None
        if kind == "anywhere" and rng.random() < 0.6:
            places = np.flatnonzero(np.frombuffer(self.bytes[base], np.uint8))
        data, told = damage(self.bytes[base], rng, places)
        path.write_bytes(data)
        return f"{kind}: {told}"


def _metadata(path: Path) -> np.ndarray:
    """Offsets of bytes that are not zero and belong to no dataset's values."""
    data = np.frombuffer(path.read_bytes(), np.uint8)
    inside = np.zeros(len(data), bool)
    with h5py.File(path) as h5:
        for name in datasets(h5):
            offset = h5[name].id.get_offset()
            if offset is not None:
                inside[offset : offset + h5[name].nbytes] = True
    return np.flatnonzero((data > 0) & ~inside) if not inside.all() else np.arange(len(data))


def _refused(path: Path, message: str) -> Finding:
    if "\n" in message or str(path) not in message:
        return Finding("unclear message", True, "not one line naming the file", message)
    return Finding("refused", detail=message)
