"""What the tests of pictures share."""

import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure


@pytest.fixture
def figures(monkeypatch):
    """File name -> the figure that was saved there: a picture's texts, lines and cells."""
    saved, savefig = {}, Figure.savefig

    def listen(self, file, *args, **kwargs):
        # The name it is written under before it is renamed may be a temporary one.
        saved[re.sub(r"^\.(.+)\.\d+\.part(\.\w+)$", r"\1\2", Path(file).name)] = self
        return savefig(self, file, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", listen)
    return saved
