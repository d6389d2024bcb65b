"""From the verdicts on single runs to the rows of the table."""

from collections.abc import Iterator, Mapping, Sequence

from agents.evaluation.choosing import Choice
from agents.evaluation.entries import ALL
from agents.evaluation.judging import Judged
from agents.evaluation.verdicts import Verdict


def collect(
    runs: Mapping[str, Sequence[Judged]],
    choices: Mapping[str, Sequence[Choice]],
    all_frames: Verdict,
) -> dict[tuple[str, str], Verdict]:
    """The verdicts by (ranking, frames), over runs: of each ranking chosen, free, and every m.

    `uniform` and `random` beside an agent's free choice are their own rows `free`; beside a second
    agent's, the rows `free` of "uniform as NAME" and "random as NAME".

    Args:
        runs: Ranking -> what was judged of each run.
        choices: Ranking -> its choices of m.
        all_frames: Of keeping every frame.
    """
    beside = dict(_beside(runs))
    found: dict[tuple[str, str], Verdict] = {}
    for name, judged in runs.items():
        if choices[name]:
            found[name, "chosen"] = Verdict.stack(
                [
                    all_frames
                    if choice.frames == ALL
                    else judged[choice.run].verdicts[choice.frames]
                    for choice in choices[name]
                ]
            )
        if (name, name) in beside:
            found[name, "free"] = beside.pop((name, name))
        for frames in sorted(judged[0].verdicts, key=lambda m: 0 if m == "free" else int(m)):
            found[name, str(frames)] = Verdict.stack([one.verdicts[frames] for one in judged])
        for kind, row in [key for key in beside if key[0] == name]:
            found[row, "free"] = beside.pop((kind, row))
    return found


def _beside(
    runs: Mapping[str, Sequence[Judged]],
) -> Iterator[tuple[tuple[str, str], Verdict]]:
    """(Name of the ranking beside, name of its row) -> its verdicts over all runs and draws."""
    plain = True
    for name, judged in runs.items():
        kinds = judged[0].beside
        for kind in kinds:
            draws = [verdict for one in judged for verdict in one.beside[kind]]
            yield (kind, kind if plain else f"{kind} as {name}"), Verdict.stack(draws)
        plain = plain and not kinds
