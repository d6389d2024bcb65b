"""The site's pages: their snippets run, and what is made from the code is complete."""

import dataclasses
import importlib.util
import re

import pytest
from snippets import ROOT, blocks, link, run

from agents.commands.reproduce import STUDIES
from agents.registry import AGENTS, agent_design
from agents.suite.tasks import TASKS
from frame_select_env.envs import ENVIRONMENTS
from frame_select_env.rewards import reward_design, reward_names

DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if blocks(page))


def load_hooks():
    specification = importlib.util.spec_from_file_location("docs_hooks", DOCS / "hooks.py")
    hooks = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(hooks)
    return hooks


hooks = load_hooks()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_the_snippets_of_a_page_run(what_pages_need, tmp_path, page):
    link(what_pages_need, tmp_path)
    for number, block in enumerate(blocks(page)):
        run(tmp_path, number, *block)


def test_design_a_reward_has_snippets():
    assert DOCS / "rewards/design-a-reward.md" in PAGES


def test_every_built_in_reward_is_in_the_table():
    table = hooks.rewards()
    for name in reward_names():
        if reward_design(name).function.__module__.startswith("frame_select_env."):
            assert f"| `{name}` |" in table


def test_every_environment_has_a_page_with_its_docstring_and_an_animation():
    pages = {page: page.read_text() for page in (DOCS / "environments").glob("*.md")}
    for name in ENVIRONMENTS:
        ((page, text),) = (
            one for one in pages.items() if f"<!-- generated: environment {name} -->" in one[1]
        )
        assert (DOCS / "pictures" / f"{page.stem}.gif").stat().st_size < 400_000
        assert f"../pictures/{page.stem}.gif" in text
        made = hooks.on_page_markdown(text)
        assert "<!--" not in made
        assert "## Action Space" in made and "```pycon\n>>> import gymnasium" in made


def test_every_hyper_parameter_has_a_default_and_a_meaning():
    page = hooks.hyperparameters()
    for name in AGENTS:
        design = agent_design(name)
        section = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
        for field in dataclasses.fields(design.presets["tuned"]):
            row = re.search(rf"^\| `{field.name}` \| `(.*?)` \| .* \| (.+) \|$", section, re.M)
            assert row, (name, field.name)
            assert row[1] == str(getattr(design.presets["tuned"], field.name))


def test_every_table_to_reproduce_is_listed_with_its_caches():
    page = hooks.on_page_markdown((DOCS / "results/reproduce.md").read_text())
    assert "<!--" not in page
    rows = {row.split(" | ")[0]: row for row in page.splitlines() if row.startswith("| `")}
    for name, study in STUDIES.items():
        row = rows[f"| `{name}`"]
        assert study.title in row
        assert all(f"`{source}`" in row for source in study.sources if source)
    assert "`in-sample` (by name only)" in rows["| `as-ablation`"]


def test_nothing_of_a_clone_is_on_the_site():
    pages = [page.read_text() for page in DOCS.rglob("*.md")]
    marked = [text for text in pages if "<!-- generated: " in text]
    assert len(marked) > 7
    for text in marked:
        assert text.count("<!-- generated: ") == text.count("\n*In a clone: ")
        made = hooks.on_page_markdown(text)
        assert "<!-- generated" not in made and "In a clone" not in made


def test_cells_escape_bars():
    assert hooks.table(("a",), [("x|y",)]) == "| a |\n| --- |\n| x\\|y |"


def test_every_task_of_the_suite_is_in_the_table_with_a_command_that_makes_its_videos():
    rows = [line for line in hooks.suite_tasks().splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in rows] == list(TASKS)
    assert "`frame-select cues OUT.h5 --label-noise 0.5`" in hooks.suite_tasks()
    assert " --noise 0.05 --trimmed-head --lengths 280 300 " in hooks.suite_tasks()
    assert "<!-- generated: suite-tasks -->" in (DOCS / "results/suite.md").read_text()
