"""sb3:ALGORITHM: any algorithm of Stable-Baselines3 and sb3-contrib as an agent.

Its policy sees the frames through the network of our agents on the same environment. Where that
network can be the whole policy (actor-critics and DQN) it is; policies with heads of their own
(quantiles, memories) get its codes. Hyper-parameters are the algorithm's own, by its constructor.
"""

import dataclasses
import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache as cached
from typing import Any, ClassVar

from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from sb3_contrib.qrdqn.policies import QRDQNPolicy
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.dqn.policies import DQNPolicy

from agents.field_types import field_comments
from agents.networks.decision import DecisionConfig, Encoder, make_decision_network
from agents.networks.frame_scorer import OneShotConfig, make_frame_scorer
from agents.networks.frame_set import PickConfig, make_frame_set_network
from agents.networks.glance import GlanceConfig, make_glance_network
from agents.networks.network import Network
from agents.rankings import PickAgent, ScorerAgent, SequentialAgent
from agents.stable_baselines.algorithms import algorithm, algorithms
from agents.stable_baselines.learner import AlgorithmConfig, AlgorithmLearner
from agents.stable_baselines.policies import (
    MaskableNetworkPolicy,
    NetworkPolicy,
    NetworkQPolicy,
)
from agents.stable_baselines.replay import SequenceReplayBuffer
from agents.stable_baselines.stock_heads import (
    PolicyNetwork,
    Read,
    mean_quantiles,
    recurrent_logits,
)
from agents.training.design import AgentDesign, check_ranges
from agents.training.task import Task, epoch_seed
from frame_select_env import FeatureCache, FrameSelectError
from frame_select_env.errors import known

ONE_SHOT, SEQUENTIAL = "FrameSelect/OneShot-v0", "FrameSelect/Sequential-v0"
PICK, GLANCE = "FrameSelect/Pick-v0", "FrameSelect/Glance-v0"


@dataclass(frozen=True)
class Process:
    """A decision process: its hyper-parameters, the network for it, and the ranking by that."""

    config: type[Any]
    own: tuple[str, ...]  # the hyper-parameters that are about it
    network: Callable[[FeatureCache, Task, Any], Any]
    agent: Callable[[str, Any, Task, Any, bool], Any]


PROCESSES = {
    ONE_SHOT: Process(
        *(OneShotConfig, ("state", "num_layers"), make_frame_scorer),
        lambda name, network, task, config, tie: ScorerAgent(name, network, tie),
    ),
    SEQUENTIAL: Process(
        *(DecisionConfig, ("encoder", "dense", "chunk"), make_decision_network),
        lambda name, network, task, config, tie: SequentialAgent(name, network, tie),
    ),
    PICK: Process(
        *(PickConfig, ("stop", "dense"), make_frame_set_network),
        lambda name, network, task, config, tie: PickAgent(name, network, task.target_frames),
    ),
    GLANCE: Process(
        *(GlanceConfig, ("picks", "dense"), make_glance_network),
        lambda name, network, task, config, tie: PickAgent(name, network, config.steps(task)),
    ),
}


@dataclass(frozen=True)
class Family:
    """What algorithms with the same kind of policy have in common."""

    policy: type[Any]
    ids: tuple[str, ...]  # the environments that its policy can act in; the first is the default
    tie: bool = True  # whether a tie keeps: it is a policy, and has no Q-values
    read: Read | None = None  # of a policy with heads of its own, what its numbers are
    keywords: Callable[[Any], dict[str, Any]] = field(default=lambda config: {})


# By the policy that the algorithm calls "MlpPolicy" or "MlpLstmPolicy".
FAMILIES: dict[type[Any], Family] = {
    ActorCriticPolicy: Family(NetworkPolicy, (ONE_SHOT, SEQUENTIAL, PICK, GLANCE)),
    MaskableActorCriticPolicy: Family(MaskableNetworkPolicy, (PICK, GLANCE)),
    DQNPolicy: Family(NetworkQPolicy, (SEQUENTIAL, PICK, GLANCE), tie=False),
    QRDQNPolicy: Family(QRDQNPolicy, (SEQUENTIAL,), tie=False, read=mean_quantiles),
    RecurrentActorCriticPolicy: Family(
        *(RecurrentActorCriticPolicy, (SEQUENTIAL,)),
        read=recurrent_logits,
        keywords=lambda config: {"lstm_hidden_size": config.hidden_size},
    ),
}

FEW = 8  # parallel environments of algorithms that update once after each rollout

# Arguments of constructors that are ours to give, or that no command line can.
OURS = {
    *("self", "policy", "env", "gamma", "policy_kwargs", "seed", "device", "verbose"),
    *("tensorboard_log", "stats_window_size", "use_sde", "sde_sample_freq", "_init_setup_model"),
    *("replay_buffer_class", "replay_buffer_kwargs", "optimize_memory_usage"),
    *("rollout_buffer_class", "rollout_buffer_kwargs"),
}


@dataclass(frozen=True)
class AnyConfig(OneShotConfig, DecisionConfig, PickConfig, GlanceConfig, AlgorithmConfig):
    """Hyper-parameters of all algorithms; a subclass adds those of one."""

    algorithm: ClassVar[type[BaseAlgorithm]]
    family: ClassVar[Family]
    own: ClassVar[tuple[str, ...]]  # the constructor's

    #: The environment's id.
    env_id: str = ONE_SHOT
    #: Number of steps per rollout, or of rewards in a return; null is a whole episode.
    n_steps: int | None = None

    @property
    def process(self) -> Process:
        """The decision process."""
        return PROCESSES[self.env_id]

    def env(self, task: Task) -> tuple[str, dict[str, Any]]:
        """The environment's id and keywords, without those of the task."""
        return self.process.config.env(self, task)

    def steps(self, task: Task) -> int:
        """The largest number of decisions in an episode."""
        return self.process.config.steps(self, task)


class AnyLearner(AlgorithmLearner):
    """The state of a training run of any algorithm."""

    flatten = True  # replay buffers with n-step returns take no Dict observation
    config: AnyConfig

    def encoder(self, network: Any) -> Network:
        """The network that encodes videos, within the policy if that has heads of its own."""
        return network.networks()[0] if isinstance(network, PolicyNetwork) else network

    def make_model(self, policy_kwargs: dict[str, Any]) -> BaseAlgorithm:
        """The algorithm with the constructor's hyper-parameters; gamma is 1."""
        config, task = self.config, self.task
        given = {name: getattr(config, name) for name in config.own if name != "n_steps"}
        if given.get("max_grad_norm") == 0:
            given["max_grad_norm"] = float("inf")
        steps = config.n_steps or self.steps
        if "buffer_size" in config.own:
            given |= {"replay_buffer_class": SequenceReplayBuffer}
            given |= {"replay_buffer_kwargs": {"n_steps": steps}}
        else:
            given["n_steps"] = steps
            if given.get("batch_size"):
                given["batch_size"] = min(given["batch_size"], steps * config.num_envs)
        if not config.weight_decay:  # of A2C's optimiser it cannot be set
            del policy_kwargs["optimizer_kwargs"]
        policy_kwargs |= config.family.keywords(config)
        made: Any = _forgetful(config.algorithm)(
            *(config.family.policy, self.env),
            gamma=1.0,
            policy_kwargs=policy_kwargs,
            device=task.device,
            **given,
        )
        if isinstance(self.average, PolicyNetwork):  # begin with the weights that are saved
            made.policy.load_state_dict(self.average.policy.state_dict())
        decays = {group["weight_decay"] for group in made.policy.optimizer.param_groups}
        if decays != {config.weight_decay}:
            raise FrameSelectError(
                f"weight_decay={config.weight_decay}: the optimiser of {config.algorithm.__name__} "
                "takes none; leave it at 0, or for A2C add use_rms_prop=false"
            )
        if schedule := getattr(made, "exploration_schedule", None):
            # Over the whole run; SB3 would begin again with every epoch.
            made.exploration_schedule = lambda _: schedule(1 - self.progress())
        return made

    def trained_network(self) -> Any:
        """What `average` follows: the policy, or the network that is one."""
        if self.config.family.read:
            return self.model.policy
        whole: Any = getattr(self.model, "q_net", self.model.policy)
        return whole.features_extractor.network

    def epoch(self, number: int) -> dict[str, float]:
        """An epoch, in which actions that the algorithm samples from a space are seeded, too."""
        self.model.action_space.seed(epoch_seed(self.task, number))
        return super().epoch(number)

    def after_epoch(self) -> None:
        """Truncate the episodes in a replay buffer: no return runs into the next epoch's."""
        if self.buffer is not None:
            self.buffer.truncate()

    @property
    def buffer(self) -> SequenceReplayBuffer | None:
        """The replay buffer, if the algorithm has one."""
        return getattr(self.model, "replay_buffer", None)

    def parts(self) -> dict[str, Any]:
        """The policy, the optimiser and the replay buffer."""
        own = {} if self.buffer is None else {"replay": self.buffer}
        return {**super().parts(), **own}


@cached
def _forgetful(kind: type[BaseAlgorithm]) -> type[Any]:
    """The algorithm, whose networks drop cached encodings before and after an update.

    Target networks and TRPO change weights through `.data`, which increments no tensor's version.
    """

    def train(self: Any, *arguments: Any, **keywords: Any) -> None:
        _forget(self.policy)
        kind.train(self, *arguments, **keywords)  # type: ignore[attr-defined]
        _forget(self.policy)

    return type(kind.__name__, (kind,), {"train": train})


def _forget(policy: Any) -> None:
    for one in policy.modules():
        if isinstance(one, Network):
            one.forget()


@cached
def algorithm_design(name: str) -> AgentDesign:
    """The design of the agent "sb3:NAME".

    Raises:
        FrameSelectError: for an unknown algorithm, or one whose actions are not ours.
    """
    kind = algorithm(name)
    family = _family(kind)
    if family is None:
        fitting = [one for one, found in algorithms().items() if _family(found)]
        raise FrameSelectError(
            f"agent 'sb3:{name}': {name} has no policy for discrete actions; these have: "
            f"{', '.join(sorted(fitting))}"
        )
    title, config = f"sb3:{name}", _config(name, kind, family)
    return AgentDesign(
        name=title,
        config=config,
        presets={"tuned": config()},
        network=_make_network,
        agent=lambda network, task, config: config.process.agent(
            title, network, task, config, family.tie
        ),
        learner=AnyLearner,
        check=_check,
        modules=tuple(f"agents.stable_baselines.{module}" for module in ("replay", "stock_heads")),
    )


def _family(kind: type[BaseAlgorithm]) -> Family | None:
    aliases = kind.policy_aliases
    return FAMILIES.get(aliases.get("MlpPolicy", aliases.get("MlpLstmPolicy", object)))


def _config(name: str, kind: type[BaseAlgorithm], family: Family) -> type[AnyConfig]:
    """The dataclass of an algorithm's hyper-parameters, with the constructor's defaults."""
    made: list[Any] = []
    own = []
    for one in inspect.signature(kind.__init__).parameters.values():
        if one.name in OURS:
            continue
        own.append(one.name)
        kinds = {one.annotation, *typing.get_args(one.annotation)}
        if one.name == "n_steps":
            continue
        if one.default is None or (float in kinds and type(None) in kinds):
            made.append((one.name, float | None, one.default))
        else:
            default = float(one.default) if float in kinds else one.default
            made.append((one.name, type(default), default))
    made.append(("env_id", str, family.ids[0]))
    if "n_epochs" not in own and "cg_max_steps" not in own:
        made.append(("num_envs", int, FEW))  # one update after each rollout: so many, and small
    if family.read is recurrent_logits:
        made.append(("encoder", Encoder, "frame"))  # the policy itself remembers
    # --help reads no comments of a class without source: its docstring says what the constructor's
    # are and, where both have a name, what ours is.
    comments = "".join(f":param {one}: {told}\n" for one, told in field_comments(AnyConfig).items())
    space = {"algorithm": kind, "family": family, "own": tuple(own)}
    space |= {"__doc__": f"{inspect.cleandoc(kind.__doc__ or '')}\n{comments}"}
    return dataclasses.make_dataclass(
        f"{name}Config", made, bases=(AnyConfig,), frozen=True, namespace=space
    )


def _make_network(cache: FeatureCache, task: Task, config: AnyConfig) -> Any:
    network = config.process.network(cache, task, config)
    family = config.family
    if family.read is None:
        return network
    keywords = family.keywords(config)
    return PolicyNetwork(
        *(family.policy, network, task.num_frames, family.read), net_arch=[], **keywords
    )


def _check(config: AnyConfig) -> None:
    """Raise FrameSelectError if a hyper-parameter is out of range or has no effect."""
    check_ranges(config)
    name, ids = config.algorithm.__name__, config.family.ids
    if config.env_id not in ids:
        raise FrameSelectError(f"sb3:{name}: {known('env_id', config.env_id, ids)}")
    defaults = type(config)()
    unused = {one for process in PROCESSES.values() for one in process.own}
    unused -= set(config.process.own)
    unused |= {"max_grad_norm"} - set(config.own)
    for one in sorted(unused):
        if getattr(config, one) != getattr(defaults, one):
            raise FrameSelectError(f"{one}: sb3:{name} on {config.env_id} makes no use of it")
