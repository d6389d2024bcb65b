"""Progress of long work: a bar, or, where there is no terminal, a line every minute."""

import time
from typing import Any

from rich.progress import Progress, TaskID

LINE_SECONDS = 60.0


class LoggedProgress(Progress):
    """rich's bars; on a console that is no terminal, which shows none, a line every minute.

    A batch queue's log then tells how far a job is. A line has the description of what has
    advanced, how much of it is done, the time since it began, and the task's other fields.
    """

    def __init__(self, *columns: Any, **options: Any) -> None:
        super().__init__(*columns, **options)
        self._told = time.monotonic()

    def update(self, task_id: TaskID, **fields: Any) -> None:
        """As `Progress.update`."""
        super().update(task_id, **fields)
        self._tell(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """As `Progress.advance`."""
        super().advance(task_id, advance)
        self._tell(task_id)

    def _tell(self, task_id: TaskID) -> None:
        now = time.monotonic()
        if self.disable or self.console.is_terminal or now - self._told < LINE_SECONDS:
            return
        self._told = now
        task = self._tasks[task_id]
        total = "" if task.total is None else f" of {task.total:.0f}"
        parts = [f"{task.description}: {task.completed:.0f}{total}"]
        parts.append(f"{task.elapsed or 0:.0f} s")
        parts += [str(value) for value in task.fields.values() if value]
        self.console.print(", ".join(parts), highlight=False, markup=False, soft_wrap=True)
