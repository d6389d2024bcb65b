"""Edits of a cache by h5py: files that HDF5 finds valid and that are no valid cache."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Edit = Callable[[h5py.File, np.random.Generator], str]
TYPES = (
    *("f8", ">f4", ">i8", "i1", "u8", "f2", "c8", "?", "V4", "S1", "S400"),
    *("compound", "array", "reference", "enum", "vlen str", "vlen int"),
)
SHAPES = (
    *("scalar", "null", "no rows", "one more", "one less", "new axis", "flat"),
    *("no columns", "transposed", "huge", "huge chunked", "huge rows"),
)
LAYOUTS = (
    *("chunked", "gzip", "compact", "virtual", "external file", "external link", "soft link"),
    *("dangling link", "hard link", "link to root", "link to parent"),
    *("group", "named type", "deleted", "moved"),
)
NAMES = ("x", "ü", "a\nb", "..", "default", "predictions", "head", "main", "split", "a" * 300)


def edit_file(path: Path, rng: np.random.Generator) -> str:
    """Make one to three edits in place; returns what was done."""
    if rng.random() < 0.02:
        size = 512 * 2 ** int(rng.integers(3))
        path.write_bytes(bytes(size) + path.read_bytes())
        return f"user block of {size} bytes"
    with h5py.File(path, "r+") as h5:
        edits = list(rng.choice(len(EDITS), int(rng.choice([1, 1, 1, 2, 3])), replace=False))
        told = []
        for number in edits:
            edit = EDITS[number]
            try:
                told.append(edit(h5, rng))
            except (
                LookupError,
                ValueError,
                TypeError,
                OSError,
                RuntimeError,
                MemoryError,
            ) as error:
                # An earlier edit took away what this one needs.
                told.append(f"({edit.__name__}: {type(error).__name__})")
    return "; ".join(told)


def datasets(h5: h5py.File) -> list[str]:
    """The names of all datasets."""
    found: list[str] = []
    h5.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found


def _one(h5: h5py.File, rng: np.random.Generator, among: Any = None) -> str:
    return str(rng.choice(among or datasets(h5)))


def _odd_values(h5: h5py.File) -> dict[str, Any]:
    text = h5py.string_dtype()
    return {
        "int": 7,
        "-1": -1,
        "2^63": np.uint64(2**63),
        "nan": np.nan,
        "inf": -np.inf,
        "complex": 1 + 2j,
        "bool": True,
        "empty str": "",
        "long str": "x" * 60_000,
        "str": "classification",
        "str with line ends": "a\nb\x1b[2J",
        "bytes": np.bytes_(b"caf\xe9"),
        "void": np.void(b"\x00\x01"),
        "array of str": np.array(["a", "b"], object),
        "array of bytes": np.array([b"classification"] * 3),
        "array": np.arange(6.0).reshape(2, 3),
        "no elements": np.zeros(0),
        "0-d array": np.array(2),
        "compound": np.array((1, 2.0), [("a", "i4"), ("b", "f8")]),
        "empty dataspace": h5py.Empty("f4"),
        "empty dataspace of str": h5py.Empty(text),
        "reference": h5.ref,
        "region": next(iter(_regions(h5)), h5.ref),
        "float16": np.float16(1),
        "big-endian": np.array(1, ">i8"),
        "json list": "[1, 2]",
        "json deep": "[" * 20_000,
        "json NaN": '{"a": NaN, "crossfit": {"b": [{}]}, "head": 3}',
        "json int": '{"a": 1' + "0" * 5000 + "}",
        "json surrogate": '{"a": "\\ud800"}',
    }


def _regions(h5: h5py.File) -> Any:
    if "videos/start" in h5:
        yield h5["videos/start"].regionref[:2]


def attribute(h5: h5py.File, rng: np.random.Generator) -> str:
    holder = h5 if rng.random() < 0.6 else h5[_one(h5, rng)]
    known = list(holder.attrs) or ["crc32"]
    name = str(rng.choice(known)) if rng.random() < 0.9 else str(rng.choice(NAMES))
    values = _odd_values(h5)
    kind = str(rng.choice(list(values)))
    if rng.random() < 0.1:
        holder.attrs.pop(name, None)
        kind = "deleted"
    elif rng.random() < 0.1:
        holder.attrs.create(name, [np.arange(3), np.arange(2)], dtype=h5py.vlen_dtype("i4"))
        kind = "vlen int"
    else:
        value = values[kind]
        reference = isinstance(value, h5py.Reference)
        dtype = h5py.ref_dtype if type(value) is h5py.Reference else h5py.regionref_dtype
        holder.attrs.create(name, value, dtype=dtype if reference else None)
    return f"attribute {holder.name}@{name} = {kind}"


def retype(h5: h5py.File, rng: np.random.Generator) -> str:
    name = _one(h5, rng)
    old, attrs = h5[name][()], dict(h5[name].attrs)
    kind = str(rng.choice(TYPES))
    del h5[name]
    special: dict[str, Any] = {
        "vlen str": h5py.string_dtype(),
        "vlen int": h5py.vlen_dtype("i4"),
        "reference": h5py.ref_dtype,
        "enum": h5py.enum_dtype({"a": 0, "b": 1}, "i8"),
        "compound": [("a", "f4"), ("b", "i4")],
        "array": "(2,)f4",
    }
    dtype = np.dtype(special.get(kind, kind))
    h5.create_dataset(name, old.shape, dtype)
    if kind == "vlen str":
        h5[name][...] = "a"
    elif kind == "vlen int":
        h5[name][(0,) * old.ndim] = np.arange(3)
    elif kind not in special and dtype.kind in "fiu" and old.dtype.kind in "fiu":
        with np.errstate(all="ignore"):
            h5[name][...] = old.astype(dtype)
    h5[name].attrs.update(attrs)
    return f"{name} as {kind}"


def reshape(h5: h5py.File, rng: np.random.Generator) -> str:
    name = _one(h5, rng)
    old, attrs = h5[name][()], dict(h5[name].attrs)
    kind = str(rng.choice(SHAPES))
    del h5[name]
    huge = int(rng.choice([5 * 10**7, 2**31, 2**40, 2**61]))
    if kind == "scalar":
        h5.create_dataset(name, (), old.dtype)
    elif kind == "null":
        h5.create_dataset(name, data=h5py.Empty(old.dtype))
    elif kind.startswith("huge"):
        shape = (huge,) if kind == "huge rows" or old.ndim < 2 else (*old.shape[:-1], huge)
        chunks = (1,) * (len(shape) - 1) + (1024,) if kind == "huge chunked" else None
        h5.create_dataset(name, shape, old.dtype, chunks=chunks, fillvalue=old.dtype.type(1))
    else:
        made = {
            "no rows": old[:0],
            "one more": np.concatenate([old, old[:1]]),
            "one less": old[:-1],
            "new axis": old[..., None],
            "flat": old.ravel(),
            "no columns": old[..., :0],
            "transposed": old.T,
        }[kind]
        h5.create_dataset(name, data=made, dtype=old.dtype)
    h5[name].attrs.update(attrs)
    return f"{name} {kind}" + (f" {huge}" if kind.startswith("huge") else "")


def layout(h5: h5py.File, rng: np.random.Generator) -> str:
    name, other = _one(h5, rng), _one(h5, rng)
    old, attrs = h5[name][()], dict(h5[name].attrs)
    kind = str(rng.choice(LAYOUTS))
    if kind == "moved":
        new = str(rng.choice(NAMES))
        h5.move(name, f"{name.rpartition('/')[0]}/{new}")
        return f"{name} moved to {new!r}"
    del h5[name]
    if kind in ("chunked", "gzip"):
        h5.create_dataset(
            name, data=old, chunks=True, compression="gzip" if kind == "gzip" else None
        )
        h5[name].attrs.update(attrs)
    elif kind == "compact":
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple(old.shape)
        links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
        links.set_create_intermediate_group(True)
        made = h5py.h5d.create(
            h5.id, name.encode(), h5py.h5t.py_create(old.dtype), space, plist, lcpl=links
        )
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(old))
    elif kind == "virtual":
        virtual = h5py.VirtualLayout(old.shape, old.dtype)
        virtual[...] = h5py.VirtualSource(h5.filename, other, old.shape)
        h5.create_virtual_dataset(name, virtual)
    elif kind == "external file":
        h5.create_dataset(name, old.shape, old.dtype, external=[("/etc/hostname", 0, old.nbytes)])
    elif kind == "soft link":
        h5[name] = h5py.SoftLink(f"/{other}")
    elif kind == "dangling link":
        h5[name] = h5py.SoftLink(f"/{name}")
    elif kind == "external link":
        h5[name] = h5py.ExternalLink(h5.filename, f"/{other}")
    elif kind == "hard link":
        h5[name] = h5[other]
    elif kind == "group":
        h5.create_group(name)
    elif kind == "named type":
        h5[name] = np.dtype("f8")
    elif kind in ("link to root", "link to parent"):
        h5[name] = h5["/"] if kind == "link to root" else h5[name.rpartition("/")[0] or "/"]
    return (
        f"{name} {kind} {other if kind in ('virtual', 'soft link', 'hard link') else ''}".rstrip()
    )


def graph(h5: h5py.File, rng: np.random.Generator) -> str:
    """Groups that are many, deep or linked to each other."""
    kinds = ["doubled", "cycle", "deep", "many", "odd fold", "odd stream", "extra"]
    kind = str(rng.choice(kinds, p=[0.04, 0.16, 0.16, 0.16, 0.16, 0.16, 0.16]))
    room = h5.require_group(str(rng.choice(["streams", "folds", "frames", "videos", "rooms"])))
    if kind == "doubled":
        depth = int(rng.integers(15, 40))
        inner = h5.create_group("doubled-0") if rng.random() < 0.5 else room.create_group("d0")
        for _ in range(depth):
            outer = h5.create_group(None)
            outer["a"], outer["b"] = inner, inner
            inner = outer
        room["doubled"] = inner
        return f"2^{depth} paths in {room.name}"
    if kind == "cycle":
        room["cycle"] = room
    elif kind == "deep":
        inner = room
        for _ in range(int(rng.choice([100, 900, 1100, 5000]))):
            inner = inner.create_group("d")
    elif kind == "many":
        for number in range(3000):
            room.create_group(f"g{number}")
    elif kind == "extra":
        name = str(rng.choice(NAMES))
        room.create_dataset(name, data=np.zeros(3, "f4"))
        return f"extra dataset {room.name}/{name!r}"
    else:
        holder, name = h5.require_group(f"{kind.split()[1]}s"), str(rng.choice(NAMES))
        inner = holder.require_group(name)
        for other in list(holder):
            for member in holder[other] if other != name and rng.random() < 0.7 else ():
                inner[member] = holder[other][member]
        return f"{kind} {name!r}"
    return f"{kind} in {room.name}"


def value(h5: h5py.File, rng: np.random.Generator) -> str:
    """A wrong value where the layout is right."""
    name = _one(h5, rng)
    array = h5[name][()]
    if array.dtype.kind == "S":
        wrong: Any = [b"", b"\xff\xfe", b"dev", b"a\nb", b"train\x00x", array.flat[0]]
    elif name.endswith("start"):
        wrong = [0, -1, 1, 2**31, 2**62, array.flat[-1], array.flat[0]]
    elif array.dtype.kind == "i":
        wrong = [-1, -2, 3, 10**9, -(2**63), 2**63 - 1]
    elif array.dtype.kind == "f":
        wrong = [np.nan, np.inf, -np.inf, -1, 7, 1e38, 0.5]
    else:
        wrong = [0, 255]
    at = int(rng.integers(array.size))
    number = int(rng.integers(len(wrong)))
    with np.errstate(over="ignore"):
        array.flat[at] = wrong[number]
    if name.endswith("start") and rng.random() < 0.3:
        array = np.ascontiguousarray(array[::-1])
    h5[name][...] = array
    return f"{name}[{at}] = {wrong[number]!r}"


EDITS: tuple[Edit, ...] = (attribute, retype, reshape, layout, graph, value)
