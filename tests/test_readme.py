"""Every snippet of the README runs as it stands, in order; its links lead somewhere."""

import re

import pytest
from snippets import ROOT, blocks, link, run

README = ROOT / "README.md"
BLOCKS = blocks(README)


@pytest.fixture(scope="module")
def folder(what_pages_need, tmp_path_factory):
    return link(what_pages_need, tmp_path_factory.mktemp("readme"))


def test_the_readme_has_snippets_of_both_kinds():
    assert {kind for kind, _, _ in BLOCKS} == {"python", "bash"}


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_snippet(folder, number):
    run(folder, number, *BLOCKS[number])


def test_it_has_at_most_1500_words():
    assert len(README.read_text().split()) <= 1500


def test_pictures_and_links_exist():
    for target in re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", README.read_text()):
        name = "".join(target)
        if not name.startswith("http"):
            assert (ROOT / name).exists(), name
