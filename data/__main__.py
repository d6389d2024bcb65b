"""python -m data: make caches and look into them."""

import sys

from frame_select_env.command_line import one_line_errors

USAGE = """usage: python -m data COMMAND ...

  import     make a cache of features that you have: an .npz, or a folder of .npy files
  inspect    show what a cache holds, and check it
  digits     make the small cache of digits videos that comes with the library
  planted    make synthetic videos of any size and difficulty whose best selection is known

python -m data COMMAND --help tells the rest.
"""


def main(arguments: list[str] | None = None) -> None:
    """Run one command; exits with 2 and one line on bad input."""
    arguments = sys.argv[1:] if arguments is None else arguments
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command in ("-h", "--help"):
        print(USAGE, end="")
        return
    # Imported here so that --help does not wait for scikit-learn and torch.
    with one_line_errors(f"python -m data {command}".strip()):
        if command == "import":
            from data.import_command import import_features

            import_features(rest)
        elif command == "inspect":
            from data.inspect_command import inspect

            inspect(rest)
        elif command == "digits":
            from data.digits_command import digits

            digits(rest)
        elif command == "planted":
            from data.planted_command import planted

            planted(rest)
        else:
            print(USAGE, end="", file=sys.stderr)
            raise SystemExit(2)


if __name__ == "__main__":
    main()
