"""Kinds of split files: what a cache records of them."""

import pytest

from data.corpora.read import split_file_name


@pytest.mark.parametrize(
    ("split_file", "name"),
    [
        (None, "random"),
        ("ekman6", "ekman6"),
        ("hmdb51:/home/me/splits", "hmdb51"),
        ("hume-reaction:/home/me/data_info.csv", "hume-reaction"),
        ("/home/me/my splits.csv", "my splits.csv"),
        ("/home/me/second:half.csv", "second:half.csv"),
    ],
)
def test_no_path_of_this_machine_is_recorded(split_file, name):
    assert split_file_name(split_file) == name
