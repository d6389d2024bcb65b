"""python -m frame_select_env.docs: write the generated pages beside this file."""

from pathlib import Path

from frame_select_env.docs.pages import pages


def main() -> None:
    """Write every page."""
    folder = Path(__file__).parent
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
        print(folder.name + "/" + name)


if __name__ == "__main__":
    main()
