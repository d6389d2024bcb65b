"""evaluation.html: every test video with the frames that the verdict's agent kept."""

import re
from html.parser import HTMLParser

import pytest

from agents.evaluation import evaluate
from agents.evaluation.page import SHOWN, place, shown_videos, write_page


class Videos(HTMLParser):
    """The attributes of each video in the page, its text, and all tags."""

    def __init__(self, text):
        super().__init__()
        self.videos, self.tags, self.pictures = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "article":
            self.videos.append(dict(attrs))
        if tag == "img":
            self.pictures.append(dict(attrs)["src"])


def page(found, tmp_path):
    write_page(tmp_path / "evaluation.html", found)
    text = (tmp_path / "evaluation.html").read_text(encoding="utf-8")
    return text, Videos(text)


@pytest.fixture
def found(plant, telling):
    return evaluate(plant(), {"mine": [telling(seed) for seed in (0, 1)]}, resamples=20)


def test_every_video_is_there_by_name_with_its_outcome(found, tmp_path):
    text, made = page(found, tmp_path)
    names = [str(name) for name in found.settings.cache.ids[found.rows]]
    assert [one["data-name"] for one in made.videos] == names
    before = found.results["all", "all"].error[0]
    after = found.results["mine", "chosen"].error[0]
    words = {(1, 0): "rescued", (0, 1): "broken", (0, 0): "still right", (1, 1): "still wrong"}
    expected = [words[pair] for pair in zip(before, after, strict=True)]
    assert [one["data-outcome"] for one in made.videos] == expected
    assert found.verdict.text in text and "the first of 2 runs" in text
    assert not set(made.tags) & {"link", "iframe", "object", "embed"}
    assert "src=http" not in text and "url(" not in text


def test_kept_frames_stand_with_their_times(found):
    kept = found.results["mine", "chosen"].selected[0, :, 0]
    cache = found.settings.cache
    time = cache.read_frames("time", found.rows, found.settings.num_frames)
    for index, video in enumerate(shown_videos(found, found.verdict)):
        numbers = time[index, kept[index]]
        assert video.after.startswith(f"{len(numbers)} frame{'s'[: len(numbers) - 1]}: ")
        expected = [f"{number:.2f} s" for number in numbers]
        if "time" not in cache.frame_datasets:
            expected = [f"frame {number:.0f}" for number in numbers]
        if len(expected) <= SHOWN:
            assert [one.place[0] for one in video.frames] == expected
        else:
            assert len(video.frames) == SHOWN
            assert video.frames[0].place[0] == expected[0]
            assert video.frames[-1].place[0] == expected[-1]


@pytest.mark.parametrize(
    ("timed", "number", "words"),
    [
        (True, 36, ["1.20 s", "frame 36"]),
        (True, None, ["1.20 s"]),
        (False, 36, ["frame 36"]),  # of the source video: its place in the cache would mislead
        (False, None, ["frame 1"]),
    ],
)
def test_where_a_frame_is(timed, number, words):
    assert place(timed, 1.2, number) == words


@pytest.mark.parametrize(("shape", "kind"), [((6, 8), "png"), ((120, 160, 3), "jpeg")])
def test_pictures_are_inside_and_names_are_escaped(plant_timed, tmp_path, telling, shape, kind):
    cache = plant_timed(8, ["<i>", "b"], thumbnail=shape, name='<b>"{}"</b>')
    found = evaluate(cache, {"mine": [telling()]}, frames=(1,), references=False)
    text, made = page(found, tmp_path)
    assert len(made.pictures) == 8
    assert all(one.startswith(f"data:image/{kind};base64,") for one in made.pictures)
    assert not {"b", "i"} & set(made.tags)
    assert made.videos[0]["data-name"] == '<b>"0"</b>'
    assert re.search(
        r"<figcaption>(0\.00 s<br>frame 0|0\.50 s<br>frame 12|1\.25 s<br>frame 40)</fi", text
    )


def test_a_regression_has_errors_and_no_classes(plant, telling, tmp_path):
    found = evaluate(plant(regression=True), {"mine": [telling()]}, resamples=20)
    text, made = page(found, tmp_path)
    assert {one["data-outcome"] for one in made.videos} <= {"nearer", "farther", "unchanged"}
    assert "(error " in text and 'id="label"' not in text
