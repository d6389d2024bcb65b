"""The log of searches: what two that write it at the same time leave."""

import os
import threading
from pathlib import Path

import pytest

from agents.search.study import COLUMNS, TrialScore, append_to_log, read_log
from frame_select_env import FrameSelectError
from frame_select_env.storage import appending

SCORE = TrialScore(0.5, 0.25, 100, 1.0)


def key(agent: str) -> tuple[str, ...]:
    return agent, "0", '{"a": 1}', "digits", "0", '{"fold": "default"}', "ab"


def test_two_searches_that_begin_a_log_write_one_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log.csv"
    second = threading.Thread(target=append_to_log, args=(log, key("dqn"), SCORE))
    write = os.write

    def interrupted(descriptor: int, content: bytes) -> int:
        """Before the first search writes, the second has its turn, if it can."""
        monkeypatch.setattr(os, "write", write)
        second.start()
        second.join(timeout=0.5)
        return write(descriptor, content)

    monkeypatch.setattr(os, "write", interrupted)
    append_to_log(log, key("ppo"), SCORE)
    second.join()
    assert log.read_text().count(",".join(COLUMNS)) == 1
    assert read_log(log) == {key("ppo"): SCORE, key("dqn"): SCORE}


def test_a_line_that_another_search_is_writing_is_not_taken_for_cut_off(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    append_to_log(log, key("ppo"), SCORE)
    header, row = log.read_bytes().splitlines(keepends=True)
    found = []
    reader = threading.Thread(target=lambda: found.append(read_log(log)))
    with appending(log) as handle:
        second = row.replace(b"ppo", b"dqn")
        handle.write(second[:9])
        reader.start()
        reader.join(timeout=0.5)
        handle.write(second[9:])
    reader.join()
    assert found == [{key("ppo"): SCORE}]
    assert log.read_bytes() == header + row + second


def test_a_line_that_was_cut_off_is_removed(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    append_to_log(log, key("ppo"), SCORE)
    whole = log.read_bytes()
    log.write_bytes(whole + whole.splitlines()[1][:9])
    assert read_log(log) == {key("ppo"): SCORE}
    assert log.read_bytes() == whole


def test_a_file_that_is_no_log_stays_as_it_is(tmp_path: Path) -> None:
    for text in ("my notes, without a line's end", "a,b\n1,2\n"):
        file = tmp_path / "file.csv"
        file.write_text(text)
        with pytest.raises(FrameSelectError, match="is not the log of a search; name the CSV"):
            read_log(file)
        assert file.read_text() == text
