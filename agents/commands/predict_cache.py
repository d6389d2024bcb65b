"""frame-select predict-cache: a cache whose predictions are a trained network's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.progress import track

from agents.commands.options import print_line, set_threads
from agents.training.load import load_run
from agents.training.predicted_cache import Crossfit, fold_networks, write_predicted
from agents.training.run_folder import read_config
from agents.zoo import run_folder
from data.commands.console import check_options
from data.commands.inspect import print_written
from data.sources.importing import check_out
from frame_select_env import open_cache
from frame_select_env.command_line import program


@dataclass(frozen=True)
class PredictCacheArguments:
    """Write a cache with the same videos and features whose predictions are a trained network's.

    An agent that is trained on it selects frames for that network. Every frame is predicted, of a
    video with more frames than the network was trained on in interleaved parts. A fold keeps its
    predictions if no run was trained on it.
    """

    #: Run folder of an agent that predicts frames, such as dfan.
    run: Annotated[Path, tyro.conf.Positional]
    #: The cache file to write.
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT.h5")]
    #: More run folders, each trained on another fold of the same cache.
    runs: tuple[Path, ...] = ()
    #: Name of a bundled cache, or a path. Default: the cache that the run was trained on.
    data: str = ""
    #: How the videos that the run was trained on are predicted: none, by itself; video, by networks
    #: that are now trained on four of five parts of the videos; group, of whole groups.
    crossfit: Crossfit = "none"
    #: Import the modules outside this project that a run names (agents and rewards of others).
    trust_code: bool = False
    #: Replace OUT.h5 if it exists.
    overwrite: bool = False
    #: Number of PyTorch threads.
    threads: int = 1


def predict_cache(arguments: list[str]) -> None:
    """Run the command."""
    check_options(PredictCacheArguments, "predict-cache", arguments)
    options = tyro.cli(PredictCacheArguments, prog=program("predict-cache"), args=arguments)
    set_threads(options.threads)
    cache = open_cache(options.data or read_config(run_folder(options.run))["data"])
    check_out(options.out, options.overwrite, cache.path)
    console = Console(stderr=True)
    networks = []
    with console.status("loading the networks") as status:
        for folder in (options.run, *options.runs):
            run = load_run(folder, cache, options.trust_code)
            status.update(f"cross-fitting {folder}" if options.crossfit != "none" else "loading")
            networks.append(fold_networks(cache, run, options.crossfit))
    write_predicted(
        options.out,
        cache,
        networks,
        lambda rows: track(rows, "predicting videos", console=console, transient=True),
    )
    for fold in set(cache.folds) - {one.task.fold for one in networks}:
        print_line(f"fold {fold} keeps the predictions of {cache.path.name}: no run is of it")
    print_written(options.out)
