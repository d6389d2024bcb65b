"""The render mode "rgb_array": an episode as an image."""

import numpy as np

from frame_select_env.render import canvas, font, palette
from frame_select_env.render.layout import CONTENT, LINE, MARGIN, Layout
from frame_select_env.render.scene import Scene, shown_classes, verdict
from frame_select_env.render.tiles import draw_legend, draw_tiles

NAMES = 144  # dots for the classes' names
BARS = 260  # dots for the longest bar
VALUES = 132  # dots for the numbers behind the bars
WORDS = MARGIN + NAMES + BARS + VALUES + 40  # where the words beside the bars begin


def draw(scene: Scene, layout: Layout) -> np.ndarray:
    """The image [H, W, 3] uint8; its size depends on the layout alone."""
    image = canvas.blank(layout.height, layout.width, palette.PAPER)
    _header(image, scene)
    draw_tiles(image, scene, layout)
    draw_legend(image, scene, layout)
    _bars(image, scene, layout)
    _words(image, scene, layout)
    return image


def _header(image: np.ndarray, scene: Scene) -> None:
    """The video's id on the left, the true class on the right."""
    true = ""
    if scene.right is not None:
        true = font.fitted(f"true class {scene.classes[int(scene.label)]}", CONTENT // 2)
    wide = font.LARGE.shape[2]
    free = CONTENT - wide * (len(true) + 2)
    canvas.text(image, MARGIN, MARGIN, font.fitted(f"video {scene.video}", free), palette.INK)
    canvas.text(image, MARGIN + CONTENT - wide * len(true), MARGIN, true, palette.TRUTH)


def _bars(image: np.ndarray, scene: Scene, layout: Layout) -> None:
    """A pair of bars per class, p0 above p1, and their values; the true class lies on blue."""
    low, high = scene.bounds
    scale = BARS / ((high - low) or 1.0)
    left = MARGIN + NAMES
    zero = left + round(-low * scale)
    thick = (layout.bar_pitch - 6) // 2
    numbers = shown_classes(scene)
    for row, number in enumerate(numbers):
        y = layout.panel_top + row * layout.bar_pitch
        true = scene.right is not None and number == scene.label
        if true:
            band = canvas.mixed(palette.TRUTH, palette.PAPER, 0.82)
            wide = NAMES + BARS + VALUES + 10
            canvas.fill(image, MARGIN, y - 3, wide, layout.bar_pitch, band)
        name = font.fitted(scene.classes[number], NAMES - 24)
        end = MARGIN + NAMES - 10 - font.LARGE.shape[2] * len(name)
        canvas.text(image, end, y + 1, name, palette.TRUTH if true else palette.INK)
        values = (scene.p0[number], scene.p1[number])
        for place, value in enumerate(values):
            reach = round(float(value) * scale)
            x, top = min(zero, zero + reach), y + place * thick
            colour = (palette.BASELINE, palette.KEPT)[place]
            canvas.fill(image, max(x, left), top, abs(reach), thick, colour)
        if scene.right is None:
            # The true value as a tick across both bars.
            tick = zero + round(float(np.asarray(scene.label)[number]) * scale)
            canvas.fill(image, tick - 2, y - 2, 4, 2 * thick + 4, palette.TRUTH)
        x = canvas.text(image, left + BARS + 10, y + 1, f"{values[0]:.2f} ", palette.QUIET)
        canvas.text(image, x, y + 1, f"{values[1]:.2f}", palette.KEPT)
    foot = layout.panel_top + len(numbers) * layout.bar_pitch - 4
    canvas.fill(image, zero - 1, layout.panel_top - 3, 2, foot - layout.panel_top + 3, palette.INK)


def _words(image: np.ndarray, scene: Scene, layout: Layout) -> None:
    """What all frames say, what the kept ones say, the reward, and what is next."""
    y, room = layout.panel_top, MARGIN + CONTENT - WORDS
    heads = (f"p0: all {scene.length} frames", f"p1: {scene.kept} frames kept")
    for which, head in enumerate(heads):
        canvas.fill(image, WORDS, y, 14, 14, (palette.BASELINE, palette.KEPT)[which])
        canvas.text(image, WORDS + 24, y, font.fitted(head, room - 24), palette.INK)
        colour = palette.INK
        if scene.right is not None and (which == 0 or scene.kept):
            colour = palette.RIGHT if scene.right[which] else palette.WRONG
        words = font.fitted(verdict(scene, which), room - 24)
        canvas.text(image, WORDS + 24, y + LINE - 4, words, colour)
        y += 2 * LINE
    y += LINE // 2
    reward = f"reward so far {round(scene.reward, 3) + 0.0:+.3f}"
    canvas.text(image, WORDS, y, reward, palette.INK)
    canvas.text(image, WORDS, y + LINE, font.fitted(scene.status, room), palette.QUIET)
