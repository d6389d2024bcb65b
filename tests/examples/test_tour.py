"""The notebook: its code runs from top to bottom, and its outputs are committed with it."""

import json
import re

import pytest
from example_scripts import EXAMPLES
from processes import run_script

TOUR = EXAMPLES / "tour.ipynb"


@pytest.fixture(scope="module")
def cells():
    return json.loads(TOUR.read_text(encoding="utf-8"))["cells"]


def code(cells):
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_its_cells_run_in_order(cells, tmp_path):
    script = tmp_path / "tour.py"
    script.write_text("\n".join("".join(cell["source"]) for cell in code(cells)))
    done = run_script(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "reward -1" in done.stdout
    assert "Selection helps" in done.stdout and "reinforce" in done.stdout


def test_its_outputs_are_there_and_small(cells):
    assert TOUR.stat().st_size < 300_000
    assert [cell["execution_count"] for cell in code(cells)] == list(range(1, len(code(cells)) + 1))
    outputs = [output for cell in code(cells) for output in cell["outputs"]]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
    text = json.dumps(outputs)
    assert "Selection helps" in text and "validation accuracy" in text
    assert not {output["output_type"] for output in outputs} - {"stream", "display_data"}
    assert not re.search(r"/tmp|/home|/root|stderr", text)


def test_what_it_links_to_is_there(cells):
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    links = re.findall(r"\]\(([^)#]+)", "\n".join(texts))
    assert len(links) > 5
    assert [link for link in links if not (EXAMPLES / link).is_file()] == []
