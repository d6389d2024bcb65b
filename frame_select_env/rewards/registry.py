"""Reward designs by name, and the forms that `reward=` accepts."""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from frame_select_env.cache import FeatureCache
from frame_select_env.errors import FrameSelectError, known
from frame_select_env.imports import import_object
from frame_select_env.rewards.outcome import FACTS, LABELLED, OPEN, Outcome

CLASSIFICATION = ("classification",)
TASKS = (*CLASSIFICATION, "regression")

RewardFunction: TypeAlias = Callable[..., np.ndarray]
RewardSpec: TypeAlias = str | list | tuple | Mapping[str, Any] | RewardFunction


@dataclass(frozen=True)
class Design:
    """A registered reward function, the facts it may read (None: all) and the tasks it is for."""

    name: str
    function: RewardFunction
    allowed: frozenset[str] | None
    tasks: tuple[str, ...] = TASKS


_designs: dict[str, Design] = {}


def register_reward(
    name: str, needs: Iterable[str] | None = None, tasks: Iterable[str] = TASKS
) -> Callable[[RewardFunction], RewardFunction]:
    """Register a reward design: a function of an `Outcome` that returns [B] float.

        @register_reward("certainty", needs=(), tasks=("classification",))
        def certainty(outcome):
            return outcome.p1.max(axis=1) - outcome.p0.max(axis=1)

    Args:
        name: The name to use in `reward=`. Registering a name again replaces it.
        needs: The facts that the design reads besides p0, p1, unanswered, selected, looked, valid
            and target_frames; "label" includes correct_before and correct_after. Reading any other
            fact raises an error, so `needs=()` proves that a design needs no label. None allows
            every fact.
        tasks: The tasks that the design is for: "classification", "regression" or both.

    Raises:
        FrameSelectError: if `needs` or `tasks` names something that does not exist.
    """
    tasks = tuple(tasks)
    for task in tasks:
        if task not in TASKS:
            raise FrameSelectError(f"reward {name!r}: tasks: {known('task', task, TASKS)}")
    declared = None if needs is None else frozenset(needs)
    for fact in declared or ():
        if fact not in FACTS:
            raise FrameSelectError(f"reward {name!r}: needs: {known('fact', fact, FACTS)}")

    def register(function: RewardFunction) -> RewardFunction:
        allowed = None
        if declared is not None:
            allowed = declared | OPEN | (LABELLED if "label" in declared else frozenset())
        _designs[name] = Design(name, function, allowed, tasks)
        return function

    return register


def reward_names() -> list[str]:
    """The names of all registered reward designs."""
    return sorted(_designs)


def reward_design(name: str) -> Design:
    """The design registered as `name`, or the function at "module:function"."""
    if name in _designs:
        return _designs[name]
    return _of_function(import_object("reward", name, _designs), name)


def _of_function(function: RewardFunction, name: str) -> Design:
    registered = (design for design in _designs.values() if design.function is function)
    return next(registered, Design(name, function, None))


def default_reward(cache: FeatureCache, rows: np.ndarray) -> str:
    """The name of the reward for the videos in `rows` where none is named.

    It is sign_omega if one of them has a label, else diversity_representativeness; so it is where
    one class is all there is, which every selection predicts.
    """
    if cache.single_class or not len(cache.labelled(rows)):
        return "diversity_representativeness"
    return "sign_omega"


class Term:
    """One weighted design of a reward, with its arguments."""

    def __init__(
        self, design: Design, arguments: Mapping[str, Any] | None = None, weight: float = 1.0
    ) -> None:
        self.design, self.arguments, self.weight = design, dict(arguments or {}), weight
        signature = inspect.signature(design.function)
        try:
            signature.bind(None, **self.arguments)
        except TypeError as error:
            allowed = ", ".join(list(signature.parameters)[1:]) or "none"
            raise FrameSelectError(
                f"reward {design.name!r}: {error}; its arguments: {allowed}"
            ) from None

    def __call__(self, outcome: Outcome) -> np.ndarray:
        """The weighted value, [B] float64."""
        name, count = self.design.name, len(outcome)
        value = self.design.function(outcome.only(self.design.allowed, name), **self.arguments)
        value = np.array(value, np.float64)  # a copy: facts are shared and read-only
        if value.shape != (count,):
            raise FrameSelectError(
                f"reward {name!r} returned shape {value.shape}; expected ({count},)"
            )
        if not math.isfinite(value.sum()):
            wrong = value[~np.isfinite(value)]
            raise FrameSelectError(f"reward {name!r} returned {wrong[0] if len(wrong) else value}")
        return value if self.weight == 1.0 else self.weight * value


class Reward:
    """A reward: a weighted sum of designs.

    Args:
        spec: A name; "module:function"; a mapping of names to weights, or to mappings of arguments
            and "weight"; a list of a name and its arguments; or a function.
        cache: The cache that it will be used with, which must suit its task and have what it
            reads; None if that is not known yet.
    """

    def __init__(self, spec: RewardSpec, cache: FeatureCache | None = None) -> None:
        self.terms = _terms(spec)
        # Whether no design reads the label, so that videos without one can be rewarded.
        self.label_free = all("label" not in _reads(term.design) for term in self.terms)
        self.names: list[str] = []  # two designs may have the same name
        for term in self.terms:
            count = sum(
                one.design.name == term.design.name for one in self.terms[: len(self.names)]
            )
            self.names.append(term.design.name + (f" ({count + 1})" if count else ""))
        if cache is not None:
            for term in self.terms:
                _check_fit(term.design, cache)

    def __call__(self, outcome: Outcome) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The rewards [B] float64, and the weighted terms that add up to them, by name."""
        terms = {name: term(outcome) for name, term in zip(self.names, self.terms, strict=True)}
        if len(terms) == 1:
            (only,) = terms.values()
            return only.copy(), terms
        return np.sum(list(terms.values()), axis=0), terms


def _reads(design: Design) -> frozenset[str]:
    """The facts that a design may read."""
    return frozenset(FACTS) if design.allowed is None else design.allowed


def _check_fit(design: Design, cache: FeatureCache) -> None:
    """Refuse a design that does not work with the cache."""
    if cache.task not in design.tasks:
        suited = ", ".join(name for name in reward_names() if cache.task in _designs[name].tasks)
        raise FrameSelectError(
            f"reward {design.name!r} has no meaning for a {cache.task}; use one of: {suited}"
        )
    if "importance" in (design.allowed or ()) and "importance" not in cache.frame_datasets:
        raise FrameSelectError(
            f"reward {design.name!r} reads frames/importance, which {cache.path} does not have"
        )


def _terms(spec: RewardSpec) -> list[Term]:
    if isinstance(spec, str):
        return [Term(reward_design(spec))]
    if isinstance(spec, Mapping):
        if not spec:
            raise FrameSelectError("reward is an empty mapping; name at least one design")
        return [_weighted(name, content) for name, content in spec.items()]
    if isinstance(spec, list | tuple):
        if len(spec) != 2 or not isinstance(spec[0], str) or not isinstance(spec[1], Mapping):
            raise FrameSelectError(f"reward {spec!r} must be [name, {{argument: value}}]")
        return [Term(reward_design(spec[0]), spec[1])]
    if callable(spec):
        return [Term(_of_function(spec, getattr(spec, "__name__", type(spec).__name__)))]
    raise FrameSelectError(
        f"reward {spec!r} must be a name, {{name: weight}}, [name, arguments] or a function"
    )


def _weighted(name: str, content: Any) -> Term:
    arguments = dict(content) if isinstance(content, Mapping) else {"weight": content}
    weight = arguments.pop("weight", 1.0)
    if not isinstance(weight, int | float) or isinstance(weight, bool) or not np.isfinite(weight):
        raise FrameSelectError(f"reward {name!r}: the weight {weight!r} must be a number")
    return Term(reward_design(name), arguments, float(weight))
