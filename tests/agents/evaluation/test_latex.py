"""Tables as LaTeX: what is escaped, and that every row has every column."""

import re

from hypothesis import given
from hypothesis import strategies as st

from agents.evaluation.latex import latex_table, latex_text, write_latex
from agents.evaluation.text_tables import TextTable

TABLE = TextTable(
    ["ranking", "P(first > second)", "gain"],
    [
        ["all_frames", "", "-1.2 [-2.0, +0.3]"],
        ["dqn@chunk=5", "0.50", "+3.1 [+1.0, +5.2]"],
        ["[odd] & 50 %", "< 1", "–"],
    ],
    ["reference", "agent", "reference"],
)


def test_a_table_by_hand() -> None:
    assert latex_table(TABLE, "digits, test: 200 videos") == "\n".join(
        [
            "% digits, test: 200 videos",
            r"% \usepackage{booktabs}",
            r"\begin{tabular}{lrr}",
            r"\toprule",
            r"ranking & P(first \textgreater{} second) & gain \\",
            r"\midrule",
            r"all\_frames &  & $-$1.2 [$-$2.0, +0.3] \\",
            r"\textbf{dqn@chunk=5} & \textbf{0.50} & +3.1 [+1.0, +5.2] \\",
            r"{[}odd] \& 50 \% & \textless{} 1 & -- \\",
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def test_special_characters_and_minus_signs() -> None:
    assert latex_text(r"a_b {c} $d$ #1 50% x^2 ~ \e |f| `g`") == (
        r"a\_b \{c\} \$d\$ \#1 50\% x\textasciicircum{}2 \textasciitilde{} \textbackslash{}e "
        r"\textbar{}f\textbar{} \textasciigrave{}g\textasciigrave{}"
    )
    # A hyphen stays one; a number's minus does not, nor does the sign between two names.
    assert latex_text("reinforce-glance 1e-05 -0.5 [-.5, 1]") == (
        "reinforce-glance 1e-05 $-$0.5 [$-$.5, 1]"
    )
    assert latex_text("q − pg\nline") == "q $-$ pg line"


@given(st.text())
def test_no_character_of_a_name_is_a_command(text: str) -> None:
    made = latex_text(text)
    known = r"\\text(backslash|asciitilde|asciicircum|less|greater|bar|asciigrave)\{\}|\\dots\{\}"
    left = re.sub(rf"{known}|\$-\$|\\[&%$#_{{}}]|^\{{\[\}}", "", made)
    assert not set(left) & set("\\&%$#_{}~^<>|\n")


def test_a_title_stays_a_comment_and_files_have_the_names(tmp_path) -> None:
    names = write_latex(tmp_path, {"all-data": ("two\nlines", TABLE)})
    assert names == ["tables/all-data.tex"]
    lines = (tmp_path / names[0]).read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["% two lines", r"% \usepackage{booktabs}"]
    rows = [line for line in lines if line.endswith(r"\\")]
    assert len(rows) == 4 and {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {2}
