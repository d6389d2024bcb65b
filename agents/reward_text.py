"""Rewards as a command line names them: a name, module:function, or JSON."""

import json
from typing import Any

from frame_select_env import FrameSelectError


def parse_reward(text: str) -> Any:
    """A reward as the command line takes it: a name or JSON.

    Raises:
        FrameSelectError: if it begins like JSON and is not.
    """
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise FrameSelectError(f"--reward {text}: is not JSON: {error}") from None


def reward_text(reward: Any) -> str:
    """The text that `parse_reward` reads as this reward, the same for the same JSON."""
    return reward if isinstance(reward, str) else json.dumps(reward)
