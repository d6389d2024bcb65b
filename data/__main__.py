"""python -m data: make caches and inspect them."""

from frame_select_env.command_line import run_command

USAGE = """usage: python -m data COMMAND ...

  extract    make a cache from a folder of videos: decode, run backbones, train the head
  import     make a cache from existing features: an .npz file, a folder of .npy files,
             OpenFace CSVs, COCO detections, or a video summarisation .h5 file
  inspect    show what a cache contains, and check it
  digits     make the small cache of digits videos that ships with the library
  planted    make synthetic videos of any size and difficulty with a known best selection

Run python -m data COMMAND --help for the options of a command.
"""

COMMANDS = {
    "extract": "data.commands.extract:extract",
    "import": "data.commands.import_features:import_features",
    "inspect": "data.commands.inspect:inspect",
    "digits": "data.commands.synthetic:digits",
    "planted": "data.commands.synthetic:planted",
}


def main(arguments: list[str] | None = None) -> None:
    """Run one command; exit with code 2 and a one-line message on bad input."""
    run_command("python -m data", USAGE, COMMANDS, arguments)


if __name__ == "__main__":
    main()
