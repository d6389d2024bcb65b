"""The reward designs that come with the library. Importing this registers them.

Each design's docstring opens with what it pays, in one sentence, and holds a line `Formula:` and a
line `Source:`.
"""

from frame_select_env.rewards.designs.attention_aware import (
    budget,
    delta_prob,
    flip_only,
    sign_omega,
)
from frame_select_env.rewards.designs.coverage import span, spread
from frame_select_env.rewards.designs.label_free import entropy_drop, minus_kl
from frame_select_env.rewards.designs.ocsampler import oc_best, oc_frame
from frame_select_env.rewards.designs.regression import delta_error
from frame_select_env.rewards.designs.summarization import diversity_representativeness
from frame_select_env.rewards.designs.true_class import confidence, delta_logp, margin

__all__ = [
    "budget",
    "confidence",
    "delta_error",
    "delta_logp",
    "delta_prob",
    "diversity_representativeness",
    "entropy_drop",
    "flip_only",
    "margin",
    "minus_kl",
    "oc_best",
    "oc_frame",
    "sign_omega",
    "span",
    "spread",
]
