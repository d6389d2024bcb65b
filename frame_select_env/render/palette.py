"""The colours: one hue for the selection, one for the truth, the rest is quiet.

The hues are those of Okabe and Ito, "Color Universal Design" (2008), which colour-blind people tell
apart.
"""

from frame_select_env.render.canvas import Colour

PAPER: Colour = (255, 255, 255)
INK: Colour = (34, 34, 34)
QUIET: Colour = (110, 110, 110)
PALE: Colour = (226, 226, 226)
BASELINE: Colour = (160, 160, 160)  # p0, all frames
KEPT: Colour = (213, 94, 0)  # the selection, and p1
TRUTH: Colour = (0, 114, 178)  # the true class, and the frames that truly matter
RIGHT: Colour = (0, 120, 88)
WRONG: Colour = (190, 30, 45)

# A class each, by turns, on tiles without a picture; none is a hue of the marks above.
CLASSES: tuple[Colour, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (125, 190, 90),
    (250, 150, 135),
    (204, 121, 167),
    (138, 109, 59),
    (140, 107, 177),
    (153, 153, 51),
)


def class_colour(number: int) -> Colour:
    """The colour of class `number`; colours repeat after ten."""
    return CLASSES[number % len(CLASSES)]
