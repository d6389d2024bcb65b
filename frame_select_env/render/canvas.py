"""Drawing on an image [H, W, 3] uint8, in place: rectangles, frames, triangles, text, pictures.

Places are dots from the top left corner, x to the right and y down; what reaches past the image's
right or lower edge is cut off.
"""

import numpy as np

from frame_select_env.render import font

Colour = tuple[int, int, int]


def blank(height: int, width: int, colour: Colour) -> np.ndarray:
    """A new image [height, width, 3] of one colour."""
    return np.full((height, width, 3), colour, np.uint8)


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """`colour` with `share` (0 to 1) of `other` mixed in."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def fill(image: np.ndarray, x: int, y: int, width: int, height: int, colour: Colour) -> None:
    """A filled rectangle."""
    image[y : y + max(height, 0), x : x + max(width, 0)] = colour


def outline(
    image: np.ndarray, x: int, y: int, width: int, height: int, colour: Colour, thickness: int
) -> None:
    """A rectangle's border, drawn inwards."""
    fill(image, x, y, width, thickness, colour)
    fill(image, x, y + height - thickness, width, thickness, colour)
    fill(image, x, y, thickness, height, colour)
    fill(image, x + width - thickness, y, thickness, height, colour)


def triangle(image: np.ndarray, x: int, y: int, width: int, height: int, colour: Colour) -> None:
    """A filled triangle that points down, in the middle of the given rectangle."""
    for row in range(height):
        half = (height - row) * width // (2 * height)
        fill(image, x + width // 2 - half, y + row, max(2 * half, 1), 1, colour)


def text(
    image: np.ndarray,
    x: int,
    y: int,
    line: str,
    colour: Colour,
    glyphs: np.ndarray = font.LARGE,
) -> int:
    """Write one line, its capitals' top at y; returns the x behind it."""
    ink = font.written(line, glyphs)
    area = image[y : y + ink.shape[0], x : x + ink.shape[1]]
    area[ink[: area.shape[0], : area.shape[1]]] = colour
    return x + ink.shape[1]


def picture(image: np.ndarray, x: int, y: int, content: np.ndarray) -> None:
    """Put a picture [h, w, 3] uint8 at a place where it fits."""
    image[y : y + content.shape[0], x : x + content.shape[1]] = content


def resized(content: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pictures [n, h, w, 3] as [n, height, width, 3] uint8: dots are repeated, or averaged."""
    for axis, size in ((1, height), (2, width)):
        have = content.shape[axis]
        if size >= have:
            content = np.take(content, np.arange(size) * have // size, axis=axis)
            continue
        edges = np.arange(size + 1) * have // size
        shape = [1] * content.ndim
        shape[axis] = size
        sums = np.add.reduceat(content, edges[:-1], axis=axis, dtype=np.float64)
        content = np.rint(sums / np.diff(edges).reshape(shape))
    return content.astype(np.uint8)
