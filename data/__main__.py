"""python -m data: make caches and look into them."""

from frame_select_env.command_line import run_command

USAGE = """usage: python -m data COMMAND ...

  extract    make a cache of a folder of videos: decode, run backbones, train the head
  import     make a cache of features that you have: an .npz, a folder of .npy files, OpenFace's
             CSVs, COCO detections, or the h5 of video summarisation
  inspect    show what a cache holds, and check it
  digits     make the small cache of digits videos that comes with the library
  planted    make synthetic videos of any size and difficulty whose best selection is known

python -m data COMMAND --help tells the rest.
"""


COMMANDS = {
    "extract": "data.extract_command:extract_features",
    "import": "data.import_command:import_features",
    "inspect": "data.inspect_command:inspect",
    "digits": "data.digits_command:digits",
    "planted": "data.planted_command:planted",
}


def main(arguments: list[str] | None = None) -> None:
    """Run one command; exits with 2 and one line on bad input."""
    run_command("python -m data", USAGE, COMMANDS, arguments)


if __name__ == "__main__":
    main()
