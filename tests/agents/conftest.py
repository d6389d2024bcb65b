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


@pytest.fixture
def no_pictures(monkeypatch):
    """compare and evaluate draw nothing, which takes most of their time, where none looks at it."""
    for name in ("comparison.gallery.draw_pictures", "comparison.gallery.write_hparams"):
        monkeypatch.setattr(f"agents.{name}", lambda *arguments: [])
    for name in ("pictures.curves.plot_curves", "pictures.strips.plot_strips"):
        monkeypatch.setattr(f"agents.{name}", lambda *arguments, **options: None)
