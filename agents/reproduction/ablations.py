"""Ablations beyond the paper: the reward, the losses, the baseline, the state and the data."""

import json
from dataclasses import replace

from agents.evaluation.combined import ENSEMBLE
from agents.evaluation.selected_pooled import BEST_OF_FOUR, THEN_POOLED
from agents.reproduction.study import Line, Study

CROSSFIT, IN_SAMPLE = "cross-fitted", "in-sample"
ALL = Line("all frames", CROSSFIT, ranking="all")
TUNED = Line("tuned (omega 10, beta 1, N 4, leave-one-out, features)", CROSSFIT, frames=8)
SEQUENTIAL = replace(TUNED, agents=("reinforce-sequential",))


def with_hyper(name: str, values: tuple[object, ...]) -> tuple[Line, ...]:
    """The tuned agent with other values of one hyper-parameter."""
    return tuple(replace(TUNED, label=f"{name} = {one}", changes=((name, one),)) for one in values)


def omega_reward(omega: float, budget: float = 0.0) -> str:
    """The paper's reward with another omega, and a penalty for frames above the budget."""
    reward: dict[str, object] = {"sign_omega": {"omega": omega}}
    return json.dumps(reward | ({"budget": budget} if budget else {}))


ABLATION = Study(
    "as-ablation",
    "What the parts of attention-aware sampling are worth",
    "Beyond the paper: the tuned agent, one thing changed at a time, m = 8",
    (
        ALL,
        TUNED,
        *(
            replace(TUNED, label=f"omega = {omega:g}", reward=omega_reward(omega))
            for omega in (1.0, 5.0, 20.0)
        ),
        *with_hyper("beta", (0.0, 0.1)),
        *with_hyper("episodes", (2, 8, 16)),
        *with_hyper("baseline", ("moving-average", "group-relative", "self-critical")),
        *with_hyper("state", ("feature+prediction", "summary")),
        *with_hyper("warm_start", (5,)),
        *with_hyper("listwise_coef", (1.0,)),
        replace(TUNED, label="ensemble of the tuned runs", made=ENSEMBLE),
        replace(TUNED, label="tuned, then pooled", made=THEN_POOLED),
        replace(TUNED, label="best of: all, pooled, selected, both", made=BEST_OF_FOUR),
        replace(SEQUENTIAL, label="sequential, reward at the end", changes=(("dense", False),)),
        replace(SEQUENTIAL, label="sequential, dense reward", changes=(("dense", True),)),
        replace(TUNED, label="in-sample predictions", source=IN_SAMPLE),
        replace(ALL, label="all frames of the in-sample cache", source=IN_SAMPLE),
    ),
    sources=(CROSSFIT, IN_SAMPLE),
    own=(IN_SAMPLE,),
    agents=("reinforce",),
)

CHUNKS, OMEGAS, BUDGETS = (1, 2, 5, 10), (1.0, 10.0), (0.0, 0.1, 1.0, 3.0)


def deciding_by_chunks(agent: str, chunk: int, num_frames: int = 25) -> str:
    """An agent that decides on `chunk` frames at a time; DQN's returns span an episode then."""
    if agent != "dqn":
        return f"{agent}@chunk={chunk}"
    if chunk == 5:
        return "dqn-chunk"
    steps = -(-num_frames // chunk)
    batch = 400 // steps * steps
    each = f"n_steps={steps},train_freq={steps},sequence_length={steps},batch_size={batch}"
    return f"dqn@chunk={chunk},{each}" if chunk > 1 else "dqn"


AGGRESSIVENESS = Study(
    "aggressiveness",
    "How aggressively may frames be dropped?",
    "The proposal's question: learners that decide on chunks of frames, paid by several rewards",
    (
        replace(ALL, source=""),
        *(
            Line(
                f"{agent}, chunk {chunk}, omega {omega:g}, budget {budget:g}",
                frames=8,
                agents=(deciding_by_chunks(agent, chunk),),
                reward=omega_reward(omega, budget),
            )
            for agent in ("reinforce-sequential", "ppo-sequential", "dqn")
            for chunk in CHUNKS
            for omega in OMEGAS
            for budget in BUDGETS
        ),
    ),
    agents=("reinforce-sequential",),
    pairs=tuple(
        (
            f"dqn, chunk {chunk}, omega 10, budget 0",
            f"reinforce-sequential, chunk {chunk}, omega 10, budget 0",
        )
        for chunk in CHUNKS
    ),
)

PROPOSAL = Study(
    "proposal",
    "Key frames of emotion: Q-learning against policy gradient",
    "The proposal: Video Swin features, frames one by one and in contiguous chunks, m = 8",
    (
        replace(ALL, source=""),
        replace(ALL, label="random frames", source="", ranking="random", frames=8),
        *(
            Line(name, frames=8, agents=(name,))
            for name in ("reinforce-sequential", "dqn", "dqn-chunk")
        ),
    ),
    agents=("reinforce-sequential",),
    pairs=(("dqn", "reinforce-sequential"), ("dqn-chunk", "dqn")),
)
