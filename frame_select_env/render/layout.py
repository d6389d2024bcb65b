"""Where things stand in the image; it depends on the environment alone, never on the episode."""

from dataclasses import dataclass

from frame_select_env.render.scene import SHOWN_CLASSES, Scene

MARGIN = 24
CONTENT = 900  # dots between the margins
LINE = 26  # dots from one line of text to the next
LARGEST_PITCH = 72
# The smallest pitch that is tried, then smaller ones while the tiles would take too much height.
PITCHES = (24, 16, 12, 8, 6, 5)
TILES_HEIGHT = 400
PANEL_LINES = 7


@dataclass(frozen=True)
class Layout:
    """Sizes and places in dots.

    Attributes:
        columns: Tiles in a line. pitch: From one tile to the next.
        tile: Width and height of a tile.
        above: Free above a tile, for the cursor. below: Beneath it, for the underline and a gap.
        tiles_top, legend_top, panel_top: Where the parts begin.
        bar_rows: Classes shown. bar_pitch: From one class to the next.
        height, width: Of the image; both even, as video encoders demand.
    """

    columns: int
    pitch: int
    tile: tuple[int, int]
    above: int
    below: int
    tiles_top: int
    legend_top: int
    panel_top: int
    bar_rows: int
    bar_pitch: int
    height: int
    width: int

    @staticmethod
    def of(scene: Scene) -> "Layout":
        """The layout of the environment that the scene belongs to."""
        frames, aspect = len(scene.selected), 1.0
        if scene.thumbnails is not None:
            aspect = scene.thumbnails.shape[1] / scene.thumbnails.shape[2]
        for smallest in PITCHES:
            rows = -(-frames // (CONTENT // smallest))
            columns = -(-frames // rows)
            pitch = min(CONTENT // columns, LARGEST_PITCH)
            width = pitch - max(pitch // 9, 1)
            # Pictures much longer than wide, or wider than long, are squeezed.
            tile_height = max(round(width * min(max(aspect, 0.5), 1.5)), 1)
            above, below = max(pitch // 4, 2), max(pitch // 4, 3)
            cell = above + tile_height + below
            if rows * cell <= TILES_HEIGHT:
                break
        tiles_top = MARGIN + LINE
        legend_top = tiles_top + rows * cell + 6
        panel_top = legend_top + LINE + 12
        bar_rows = min(len(scene.classes), SHOWN_CLASSES)
        bar_pitch = LINE if bar_rows <= PANEL_LINES else 22
        bottom = panel_top + max(bar_rows * bar_pitch, PANEL_LINES * LINE)
        height = bottom + MARGIN - 6
        return Layout(
            columns=columns,
            pitch=pitch,
            tile=(width, tile_height),
            above=above,
            below=below,
            tiles_top=tiles_top,
            legend_top=legend_top,
            panel_top=panel_top,
            bar_rows=bar_rows,
            bar_pitch=bar_pitch,
            height=height + height % 2,
            width=2 * MARGIN + CONTENT,
        )

    def place(self, frame: int) -> tuple[int, int]:
        """The top left corner (x, y) of a frame's tile."""
        row, column = divmod(frame, self.columns)
        cell = self.above + self.tile[1] + self.below
        return MARGIN + column * self.pitch, self.tiles_top + row * cell + self.above
