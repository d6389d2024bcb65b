"""The render mode "rgb_array": an episode as an image, drawn with Pillow."""

from functools import lru_cache
from typing import NamedTuple
from unicodedata import combining, normalize

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from frame_select_env.render.scene import SHOWN_CLASSES, Scene

Colour = tuple[int, int, int]

# One hue for the selection, one for the truth, the rest is quiet. The hues are those of Okabe and
# Ito, "Color Universal Design" (2008), which colour-blind people can tell apart.
PAPER: Colour = (255, 255, 255)
INK: Colour = (34, 34, 34)
QUIET: Colour = (105, 105, 105)
PALE: Colour = (222, 222, 222)
BASELINE: Colour = (160, 160, 160)  # p0, all frames
KEPT: Colour = (213, 94, 0)  # the selection, and p1
TRUTH: Colour = (0, 114, 178)  # the true class, and the frames that truly matter
RIGHT: Colour = (0, 120, 88)
WRONG: Colour = (190, 30, 45)
# Predicted classes, for tiles without a thumbnail; after ten they repeat.
CLASSES: tuple[Colour, ...] = (
    *((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (125, 190, 90)),
    *((250, 150, 135), (204, 121, 167), (138, 109, 59), (140, 107, 177), (153, 153, 51)),
)

# Sizes in pixels; the text is legible when the image is shown 640 pixels wide.
WIDTH, MARGIN = 960, 30
CONTENT = WIDTH - 2 * MARGIN
TEXT, SMALL = 21, 18
LINE = 30
TILES_HEIGHT, LARGEST_PITCH = 250, 90
NAMES, BARS, VALUES = 140, 250, 110  # width of the classes' names, the longest bar, the numbers
WORDS = MARGIN + NAMES + BARS + VALUES + 40  # left edge of the text beside the bars
PANEL_LINES = 7
FADED = 0.75  # share of paper in a frame that was discarded


class Layout(NamedTuple):
    """Sizes and positions, which depend on the environment alone, never on the episode."""

    columns: int  # tiles in a line
    pitch: int  # from one tile to the next
    tile: tuple[int, int]  # width and height
    gap: int  # above a tile, for the cursor, and below it, for the line under important frames
    legend_top: int
    panel_top: int
    bar_pitch: int  # from one class to the next
    height: int

    def corner(self, frame: int) -> tuple[int, int]:
        """The top left corner (x, y) of a frame's tile."""
        row, column = divmod(frame, self.columns)
        line = self.tile[1] + 2 * self.gap
        return MARGIN + column * self.pitch, MARGIN + LINE + row * line + self.gap


def layout_of(scene: Scene) -> Layout:
    """The layout of the environment that the scene belongs to: the largest tiles that fit."""
    frames, aspect = len(scene.selected), 1.0
    if scene.thumbnails is not None:
        aspect = scene.thumbnails.shape[1] / scene.thumbnails.shape[2]
        aspect = min(max(aspect, 0.5), 1.5)  # longer and wider thumbnails are squeezed
    found: tuple[int, int, tuple[int, int], int] | None = None
    bottom = 0
    for rows in range(1, frames + 1):
        columns = -(-frames // rows)
        pitch = max(min(CONTENT // columns, LARGEST_PITCH), 1)
        width = max(pitch - max(pitch // 12, 1), 1)
        tile, gap = (width, max(round(width * aspect), 1)), max(pitch // 7, 2)
        height = rows * (tile[1] + 2 * gap)
        if height > TILES_HEIGHT:
            break
        if found is None or pitch >= 1.25 * found[1]:  # more lines only for much larger tiles
            found, bottom = (columns, pitch, tile, gap), height
    assert found is not None
    legend_top = MARGIN + LINE + bottom + 8
    panel_top = legend_top + LINE + 14
    bars = min(len(scene.classes), SHOWN_CLASSES)
    bar_pitch = LINE if bars <= PANEL_LINES else 26
    height = panel_top + max(bars * bar_pitch, PANEL_LINES * LINE) + MARGIN - 8
    height += height % 2  # video encoders demand even sizes
    return Layout(*found, legend_top, panel_top, bar_pitch, height)


def draw_picture(scene: Scene) -> np.ndarray:
    """The image [H, W, 3] uint8; its size is the same for all episodes of an environment."""
    layout = layout_of(scene)
    image = Image.new("RGB", (WIDTH, layout.height), PAPER)
    draw = ImageDraw.Draw(image)
    _draw_header(draw, scene)
    for frame in range(len(scene.selected)):
        _draw_tile(image, scene, layout, frame)
    _draw_legend(draw, scene, layout)
    _draw_bars(draw, scene, layout)
    _draw_words(draw, scene, layout)
    return np.array(image)


def _draw_header(draw: ImageDraw.ImageDraw, scene: Scene) -> None:
    """The video's id on the left, the true class on the right."""
    true = ""
    if scene.truth:
        true = _fitted(scene.truth, CONTENT // 2)
        draw.text((WIDTH - MARGIN, MARGIN), true, TRUTH, _font(TEXT), "rt")
    free = CONTENT - int(_font(TEXT).getlength(true)) - 24
    draw.text((MARGIN, MARGIN), _fitted(f"video {scene.video}", free), INK, _font(TEXT), "lt")


def _draw_tile(image: Image.Image, scene: Scene, layout: Layout, frame: int) -> None:
    """One frame: orange frame if kept, faded if discarded, underlined if it matters."""
    draw = ImageDraw.Draw(image)
    (x, y), (width, height), gap = layout.corner(frame), layout.tile, layout.gap
    if frame >= scene.length:
        draw.line((x + width // 4, y + height // 2, x + 3 * width // 4, y + height // 2), PALE, 2)
        return
    if scene.thumbnails is not None:
        source = Image.fromarray(scene.thumbnails[frame])
        larger = width >= source.width and height >= source.height
        tile = source.resize((width, height), Image.Resampling(0 if larger else 4))  # nearest, box
    else:
        tile = _coloured_tile(scene, frame, width, height)
    if scene.decided[frame] and not scene.selected[frame]:
        tile = Image.blend(tile, Image.new("RGB", tile.size, PAPER), FADED)
    image.paste(tile, (x, y))
    if scene.selected[frame]:
        thick = max(width // 12, 2) if width > 6 else 1
        draw.rectangle((x, y, x + width - 1, y + height - 1), outline=KEPT, width=thick)
    if scene.cursor is not None and scene.cursor[frame]:
        _draw_cursor(draw, x + width // 2, y - 2, max(gap - 3, 2))
    if scene.important is not None and scene.important[frame]:
        thick = max(gap // 3, 1)
        top = y + height + max(gap // 4, 1)
        draw.rectangle((x, top, x + width - 1, top + thick - 1), TRUTH)


def _draw_cursor(draw: ImageDraw.ImageDraw, x: int, y: int, size: int) -> None:
    """A triangle that points down at (x, y)."""
    draw.polygon(((x - size, y - size), (x + size, y - size), (x, y)), INK)


def _coloured_tile(scene: Scene, frame: int, width: int, height: int) -> Image.Image:
    """A tile without a thumbnail: the predicted class and probability, or the first target."""
    prediction = scene.predictions[frame]
    if scene.right is None:
        low, high = scene.bounds
        share = (float(prediction[0]) - low) / ((high - low) or 1.0)
        colour, words = TRUTH, [f"{prediction[0]:.1f}"]
    else:
        top = int(prediction.argmax())
        share = float(prediction[top])
        colour, words = CLASSES[top % len(CLASSES)], [scene.classes[top], f"{100 * share:.0f}%"]
    back = _mixed(PAPER, colour, 0.15 + 0.75 * min(max(share, 0.0), 1.0))
    tile = Image.new("RGB", (width, height), back)
    if width >= 30:  # narrower tiles are too small to write on
        size = min(TEXT, 8 + width // 9)
        lines = "\n".join(_fitted(word, width - width // 6, size) for word in words)
        ink = INK if sum(back) > 330 else PAPER
        ImageDraw.Draw(tile).multiline_text(
            (width / 2, height / 2), lines, ink, _font(size), "mm", spacing=2, align="center"
        )
    return tile


def _draw_legend(draw: ImageDraw.ImageDraw, scene: Scene, layout: Layout) -> None:
    """One line under the tiles: what the marks mean, of those that the environment uses."""
    x, y, size = MARGIN, layout.legend_top, 16
    names = ["kept", "discarded", "next", "truly matters", "padding"]
    if scene.cursor is None:
        names.remove("next")
    if scene.important is None:
        names.remove("truly matters")
    for name in names:
        box = (x, y, x + size - 1, y + size - 1)
        if name == "kept":
            draw.rectangle(box, BASELINE, KEPT, 3)
        elif name == "discarded":
            draw.rectangle(box, _mixed(BASELINE, PAPER, FADED))
        elif name == "next":
            _draw_cursor(draw, x + size // 2, y + size - 3, size // 2)
        elif name == "truly matters":
            draw.rectangle((x, y + size - 5, x + size - 1, y + size - 1), TRUTH)
        else:
            draw.line((x, y + size // 2, x + size, y + size // 2), PALE, 2)
        draw.text((x + size + 8, y + size // 2), name, QUIET, _font(SMALL), "lm")
        x += size + 8 + int(_font(SMALL).getlength(name)) + 26
    if scene.thumbnails is None and layout.tile[0] >= 30:
        meaning = scene.classes[0] if scene.right is None else "predicted class"
        words = _fitted(f"tile: {meaning}", WIDTH - MARGIN - x, SMALL)
        draw.text((x, y + size // 2), words, QUIET, _font(SMALL), "lm")


def _draw_bars(draw: ImageDraw.ImageDraw, scene: Scene, layout: Layout) -> None:
    """Two bars per class, p0 above p1, and their values; the true class has a blue background."""
    low, high = scene.bounds
    scale = BARS / ((high - low) or 1.0)
    left, pitch = MARGIN + NAMES, layout.bar_pitch
    zero, thick = left + round(-low * scale), (pitch - 6) // 2
    numbers = scene.shown_classes()
    for row, number in enumerate(numbers):
        y, colour = layout.panel_top + row * pitch, INK
        middle = y + thick
        if scene.right is not None and number == scene.label:
            colour = TRUTH
            band = (MARGIN, y - 3, left + BARS + VALUES, y - 4 + pitch)
            draw.rectangle(band, _mixed(TRUTH, PAPER, 0.85))
        name = _fitted(scene.classes[number], NAMES - 20)
        draw.text((left - 12, middle), name, colour, _font(TEXT), "rm")
        for line, (p, hue) in enumerate(((scene.p0, BASELINE), (scene.p1, KEPT))):
            reach, top = round(float(p[number]) * scale), y + line * thick
            start = max(min(zero, zero + reach), left)
            if reach:
                draw.rectangle((start, top, start + abs(reach) - 1, top + thick - 1), hue)
            x = left + BARS + 12 + 50 * line
            draw.text((x, middle), f"{p[number]:.2f}", (QUIET, KEPT)[line], _font(SMALL), "lm")
        if scene.right is None:  # the true value, as a tick across both bars
            tick = zero + round(float(np.asarray(scene.label)[number]) * scale)
            draw.rectangle((tick - 2, y - 2, tick + 1, y + 2 * thick + 1), TRUTH)
    foot = layout.panel_top + len(numbers) * pitch - 5
    draw.rectangle((zero - 1, layout.panel_top - 3, zero, foot), INK)


def _draw_words(draw: ImageDraw.ImageDraw, scene: Scene, layout: Layout) -> None:
    """The answers from all frames and from the kept ones, the reward, and what comes next."""
    y, room = layout.panel_top, WIDTH - MARGIN - WORDS
    heads = (f"p0: all {scene.length} frames", f"p1: {scene.kept} frames kept")
    for which, head in enumerate(heads):
        draw.rectangle((WORDS, y, WORDS + 15, y + 15), (BASELINE, KEPT)[which])
        draw.text((WORDS + 26, y + 8), _fitted(head, room - 26), INK, _font(TEXT), "lm")
        colour = INK
        if scene.right is not None and scene.labelled and (which == 0 or scene.kept):
            colour = RIGHT if scene.right[which] else WRONG
        answer = _fitted(scene.answer(which), room - 26)
        draw.text((WORDS + 26, y + 8 + LINE - 3), answer, colour, _font(TEXT), "lm")
        y += 2 * LINE + 4
    draw.text((WORDS, y + 18), f"reward so far {scene.reward:+.3f}", INK, _font(TEXT), "lm")
    draw.text((WORDS, y + 18 + LINE), _fitted(scene.status, room), QUIET, _font(TEXT), "lm")


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _fitted(text: str, width: int, size: int = TEXT) -> str:
    """`text`, its end replaced by ".." where it is wider than `width` pixels."""
    font = _font(size)
    # Without accents, which Pillow's font does not have.
    text = "".join(c for c in normalize("NFKD", text) if not combining(c))
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}..") > width:
        text = text[:-1]
    return f"{text}.."


def _mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """`colour` with `share` (0 to 1) of `other` mixed in."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue
