"""Tables on the terminal: no cell is broken, however narrow it is."""

import io

from rich.console import Console

from agents.evaluation.text_tables import TextTable, column_groups, print_text_table

TABLE = TextTable(
    ["ranking", "accuracy %, chosen", "kept", "free"],
    [
        ["all", "84.5 [79.2, 88.8]", "23.1", ""],
        ["uniform as reinforce", "", "", "77.5"],
        ["reinforce", "88.0 [83.7, 92.5]", "12.0", "83.5"],
    ],
    ["reference", "reference", "agent"],
)


def printed(width):
    console = Console(width=width, file=io.StringIO())
    print_text_table(TABLE, "digits", console)
    return console.file.getvalue()


def test_columns_that_do_not_fit_follow_below():
    # Names have 20 characters, the edges 2, and each column its own and 3 between: 22 + 21 + 7 + 7.
    assert column_groups(TABLE, 57) == [[0, 1, 2, 3]]
    assert column_groups(TABLE, 56) == [[0, 1, 2], [0, 3]]
    assert column_groups(TABLE, 49) == [[0, 1], [0, 2, 3]]
    assert column_groups(TABLE, 10) == [[0, 1], [0, 2], [0, 3]]


def test_a_narrow_terminal_shows_every_cell_whole_and_no_empty_row():
    whole, narrow = printed(57), printed(50)
    assert max(map(len, narrow.splitlines())) <= 50
    for text in (whole, narrow):
        for cell in (cell for row in (TABLE.heading, *TABLE.rows) for cell in row):
            assert cell in text
        assert text.count("digits") == 1
    first, second = narrow.split("free")
    assert "uniform as reinforce" not in first and "uniform as reinforce" in second
    assert "all " in first and " all " not in second
    assert whole.count("uniform as reinforce") == 1
