"""The frames of a video as tiles, with the marks on and around them, and what the marks mean."""

import numpy as np

from frame_select_env.render import canvas, font, palette
from frame_select_env.render.layout import MARGIN, Layout
from frame_select_env.render.scene import Scene

FADED = 0.72  # share of paper in a frame that was discarded
SWATCH = 14
WORDED = 22  # the least width of a tile that is written on


def draw_tiles(image: np.ndarray, scene: Scene, layout: Layout) -> None:
    """All T frames: kept ones framed, discarded ones faded, those that matter underlined."""
    width, height = layout.tile
    border = max(2, width // 10) if width > 6 else 1
    pictures = None
    if scene.thumbnails is not None:
        pictures = canvas.resized(scene.thumbnails, height, width)
    for frame in range(len(scene.selected)):
        x, y = layout.place(frame)
        if frame >= scene.length:
            middle = y + height // 2
            canvas.fill(image, x + width // 4, middle - 1, width // 2, 2, palette.PALE)
            continue
        if pictures is not None:
            canvas.picture(image, x, y, pictures[frame])
        else:
            _coloured(image, x, y, scene, frame, layout)
        if scene.selected[frame]:
            canvas.outline(image, x, y, width, height, palette.KEPT, border)
        elif scene.decided[frame]:
            _fade(image[y : y + height, x : x + width])
        if scene.cursor is not None and scene.cursor[frame]:
            size = max(layout.above - 2, 2)
            wide = min(2 * size, width)
            left = x + (width - wide) // 2
            canvas.triangle(image, left, y - size - 1, wide, size, palette.INK)
        if scene.important is not None and scene.important[frame]:
            thick = max(layout.below // 3, 1)
            canvas.fill(image, x, y + height + 1 + thick // 2, width, thick, palette.TRUTH)


def _fade(area: np.ndarray) -> None:
    paper = np.array(palette.PAPER)
    area[:] = np.rint(area + (paper - area) * FADED)


def _coloured(image: np.ndarray, x: int, y: int, scene: Scene, frame: int, layout: Layout) -> None:
    """A tile without a picture: the predicted class and its probability, by colour and in words.

    For a regression it is the first target's value, from white (the least) to blue.
    """
    width, height = layout.tile
    prediction = scene.predictions[frame]
    if scene.right is None:
        low, high = scene.bounds
        share = (float(prediction[0]) - low) / ((high - low) or 1.0)
        colour, words = palette.TRUTH, [f"{prediction[0]:.1f}"]
    else:
        top = int(prediction.argmax())
        share = float(prediction[top])
        colour, words = palette.class_colour(top), [scene.classes[top], f"{100 * share:.0f}"]
    back = canvas.mixed(palette.PAPER, colour, 0.15 + 0.75 * min(max(share, 0.0), 1.0))
    canvas.fill(image, x, y, width, height, back)
    glyphs = font.LARGE if width >= 60 else font.SMALL
    line = glyphs.shape[1]
    # Dark ink on a light tile, light ink on a dark one.
    ink = palette.INK if sum(back) > 330 else palette.PAPER
    if width < WORDED:
        return
    for place, word in enumerate(words):
        shown = font.fitted(word, width - 6, glyphs)
        left = x + (width - glyphs.shape[2] * len(shown)) // 2 + 1
        top = y + (height - line * len(words)) // 2 + place * line + 1
        canvas.text(image, left, top, shown, ink, glyphs)


def draw_legend(image: np.ndarray, scene: Scene, layout: Layout) -> None:
    """One line beneath the tiles: what the marks mean, as far as the environment has them."""
    x, y = MARGIN, layout.legend_top
    shown = {
        "kept": True,
        "discarded": True,
        "next": scene.cursor is not None,
        "truly matters": scene.important is not None,
        "padding": True,
    }
    for name in (name for name, wanted in shown.items() if wanted):
        box = (x, y, SWATCH, SWATCH)
        if name == "kept":
            canvas.fill(image, *box, palette.BASELINE)
            canvas.outline(image, *box, palette.KEPT, 3)
        elif name == "discarded":
            canvas.fill(image, *box, palette.BASELINE)
            _fade(image[y : y + SWATCH, x : x + SWATCH])
        elif name == "next":
            canvas.triangle(image, x, y + 2, SWATCH, SWATCH - 4, palette.INK)
        elif name == "truly matters":
            canvas.fill(image, x, y + SWATCH - 5, SWATCH, 5, palette.TRUTH)
        else:
            canvas.fill(image, x, y + SWATCH // 2 - 1, SWATCH, 2, palette.PALE)
        x = canvas.text(image, x + SWATCH + 6, y, name, palette.QUIET) + 18
    if scene.thumbnails is None and layout.tile[0] >= WORDED:
        meaning = scene.classes[0] if scene.right is None else "class, %"
        free = layout.width - MARGIN - x
        canvas.text(image, x, y, font.fitted(f"tile: {meaning}", free), palette.QUIET)
