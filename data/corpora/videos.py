"""The videos of a folder, found by the paths that split files list."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from frame_select_env.errors import FrameSelectError


class Videos:
    """The videos of a folder, and a list of those that a split file names in vain.

    Attributes:
        folder: Where they lie, for messages.
        ids: [N] paths below the folder, without suffix: `class/video`.
        missing: A line per listed video that is not here, as `find` met them.
    """

    def __init__(self, folder: Path, ids: list[str]) -> None:
        self.folder = folder
        self.ids = ids
        self.missing: list[str] = []
        self._exact = dict.fromkeys(ids)
        # None: two videos differ in case alone, so that case is needed to tell them apart.
        self._folded: dict[str, str | None] = {}
        for name in ids:
            folded = name.casefold()
            self._folded[folded] = None if folded in self._folded else name

    def find(self, listed: str, where: str, name: str | None = None) -> str | None:
        """The id that a listed path means; None, and a line in `missing`, if there is none.

        Case is ignored where that is unambiguous: UCF101's lists and archive spell
        v_HandStandPushups differently, and class folders are `Anger` here and `anger` there.

        Args:
            listed: `class/video` or `class/video.avi`, either slash.
            where: The file and line, for the message.
            name: What the file calls the video, if not `listed`.
        """
        path = PurePosixPath(listed.strip().replace("\\", "/"))
        # The whole name first: a dot inside a name is no suffix, nor is a number after it.
        suffix = path.suffix and not path.suffix[1:].isdecimal()
        candidates = [str(path), str(path.with_suffix(""))] if suffix else [str(path)]
        for candidate in candidates:
            if candidate in self._exact:
                return candidate
        for candidate in candidates:
            if found := self._folded.get(candidate.casefold()):
                return found
        self.missing.append(f"{where}: video {name or listed!r} has no file in {self.folder}")
        return None

    def classes(self) -> list[str]:
        """The class folder that each video lies in, [N].

        Raises:
            FrameSelectError: naming a video that lies in no class folder.
        """
        for name in self.ids:
            if "/" not in name:
                raise FrameSelectError(
                    f"{self.folder}/{name}: lies in no class folder; move it into one, or give a "
                    "CSV with a label column"
                )
        return [name.split("/")[0] for name in self.ids]


def read_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Line numbers from 1, and stripped lines that are not empty.

    Raises:
        FrameSelectError: if the file is missing or no text.
    """
    try:
        # utf-8-sig: editors may put a byte order mark before the first line.
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise FrameSelectError(f"{file}: is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FrameSelectError(f"{file}: cannot be read as UTF-8 text: {error}") from None
    for line, content in enumerate(text.splitlines(), start=1):
        if content.strip():
            yield line, content.strip()
