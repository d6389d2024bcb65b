"""summary.md and report.html: what they tell, and that data cannot break out of them."""

import base64
import csv
import io
import re
from html.parser import HTMLParser

import pytest
from matplotlib.image import imread

from agents.comparison.gallery import Picture
from agents.comparison.report import write_report, write_summary
from agents.comparison.results import headline
from agents.comparison.statistics import compare_data_sets, write_statistics
from frame_select_env import FrameSelectError

TWO = {"sharp": 0.1, "blunt": 2.0}
ODD = {'<i>x</i> & "y"': 0.1, "a|b `c` $d$": 2.0}


class Page(HTMLParser):
    """The tags of a page with what they load, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.loads, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href", "srcset", "data")]

    def handle_data(self, data):
        self.text += data


def written(tmp_path, data_sets, command="python -m agents compare", notes=(), pictures=()):
    write_report(tmp_path / "report.html", compare_data_sets(data_sets), command, notes, pictures)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    return text, Page(text)


def tables(text):
    """The rows of all Markdown tables, as lists of cells."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def numbers(cell):
    return [float(number) for number in re.findall(r"[+-]?\d+\.\d+", cell)]


def test_the_page_needs_nothing_beside_it(make_data_set, planted, regression, tmp_path):
    data_sets = [make_data_set(planted, TWO), make_data_set(regression, TWO, stream="audio")]
    text, page = written(tmp_path, data_sets, pictures=None)
    assert not set(page.tags) & {"script", "link", "iframe", "object", "embed"}
    assert "@import" not in text and "url(" not in text
    pictures = [load for load in page.loads if not load.startswith("#")]
    assert len(pictures) == page.tags.count("img") == 9
    for picture in pictures:
        kind, _, data = picture.partition(",")
        assert kind == "data:image/png;base64"
        data = base64.b64decode(data, validate=True)
        assert data.startswith(b"\x89PNG")
        assert imread(io.BytesIO(data)).shape[2] in (3, 4)  # it is whole
    assert len(set(pictures)) == 9
    # Every link of the contents leads somewhere.
    for link in (load for load in page.loads if load.startswith("#")):
        assert f'id="{link[1:]}"' in text
    assert not list(tmp_path.glob("*.png"))


def test_the_page_tells_what_was_run_and_found(make_data_set, planted, tmp_path):
    data_set = make_data_set(planted, TWO)
    text, page = written(
        tmp_path, [data_set], "python -m agents compare --data 'a b'", ("mind the gap",)
    )
    for part in (
        *("sharp", "blunt", "noisy", "sign_omega", "0, 1, 2", "oracle (label)", "mind the gap"),
        *("python -m agents compare --data 'a b'", "in 5 groups", "Every two agents"),
        "fewer than five seeds",
    ):
        assert part in page.text
    row = data_set.evaluation.row("sharp", headline([data_set], TWO)).figures["accuracy"]
    assert f"{100 * row.value:.1f} [{100 * row.low:.1f}, {100 * row.high:.1f}]" in page.text
    # Agents on top of the data set's table.
    rows = re.findall(r'<tr class="(\w+)"><td>([^<]*)', text)
    assert rows[:2] == [("agent", "sharp"), ("agent", "blunt")]


def test_what_comes_from_data_is_escaped(make_data_set, planted, tmp_path):
    note = "<script>alert(1)</script> `<b>`"
    data_set = make_data_set(planted, ODD)
    alt = Picture(tmp_path / "one.png", "videos", data_set, "<b>", "<i> `<u>`")
    alt.path.write_bytes(b"\x89PNG" + bytes(20))
    text, page = written(tmp_path, [data_set], "compare <img src=x> && y", (note,), [alt])
    assert not set(page.tags) & {"script", "i", "b", "u"}
    assert page.tags.count("img") == 1
    for part in (*ODD, "compare <img src=x> && y", note):
        assert part in page.text
    assert "&lt;i&gt;x&lt;/i&gt; &amp; &#34;y&#34;" in text


def test_one_agent_has_no_pairs(make_data_set, planted, tmp_path):
    data_set = make_data_set(planted, {"alone": 0.5}, seeds=(3,))
    text, page = written(tmp_path, [data_set])
    assert "Every two agents" not in page.text and "P(first" not in page.text
    assert "one seed" in page.text
    write_summary(tmp_path / "summary.md", compare_data_sets([data_set]), "again")
    assert "Every two agents" not in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_without_chosen_the_least_m_is_looked_at(make_data_set, planted, tmp_path):
    _, page = written(tmp_path, [make_data_set(planted, TWO, split="val", train_split="val")])
    assert "at 2 frames" in page.text
    assert "no rows chosen" in page.text


def test_pairs_of_many_agents_are_a_matrix(make_data_set, planted, tmp_path):
    labels = {f"agent {place}": place / 4 for place in range(7)}
    data_set = make_data_set(planted, labels, seeds=(0, 1))
    text, page = written(tmp_path, [data_set])
    assert text.count('<table class="matrix">') == 2
    assert "7 agent 6" in page.text and "rgba(" in text
    write_summary(tmp_path / "summary.md", compare_data_sets([data_set]), "again")
    write_statistics(tmp_path, compare_data_sets([data_set]))
    rows = tables((tmp_path / "summary.md").read_text(encoding="utf-8"))
    first = next(row for row in rows if row[0] == "1 agent 0")
    other = next(row for row in rows if row[0] == "3 agent 2")
    with (tmp_path / "pairs.csv").open(newline="") as file:
        (told,) = [
            record
            for record in csv.DictReader(file)
            if (record["first"], record["second"], record["frames"])
            == ("agent 0", "agent 2", "chosen")
        ]
    assert numbers(first[3]) == [pytest.approx(100 * float(told["difference"]), abs=0.051)]
    assert numbers(other[1]) == [-numbers(first[3])[0]]
    sure = float(told["difference_low"]) > 0 or float(told["difference_high"]) < 0
    assert first[3].endswith("*") == sure
    # The least p, 2 / 101, times 21 is above .05.
    assert not first[3].endswith("**")
    assert "100 resamples and 21 pairs no corrected p can be below .05; use --resamples 840" in (
        page.text
    )


def test_the_summary_tells_the_numbers_of_the_files(make_data_set, planted, tmp_path):
    data_set = make_data_set(planted, TWO)
    write_summary(
        tmp_path / "summary.md", compare_data_sets([data_set, data_set]), "again", ("noted",)
    )
    write_statistics(tmp_path, compare_data_sets([data_set, data_set]))
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    rows = tables(text)
    with (tmp_path / "aggregate.csv").open(newline="") as file:
        whole = [one for one in csv.DictReader(file) if one["frames"] == "chosen"]
    heading = next(place for place, row in enumerate(rows) if "IQM of accuracy, %" in row)
    for row, told in zip(rows[heading + 1 :], whole, strict=False):
        assert row[:3] == [told["label"], told["data_sets"], told["runs"]]
        for cell, name in zip(row[3:], ("iqm", "iqm_gain", "gain"), strict=True):
            expected = [100 * float(told[name + end]) for end in ("", "_low", "_high")]
            assert numbers(cell) == pytest.approx(expected, abs=0.051)
    with (tmp_path / "pairs.csv").open(newline="") as file:
        pairs = [one for one in csv.DictReader(file) if one["frames"] == "chosen"]
    shown = [row for row in rows if row[:2] == ["sharp", "blunt"]]
    assert len(shown) == len(pairs) == 3
    for row, told in zip(shown, pairs, strict=True):
        ends = ("", "_low", "_high")
        expected = [100 * float(told["difference" + end]) for end in ends]
        assert numbers(row[2]) == pytest.approx(expected, abs=0.051)
        expected = [float(told["improvement" + end]) for end in ends]
        assert numbers(row[3]) == pytest.approx(expected, abs=0.0051)
        assert row[4:] == [f"{float(told[name]):.3f}" for name in ("p", "p_holm")]
    heading = next(place for place, row in enumerate(rows) if "optimality gap" in row)
    for row, told in zip(rows[heading + 1 :], whole, strict=False):
        for cell, name in zip(row[1:], ("score_iqm", "score", "optimality_gap"), strict=True):
            expected = [float(told[name + end]) for end in ("", "_low", "_high")]
            assert numbers(cell) == pytest.approx(expected, abs=0.0051)
    assert "score: 0 for keeping all frames and 1 for the key frames; optimality gap" in text
    assert ["blunt", "3", "0", "0", "30", "1.5", "1.2"] in rows
    assert "- noted" in text and text.endswith("    again\n")


def test_free_choices_are_compared_with_each_other(make_data_set, planted, tmp_path):
    noises = {"sharp": 0.1, "blunt": 2.0, "bound": 0.5}
    comparison = compare_data_sets([make_data_set(planted, noises, free=("sharp", "blunt"))])
    at = [[pair.frames for pair in pairs] for pairs in comparison.shown_pairs()]
    assert at == [["chosen"] * 3, ["free"]]  # "bound" has no free choice
    (free,) = comparison.shown_pairs()[1]
    assert (free.first, free.second) == ("sharp", "blunt") and free.difference.value > 0.1
    write_summary(tmp_path / "summary.md", comparison, "again")
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    (row,) = tables(text.partition("### planted, at `free`")[2].partition("## Cost")[0])[1:]
    assert row[:2] == ["sharp", "blunt"]
    assert numbers(row[2])[0] == pytest.approx(100 * free.difference.value, abs=0.051)
    write_report(tmp_path / "report.html", comparison, "again", (), ())
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "Every two agents, at “chosen”" in page.text
    assert "Every two agents, at “free”" in page.text
    assert "5 groups are too few to resample" in page.text and "5 groups are too few" in text


def test_odd_names_break_no_table_of_the_summary(make_data_set, planted, tmp_path):
    write_summary(
        tmp_path / "summary.md", compare_data_sets([make_data_set(planted, ODD)]), "one\n```\ntwo"
    )
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    rows = tables(text.partition("## planted")[0])
    assert {len(row) for row in rows[:3]} == {6}
    assert rows[1][0] == '&lt;i>x&lt;/i> & "y"'
    assert rows[2][0] == r"a\|b \`c\` $d$"
    assert text.endswith("    one\n    ```\n    two\n")


def test_pictures_that_were_drawn_before_are_used(make_data_set, planted, tmp_path):
    data_set = make_data_set(planted, TWO)
    data = b"\x89PNG" + bytes(12) + (300).to_bytes(4, "big")
    (tmp_path / "gains.png").write_bytes(data)
    drawn = Picture(tmp_path / "gains.png", "gains", None, "title", "at `chosen`")
    text, page = written(tmp_path, [data_set], pictures=[drawn])
    encoded = base64.b64encode(data).decode()
    assert [load for load in page.loads if load.startswith("data")] == [
        f"data:image/png;base64,{encoded}"
    ]
    # 300 pixels at 150 dpi are two inches.
    assert 'width="192"' in text and "at <code>chosen</code>" in text


def test_a_folder_that_is_not_there(make_data_set, planted, tmp_path):
    with pytest.raises(FrameSelectError, match="cannot be written"):
        write_summary(
            tmp_path / "none" / "summary.md",
            compare_data_sets([make_data_set(planted, TWO)]),
            "again",
        )
