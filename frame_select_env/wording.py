"""How counts are written in messages and tables."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and its noun: "1 video", "3 videos"; `plural` where it is not the noun and an s."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
