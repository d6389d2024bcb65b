"""python -m agents: train, evaluate and compare agents; the same commands as `frame-select`."""

from collections.abc import Sequence

from frame_select_env.command_line import run_command


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exits with 2 and one line on bad input."""
    run_command("python -m agents", ("agents",), arguments)


if __name__ == "__main__":
    main()
