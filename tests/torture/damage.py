"""Damage to the bytes of a file, drawn by a generator."""

from collections.abc import Sequence

import numpy as np

BLOCKS = (1, 8, 64, 512, 4096)
EXTREMES = (
    0,
    1,
    2**7,
    2**8 - 1,
    2**15,
    2**16 - 1,
    2**31 - 1,
    2**32 - 1,
    2**40,
    2**63 - 1,
    2**64 - 1,
)
WORDS = (
    "",
    "nan",
    "-1",
    "1e400",
    "9" * 30,
    "null",
    "[]",
    "{}",
    '"',
    "\x00",
    "\ufeff",
    "\n",
    "ü",
    "../x",
)


def damage(
    data: bytes, rng: np.random.Generator, places: Sequence[int] | np.ndarray | None = None
) -> tuple[bytes, str]:
    """A damaged copy, and what was done to it.

    Args:
        data: The file's bytes.
        rng: Draws kind and place.
        places: Offsets to aim at; None: all.
    """
    if not data:
        return b"\x00", "empty file replaced by one byte"
    kinds = ["flip", "set", "field", "zero", "swap", "copy", "insert", "delete"]
    if places is None:
        kinds += ["truncate", "extend"]
    kind = str(rng.choice(kinds))
    size = len(data)

    def place() -> int:
        return int(rng.integers(size) if places is None else rng.choice(places))

    out = bytearray(data)
    at, other = place(), place()
    block = min(int(rng.choice(BLOCKS)), size)
    at, other = min(at, size - block), min(other, size - block)
    if kind in ("flip", "set"):
        spots = [place() for _ in range(int(rng.integers(1, 9)))]
        for spot in spots:
            out[spot] = out[spot] ^ (1 << int(rng.integers(8))) if kind == "flip" else _byte(rng)
        return bytes(out), f"{kind} bytes {spots}"
    if kind == "field":
        width = int(rng.choice([1, 2, 4, 8]))
        value = int(rng.choice(len(EXTREMES)))
        field = (EXTREMES[value] % 2 ** (8 * width)).to_bytes(width, "little")
        at = min(at, size - 1)
        out[at : at + width] = field[: size - at]
        return bytes(out), f"field of {width} bytes at {at} = {EXTREMES[value]}"
    if kind == "zero":
        out[at : at + block] = bytes(block)
    elif kind == "swap":
        out[at : at + block], out[other : other + block] = (
            data[other : other + block],
            data[at : at + block],
        )
    elif kind == "copy":
        out[at : at + block] = data[other : other + block]
    elif kind == "insert":
        out[at:at] = rng.bytes(block)
    elif kind == "delete":
        del out[at : at + block]
    elif kind == "truncate":
        del out[at:]
    else:
        out += rng.bytes(block)
    return bytes(out), f"{kind} {block} bytes at {at}, other place {other}"


def damage_text(text: str, rng: np.random.Generator) -> tuple[bytes, str]:
    """A damaged copy of a text: lines and fields dropped, doubled or replaced, or bytes damaged."""
    lines = text.splitlines()
    row = int(rng.integers(len(lines)))
    cells = lines[row].split(",")
    column = int(rng.integers(len(cells)))
    word = str(rng.choice(WORDS))
    kind = str(
        rng.choice(["bytes", "drop", "double", "cell", "cut cell", "more cells", "encoding"])
    )
    if kind == "bytes":
        return damage(text.encode(), rng)
    if kind == "encoding":
        coding = str(rng.choice(["utf-16", "utf-8-sig", "utf-7"]))
        return text.encode(coding), f"written as {coding}"
    if kind == "drop":
        del lines[row]
    elif kind == "double":
        lines.insert(row, lines[row])
    elif kind == "cell":
        cells[column] = word
        lines[row] = ",".join(cells)
    elif kind == "cut cell":
        del cells[column]
        lines[row] = ",".join(cells)
    else:
        lines[row] += "," + word
    return ("\n".join(lines) + "\n").encode(), f"{kind} {column} of line {row}: {word!r}"


def _byte(rng: np.random.Generator) -> int:
    return int(rng.choice([0, 1, 127, 128, 255, int(rng.integers(256))]))
