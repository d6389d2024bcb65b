"""The render mode "ansi": an episode as lines of text."""

import numpy as np

from frame_select_env.render.scene import Scene

KEPT, DISCARDED, OPEN, NEXT, PADDING, IMPORTANT = "#", ".", "o", ">", "-", "^"
LEGEND = f"{KEPT} kept  {DISCARDED} discarded  {OPEN} open  {PADDING} padding"


def draw_text(scene: Scene) -> str:
    """The frames in a line, p0 and p1 of the top classes, the answers and the reward."""
    truth = "" if scene.right is None else f"   true class {scene.classes[int(scene.label)]}"
    legend = LEGEND if scene.cursor is None else f"{LEGEND}  {NEXT} next"
    marks = np.where(scene.decided, DISCARDED, OPEN)
    if scene.cursor is not None:
        marks[scene.cursor] = NEXT
    marks[scene.selected] = KEPT
    marks[scene.length :] = PADDING
    lines = [f"video {scene.video}{truth}", f"frames     {''.join(marks)}   {legend}"]
    if scene.important is not None:
        lines.append("important  " + "".join(np.where(scene.important, IMPORTANT, " ")).rstrip())
    lines += _table(scene)
    lines.append(f"all {scene.length} frames: {scene.answer(0)}")
    lines.append(f"{scene.kept} kept: {scene.answer(1)}")
    lines.append(f"reward so far {scene.reward:+.3f}   {scene.status}")
    return "\n".join(lines) + "\n"


def _table(scene: Scene) -> list[str]:
    """A line per class: its name, p0, p1, and which is true; for a regression the true value."""
    shown = scene.shown_classes()
    width = max(6, *(len(scene.classes[number]) for number in shown))
    regression = scene.right is None
    head = f"{'target' if regression else 'class':{width}}      p0      p1"
    lines = [f"{head}    true" if regression else head]
    for number in shown:
        line = f"{scene.classes[number]:{width}}  {scene.p0[number]:6.3f}  {scene.p1[number]:6.3f}"
        if regression:
            line += f"  {np.asarray(scene.label)[number]:6.3f}"
        elif number == scene.label:
            line += "  true"
        lines.append(line)
    return lines
