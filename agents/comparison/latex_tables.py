"""Every table of a comparison by the name of its LaTeX file, with a title."""

from agents.comparison.gallery import slugs
from agents.comparison.statistics import Comparison
from agents.comparison.tables import (
    aggregate_tables,
    data_set_tables,
    data_table,
    normalised_tables,
    pair_tables,
    run_table,
    settings_table,
    time_table,
    version_table,
)
from agents.evaluation.text_tables import TextTable


def latex_tables(comparison: Comparison) -> dict[str, tuple[str, TextTable]]:
    """Name -> title and table; names of the tables of a data set end in that of its pictures."""
    data_sets = comparison.data_sets
    found = {
        "data": ("What was trained and scored on", data_table(data_sets)),
        "runs": ("What was trained", run_table(data_sets)),
        "hyper-parameters": ("Hyper-parameters of every agent", settings_table(data_sets)),
        "versions": ("Versions of the libraries", version_table(data_sets)),
    }
    for task, frames, table in aggregate_tables(comparison):
        found[f"aggregate-{task}"] = f"All data, {task}, at {frames}", table
    for task, frames, table in normalised_tables(comparison):
        found[f"normalised-{task}"] = f"Normalised scores, {task}, at {frames}", table
    names = dict(zip((one.where for one in data_sets), slugs(data_sets), strict=True))
    for one in data_sets:
        slug = names[one.where]
        for name, table in data_set_tables(one).items():
            found[f"{name}-{slug}"] = one.title, table
        found[f"cost-{slug}"] = f"Cost of training, {one.title}", time_table(one)
    for pairs in comparison.shown_pairs():
        first = pairs[0]
        slug = names[first.data_set.where] if first.data_set else f"average-{first.task}"
        for number, (title, table) in enumerate(pair_tables(pairs).items()):
            which = ("", "-probability")[number]
            about = f"Every two agents, {first.title}, at {first.frames}"
            found[f"pairs-{slug}-{first.frames}{which}"] = f"{about}. {title}", table
    return found
