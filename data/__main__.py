"""python -m data: make caches and inspect them; the same commands as `frame-select`."""

from functools import partial

from frame_select_env.command_line import run_command

main = partial(run_command, "python -m data", ("data",))

if __name__ == "__main__":
    main()
