"""The tasks of the suite, as data: videos that are made on demand, and how agents meet them.

Each task tests one ability. Its score is 0 for keeping all frames and 1 for the true key frames
(`agents/suite/anchors.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from agents.registry import parse_agent, with_values
from data.synthetic.cues import Recipe
from data.synthetic.needle import NeedleRecipe
from frame_select_env.errors import FrameSelectError, known


@dataclass(frozen=True)
class Corpus:
    """Videos that a recipe makes."""

    recipe: Recipe | NeedleRecipe
    # sha256 of the videos, see `agents.suite.caches.videos_digest`; None: unknown
    digest: str | None


@dataclass(frozen=True)
class SuiteTask:
    """One task."""

    ability: str  # what it tests, in words
    corpus: str  # a name in `CORPORA`
    target_frames: int  # m: the number of key frames
    budget: int  # episodes of a run
    num_frames: int = 25  # T
    frames: tuple[int, ...] = (1, 2, 3, 4, 8, 12)  # the m that a run chooses among
    judged: bool = False  # a judge of the corpus predicts, not the mean
    # what a look at a frame costs, in accuracy; None where all frames are seen at no cost
    price: float | None = None


CORPORA = {
    "cues": Corpus(Recipe(), "beeb1b515aadc7702fdbc4b678af59bef1c0f1cccec7620f030fc9f9ec4fb2be"),
    "needle": Corpus(
        NeedleRecipe(), "cf1cd2ba846a3a4986d6d8fcd3735c0f7740d139202b1d78332c7306d642fffa"
    ),
    "long": Corpus(
        Recipe(
            run_length=12,
            scans=6,
            distance=8,
            noise=0.05,
            trimmed_head=True,
            lengths=(280, 300),
            videos=(300, 100, 300),
        ),
        "ba234fc0da25684d2517a58356b894c41c08ea13a1c7d178a490588830d8c34c",
    ),
    "mislabelled": Corpus(
        Recipe(label_noise=0.5), "569ba23f75830af46484f843546aad4a7c9ee0999dc0ab0bc313fd90f9e6b6f0"
    ),
    "blended": Corpus(
        Recipe(blend=0.35, noise=0.05),
        "871c1d2e68c78a3bbe17f07508c1da8d3c8aad6d59c3d73c4054dad7f46ba381",
    ),
    "repeated": Corpus(
        Recipe(decoy_length=6, lengths=(30, 40)),
        "96b25d7f05f094f5615dacd5fb8e4f3ef50aa98e217b6e3253b2c7d57e410624",
    ),
}

TASKS = {
    "context": SuiteTask(
        "use what comes before: of several runs of digits a marker tells which one counts",
        corpus="cues",
        target_frames=3,
        budget=12800,
    ),
    "needle": SuiteTask(
        "find few frames among many: 4 of 100 show a digit that is a label",
        corpus="needle",
        target_frames=4,
        budget=51200,
        num_frames=100,
        frames=(1, 2, 4, 8, 16, 32),
    ),
    "long": SuiteTask(
        "remember: 300 frames, the run of 12 is 8 frames after its marker",
        corpus="long",
        target_frames=12,
        budget=25600,
        num_frames=300,
        frames=(2, 4, 8, 12, 24, 48),
    ),
    "noisy-labels": SuiteTask(
        "learn from wrong labels: half of those of the training videos, none of the others",
        corpus="mislabelled",
        target_frames=3,
        budget=12800,
    ),
    "misleading-confidence": SuiteTask(
        "distrust confidence: the runs that do not count are clearer than the one that does",
        corpus="blended",
        target_frames=3,
        budget=12800,
    ),
    "redundancy": SuiteTask(
        "resist repetition: runs that do not count are twice as long and repeat their scans",
        corpus="repeated",
        target_frames=3,
        budget=12800,
        num_frames=40,
    ),
    "set-judge": SuiteTask(
        "choose a set: a network that is no mean predicts from the chosen frames together",
        corpus="cues",
        target_frames=3,
        budget=12800,
        judged=True,
    ),
    "glance": SuiteTask(
        "look where it pays: frames are unknown until looked at, and a look costs 0.01",
        corpus="cues",
        target_frames=3,
        budget=153600,
        price=0.01,
    ),
}

# Hyper-parameters that count decisions, of agents that decide frame by frame. Presets are for
# episodes of 25 frames; as multiples of an episode they make as many updates per episode on longer
# videos, and encode a video as often.
IN_DECISIONS = {
    "dqn": (
        *("n_steps", "train_freq", "sequence_length", "batch_size"),
        *("learning_starts", "target_update_interval"),
    ),
    "ppo-sequential": ("batch_size",),
}
IN_DECISIONS["dqn-chunk"] = IN_DECISIONS["dqn"]
PRESET_FRAMES = 25

GLANCE = "-glance"
FAMILIES = ("reinforce", "ppo", "dqn")  # whose agents have a variant for frames that cost


def suite_task(name: str) -> SuiteTask:
    """The task of this name.

    Raises:
        FrameSelectError: if there is none.
    """
    if name not in TASKS:
        raise FrameSelectError(known("task", name, TASKS))
    return TASKS[name]


def agent_for(task: SuiteTask, agent: str) -> str | None:
    """What an agent is on a task, as `parse_agent` reads it; None where it does not fit.

    Of agents that decide frame by frame, hyper-parameters that count decisions grow with the
    number of frames, unless the agent names them.

    Where looks cost, "reinforce", "ppo" and "dqn" and their variants, "dqn-pick" say, are
    "reinforce-glance" and so on with that one's own hyper-parameters, and others do not fit.
    """
    name = agent.partition("@")[0]
    if task.price is None:
        return None if name.endswith(GLANCE) else _by_the_episode(agent, task.num_frames)
    if name.endswith(GLANCE):
        return agent
    of = [one for one in FAMILIES if name == one or name.startswith(f"{one}-")]
    return f"{of[0]}{GLANCE}" if of else None


def _by_the_episode(agent: str, num_frames: int) -> str:
    """The agent with the hyper-parameters of `IN_DECISIONS` for episodes of so many frames."""
    name, _, given = agent.partition("@")
    if num_frames <= PRESET_FRAMES or name not in IN_DECISIONS:
        return agent
    named = {part.partition("=")[0] for part in given.split(",")}
    config = parse_agent(agent).config
    left = [one for one in IN_DECISIONS[name] if one not in named]
    grown = {one: round(getattr(config, one) * num_frames / PRESET_FRAMES) for one in left}
    return with_values(agent, grown)


def agents_for(task: SuiteTask, agents: Iterable[str]) -> dict[str, str]:
    """The agents that fit a task -> what they are on it."""
    found = {agent: agent_for(task, agent) for agent in agents}
    return {agent: own for agent, own in found.items() if own is not None}
