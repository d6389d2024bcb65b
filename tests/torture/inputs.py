"""Mutated features, tables, configs and weights: a command ends well, or refuses in one line."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.torture import surface
from tests.torture.commands import Kill, run, run_here
from tests.torture.damage import damage, damage_text
from tests.torture.processes import CPU_SECONDS, Finding, Tell

Mutation = Callable[[Path, np.random.Generator], str]


class Inputs:
    """Everything but caches and videos that a command reads."""

    name, count, seconds, cpu_seconds, jobs = "inputs", 1_000, 120.0, 3 * CPU_SECONDS, 2

    def prepare(self, folder: Path, seed: int) -> None:
        self.seed, self.home = seed, folder
        self.cache = surface.training_cache(folder)
        self.npz = [
            surface.features_npz(folder),
            surface.features_npz(folder, predictions=False, name="no-predictions.npz"),
        ]
        self.folder, self.split_file = surface.features_folder(folder)
        self.agents = sorted(surface.AGENTS)
        compared = folder / "compared"
        # In this process, so that every fork finds all modules imported.
        done = run_here(surface.compare(self.cache, compared, 1))
        assert done.code == 0, done.errors
        for record in compared.rglob("run.json"):
            record.unlink()  # so that the next comparison reads the run folders
        for agent in self.agents:
            self._train(agent, folder / f"done-{agent}", folder / f"cut-{agent}")

    def _train(self, agent: str, done: Path, cut: Path) -> None:
        """Train a run to the end, and the same one to a checkpoint."""
        log = self.home / "log"
        whole = run(surface.train(self.cache, done, agent), log, watch=done)
        assert whole.code == 0, whole.errors
        for event in range(whole.events * 3 // 4, 0, -1):
            shutil.rmtree(cut, ignore_errors=True)
            run(surface.train(self.cache, cut, agent), log, watch=cut, kill=Kill(event))
            names = {one.name for one in cut.iterdir()} if cut.exists() else set()
            if "checkpoint.safetensors" in names and "model.safetensors" not in names:
                return
        raise AssertionError(f"{agent}: no checkpoint was ever there")

    def trial(self, number: int, folder: Path, tell: Tell) -> Finding:
        rng = np.random.default_rng([self.seed, 2, number])
        kinds = [
            self._npz,
            self._npy,
            self._table,
            self._finished,
            self._unfinished,
            self._compared,
        ]
        kind = kinds[int(rng.choice(len(kinds), p=[0.3, 0.15, 0.15, 0.2, 0.15, 0.05]))]
        command, told = kind(folder, rng)
        tell(told)
        ended = run_here(command)
        if ended.wrong:
            return Finding(ended.wrong, True, ended.where, ended.detail)
        return Finding("refused" if ended.code else "accepted", detail=ended.last_line)

    def _npz(self, folder: Path, rng: np.random.Generator) -> tuple[list[str], str]:
        source = self.npz[int(rng.integers(2))]
        path = folder / "mutant.npz"
        if rng.random() < 0.3:
            data, told = damage(source.read_bytes(), rng)
        else:
            data, told = _edit_npz(source, rng)
        path.write_bytes(data)
        return surface.import_features(path, folder / "out.h5"), f"{source.name}: {told}"

    def _npy(self, folder: Path, rng: np.random.Generator) -> tuple[list[str], str]:
        home = shutil.copytree(self.folder, folder / "npy")
        file = sorted(home.rglob("*.npy"))[int(rng.integers(12))]
        if rng.random() < 0.5:
            data, told = damage(file.read_bytes(), rng)
        else:
            array, told = _odd_array(np.load(file), rng)
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=True)
            data = buffer.getvalue()
            if rng.random() < 0.3:
                data, more = damage(data, rng, range(min(128, len(data))))
                told += f"; header: {more}"
        file.write_bytes(data)
        split_file = ["--split-file", str(self.split_file)]
        return surface.import_features(home, folder / "out.h5", *split_file), f"npy: {told}"

    def _table(self, folder: Path, rng: np.random.Generator) -> tuple[list[str], str]:
        path = folder / "splits.csv"
        data, told = damage_text(self.split_file.read_text(), rng)
        path.write_bytes(data)
        more = ["--split-file", str(path)]
        return surface.import_features(self.folder, folder / "out.h5", *more), f"csv: {told}"

    def _finished(self, folder: Path, rng: np.random.Generator) -> tuple[list[str], str]:
        agent = str(rng.choice(self.agents))
        home = shutil.copytree(self.home / f"done-{agent}", folder / "run")
        name = str(
            rng.choice(["config.json", "model.safetensors", "metrics.csv"], p=[0.6, 0.3, 0.1])
        )
        told = _edit_file(home / name, rng)
        return surface.evaluate(home, self.cache, folder / "out"), f"{agent} {name}: {told}"

    def _unfinished(self, folder: Path, rng: np.random.Generator) -> tuple[list[str], str]:
        agent = str(rng.choice(self.agents))
        home = shutil.copytree(self.home / f"cut-{agent}", folder / "run")
        files = [one for one in home.iterdir() if one.is_file()]
        names = sorted(one.name for one in files if not one.name.startswith("events"))
        name = str(rng.choice(names))
        told = _edit_file(home / name, rng)
        return surface.train(self.cache, home, agent), f"unfinished {agent} {name}: {told}"

    def _compared(self, folder: Path, rng: np.random.Generator) -> tuple[list[str], str]:
        home = shutil.copytree(self.home / "compared", folder / "compared")
        files = [one for one in sorted((home / "runs").rglob("*.*")) if one.is_file()]
        file = files[int(rng.integers(len(files)))]
        told = _edit_file(file, rng)
        return surface.compare(self.cache, home, 1), f"compared {file.name}: {told}"


def _edit_file(path: Path, rng: np.random.Generator) -> str:
    data = path.read_bytes()
    kind = rng.random()
    if kind < 0.05:
        path.write_bytes(b"")
        return "emptied"
    if kind < 0.08:
        path.unlink()
        path.mkdir()
        return "is a folder"
    if kind < 0.1:
        path.unlink()
        path.symlink_to(path)
        return "is a link to itself"
    if path.suffix == ".json" and kind < 0.8:
        config, told = _edit_json(json.loads(data), rng)
        path.write_text(json.dumps(config))
    elif path.suffix == ".csv" and kind < 0.8:
        data, told = damage_text(data.decode(), rng)
        path.write_bytes(data)
    elif path.suffix == ".safetensors" and kind < 0.7:
        head = 8 + int.from_bytes(data[:8], "little")
        data, told = damage(data, rng, range(head))
        told = f"header: {told}"
        path.write_bytes(data)
    else:
        data, told = damage(data, rng)
        path.write_bytes(data)
    return told


def _edit_json(config: Any, rng: np.random.Generator) -> tuple[Any, str]:
    """Replace, delete or add one value somewhere in a tree."""
    odd: list[Any] = [
        None,
        True,
        -1,
        0,
        10**9,
        10**400,
        1e308,
        float("nan"),
        "",
        "x",
        "../..",
        "\ud800",
        [],
        {},
    ]
    odd += [[1], {"a": 1}, "antigravity:x", "a" * 5000, [[[]]], 0.5]
    value = odd[int(rng.integers(len(odd)))]
    if not isinstance(config, dict) or rng.random() < 0.03:
        return value, f"whole file = {value!r:.40}"
    node, path = config, []
    while True:
        key = str(rng.choice(sorted(node)))
        path.append(key)
        inner = node[key]
        if not isinstance(inner, dict) or not inner or rng.random() < 0.25:
            break
        node = inner
    kind = rng.random()
    if kind < 0.15:
        del node[key]
        return config, f"{'.'.join(path)} deleted"
    if kind < 0.25:
        node["odd"] = value
        return config, f"{'.'.join(path[:-1])}.odd = {value!r:.40}"
    node[key] = value
    return config, f"{'.'.join(path)} = {value!r:.40}"


def _odd_array(array: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    made: dict[str, Callable[[], Any]] = {
        "as object": lambda: array.astype(object),
        "as complex": lambda: array.astype(complex) if array.dtype.kind != "U" else array,
        "as str": lambda: array.astype(str),
        "as bytes": lambda: np.char.encode(array.astype(str), "utf-16"),
        "as bool": lambda: array.astype("S8").astype("V8").view("?"),
        "as uint64": lambda: np.full(array.shape, 2**63, np.uint64),
        "as float128": lambda: np.full(array.shape, 1, np.longdouble),
        "as datetime": lambda: np.full(array.shape, "2020", "M8[s]"),
        "as void": lambda: np.zeros(array.shape, "V3"),
        "as record": lambda: np.zeros(array.shape, [("a", "f4"), ("b", "O")]),
        "big-endian": lambda: array.astype(array.dtype.newbyteorder(">")),
        "scalar": lambda: array.ravel()[0],
        "empty": lambda: array[:0],
        "no columns": lambda: array[..., :0],
        "longer": lambda: np.concatenate([array, array[:1]]),
        "shorter": lambda: array[:-1],
        "new axis": lambda: array[..., None],
        "transposed": lambda: array.T,
        "fortran": lambda: np.asfortranarray(array),
        "nan": lambda: np.where(np.arange(array.size).reshape(array.shape) == 1, np.nan, 0.5),
        "huge": lambda: np.full(array.shape, 1e300),
        "10^9": lambda: np.full(array.shape, 10**9),
        "-1": lambda: np.full(array.shape, -1),
        "2^62": lambda: np.full(array.shape, 2**62),
        "all alike": lambda: np.full(array.shape, array.ravel()[0]),
        "odd text": lambda: np.full(array.shape, "a\nb\ud800"),
        "NUL": lambda: np.full(array.shape, "a\0b"),
    }
    kind = str(rng.choice(list(made)))
    try:
        return np.asarray(made[kind]()), kind
    except (TypeError, ValueError, UnicodeError):
        return array.astype(object), "as object"


def _edit_npz(path: Path, rng: np.random.Generator) -> tuple[bytes, str]:
    """Change an array, its name, or the bytes of its header, and zip again."""
    with np.load(path) as archive:
        arrays = dict(archive.items())
    name = str(rng.choice(sorted(arrays)))
    kind = str(rng.choice(["array", "header", "delete", "rename", "double", "add", "huge header"],
                          p=[0.5, 0.15, 0.05, 0.1, 0.05, 0.05, 0.1]))  # fmt: skip
    told = f"{name}: {kind}"
    if kind == "array":
        arrays[name], more = _odd_array(arrays[name], rng)
        told += f" {more}"
    members = {}
    for key, array in arrays.items():
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=True)
        members[key] = buffer.getvalue()
    if kind == "header":
        members[name], more = damage(members[name], rng, range(min(128, len(members[name]))))
        told += f" {more}"
    elif kind == "huge header":
        shape = (int(rng.choice([10**9, 2**40, 2**62])), *arrays[name].shape[1:])
        header = io.BytesIO()
        form = {"descr": arrays[name].dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(header, form)
        members[name] = header.getvalue()
        told += f" {shape}"
    elif kind in ("delete", "rename"):
        content = members.pop(name)
        if kind == "rename":
            new = str(rng.choice(["x", f"{name}.a", f"{name}.", f"{name}.a b", "targets", "../up"]))
            members[new] = content
            told += f" {new}"
    elif kind == "add":
        members[str(rng.choice(["classes", "targets", "thumbnail", "splits.b"]))] = members[name]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive_out:
        for key, content in members.items():
            archive_out.writestr(f"{key}.npy", content)
        if kind == "double":
            archive_out.writestr(f"{name}.npy", members[name])
    return out.getvalue(), told
