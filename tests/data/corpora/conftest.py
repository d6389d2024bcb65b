"""Hand-made official files, and what must be refused."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from data.corpora.read import read_corpus
from frame_select_env.errors import FrameSelectError

Official = Callable[[str, Mapping[str, str | None]], str]
Refused = Callable[..., str]


@pytest.fixture
def official(tmp_path: Path) -> Official:
    """Writes text files into a folder and returns `kind:folder`; None: no such file."""

    def write(kind: str, files: Mapping[str, str | None]) -> str:
        directory = tmp_path / "official"
        directory.mkdir(exist_ok=True)
        for name, text in files.items():
            if text is not None:
                (directory / name).write_text(text, encoding="utf-8")
        return f"{kind}:{directory}"

    return write


@pytest.fixture
def refused() -> Refused:
    """Reads a split file, which must fail, and returns the one line that says why."""

    def read(split_file: str | None, ids: list[str], words: list[str], seed: int = 0) -> str:
        with pytest.raises(FrameSelectError) as error:
            read_corpus(split_file, Path("features"), ids, seed)
        line = str(error.value)
        assert "\n" not in line
        for word in words:
            assert word in line
        return line

    return read
