"""python -m agents: train agents on a cache, evaluate and compare them."""

from frame_select_env.command_line import run_command

USAGE = """usage: python -m agents COMMAND ...

  train      train an agent on a cache and save it as a run folder
  evaluate   score one or several runs on the test split, beside the reference rankings
  compare    train many agents, rewards and seeds, and write a report on all of them
  search     draw hyper-parameters at random and score them on validation videos

python -m agents COMMAND --help tells the rest.
"""


COMMANDS = {
    "train": "agents.commands.train:train",
    "evaluate": "agents.commands.evaluate:evaluate",
    "compare": "agents.commands.compare:compare",
    "search": "agents.commands.search:search",
}


def main(arguments: list[str] | None = None) -> None:
    """Run one command; exits with 2 and one line on bad input."""
    run_command("python -m agents", USAGE, COMMANDS, arguments)


if __name__ == "__main__":
    main()
