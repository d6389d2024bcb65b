"""The render mode "ansi": an episode as lines of text."""

import numpy as np

from frame_select_env.render.scene import Scene, shown_classes, verdict

KEPT, DISCARDED, OPEN, NEXT, PADDING, IMPORTANT = "#", ".", "o", ">", "-", "^"
LEGEND = f"{KEPT} kept  {DISCARDED} discarded  {OPEN} open  {PADDING} padding"


def ansi(scene: Scene) -> str:
    """The frames in a line, p0 and p1 of the top classes, and how the episode stands."""
    truth = "" if scene.right is None else f"   true class {scene.classes[int(scene.label)]}"
    following = "" if scene.cursor is None else f"  {NEXT} next"
    lines = [f"video {scene.video}{truth}", f"frames     {_frames(scene)}   {LEGEND}{following}"]
    if scene.important is not None:
        marks = "".join(IMPORTANT if frame else " " for frame in scene.important)
        lines.append(f"important  {marks}".rstrip())
    lines += _table(scene)
    lines.append(f"all {scene.length} frames: {verdict(scene, 0)}")
    lines.append(f"{scene.kept} kept: {verdict(scene, 1)}")
    lines.append(f"reward so far {round(scene.reward, 3) + 0.0:+.3f}   {scene.status}")
    return "\n".join(lines) + "\n"


def _frames(scene: Scene) -> str:
    marks = np.where(scene.decided, DISCARDED, OPEN)
    if scene.cursor is not None:
        marks[scene.cursor] = NEXT
    marks[scene.selected] = KEPT
    marks[scene.length :] = PADDING
    return "".join(marks)


def _table(scene: Scene) -> list[str]:
    """A line per class: its name, p0, p1, and which is true; a regression has the true value."""
    shown = shown_classes(scene)
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
