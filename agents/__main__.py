"""python -m agents: train agents on a cache and evaluate them."""

import sys

from frame_select_env.command_line import one_line_errors

USAGE = """usage: python -m agents COMMAND ...

  train      train an agent on a cache and save it as a run folder
  evaluate   score one or several runs on the test split, beside the reference rankings

python -m agents COMMAND --help tells the rest.
"""


def main(arguments: list[str] | None = None) -> None:
    """Run one command; exits with 2 and one line on bad input."""
    arguments = sys.argv[1:] if arguments is None else arguments
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command in ("-h", "--help"):
        print(USAGE, end="")
        return
    # Imported here so that --help does not wait for torch.
    with one_line_errors(f"python -m agents {command}".strip()):
        if command == "train":
            from agents.train_command import train

            train(rest)
        elif command == "evaluate":
            from agents.evaluate_command import evaluate

            evaluate(rest)
        else:
            print(USAGE, end="", file=sys.stderr)
            raise SystemExit(2)


if __name__ == "__main__":
    main()
