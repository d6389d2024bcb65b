"""A task whose optimum is known: eight frames a video, so all 256 selections can be tried.

It separates a failure of the learner from a failure of the task. Tabular Q-learning and tabular
REINFORCE have no network that could generalise badly: they must reach the highest return of every
video. Then the agents are trained, and their regret (the highest return minus that of their own
choice) is drawn over the steps of the environment.

Run it from a clone: python examples/known_optimum.py --agents reinforce dqn --epochs 8
"""

import dataclasses

import gymnasium as gym
import matplotlib.pyplot as plt
import numpy as np
import tyro
from scipy.special import softmax

from agents.pictures.style import line_styles
from agents.registry import parse_agent
from agents.training.task import make_task
from agents.training.trainer import train
from baselines.optimum import every_return
from frame_select_env import Ranking, open_cache

DATA, FRAMES, REWARD = "digits", 8, "delta_prob"
AGENTS = ("reinforce@beta=0", "dqn")  # without the paper's loss on the number of frames
EPOCHS = 8


def make(env: str, slots: int, reward: str) -> gym.vector.VectorEnv:
    """The environments, of which each reset names the videos."""
    return gym.make_vec(
        env,
        num_envs=slots,
        data=DATA,
        observation="index",
        num_frames=FRAMES,
        reward=reward,
        autoreset_mode="Disabled",
    )


def q_learning(
    rows: np.ndarray, reward: str, episodes: int = 4000, slots: int = 256, seed: int = 0
) -> np.ndarray:
    """The selections [n, T] of a table of Q(video, decisions so far, action).

    It behaves at random; an update is the maximum over the next actions, as transitions are
    deterministic. A state is written in binary: a leading 1, then a digit for each decision.
    """
    rng, place = np.random.default_rng(seed), {row: i for i, row in enumerate(rows)}
    values = np.full((len(rows), 2 ** (FRAMES + 1), 2), -np.inf)
    env = make("FrameSelect/Sequential-v0", slots, reward)
    for _ in range(episodes * len(rows) // slots):
        observation, _ = env.reset(options={"video": rng.choice(rows, slots)})
        video = np.array([place[row] for row in observation["video"][:, 0]])
        state, path = np.ones(slots, int), []
        for _ in range(FRAMES):
            action = rng.integers(2, size=slots)
            _, paid, _, _, _ = env.step(action)
            path.append((state, action))
            state = 2 * state + action
        target = paid
        for state, action in reversed(path):
            np.maximum.at(values, (video, state, action), target)
            target = values[video, state].max(axis=1)
    chosen = np.zeros((len(rows), FRAMES), bool)
    state = np.ones(len(rows), int)
    for frame in range(FRAMES):
        action = values[np.arange(len(rows)), state].argmax(axis=1)
        chosen[:, frame], state = action, 2 * state + action
    return chosen


def reinforce(
    rows: np.ndarray, reward: str, updates: int = 1500, samples: int = 32, seed: int = 0
) -> np.ndarray:
    """The selections [n, T] of a table of logits, one for each video and selection.

    The baseline is the mean reward of a video's samples. Without an entropy bonus, annealed to 0,
    a policy settles on the first good selection that it meets.
    """
    rng, every = np.random.default_rng(seed), np.arange(2**FRAMES)
    selections = (every[:, None] >> np.arange(FRAMES) & 1).astype(bool)
    logits = np.zeros((len(rows), len(every)))
    env = make("FrameSelect/OneShot-v0", samples * len(rows), reward)
    for update in range(updates):
        policy = softmax(logits, axis=1)
        edges = policy.cumsum(axis=1)
        draw = rng.random((len(rows), samples, 1)) * edges[:, None, -1:]
        action = (draw > edges[:, None]).sum(axis=2)
        env.reset(options={"video": rows.repeat(samples)})
        paid = env.step(selections[action.ravel()])[1].reshape(action.shape)
        advantage = (paid - paid.mean(axis=1, keepdims=True)) / (paid.std() + 1e-8)
        gradient = np.zeros_like(logits)
        np.add.at(gradient, (np.arange(len(rows))[:, None], action), advantage / samples)
        surprise = -np.log(policy + 1e-12)
        bonus = policy * (surprise - (policy * surprise).sum(axis=1, keepdims=True))
        logits += 4.0 * (gradient + (1 - update / updates) * bonus)
    return selections[logits.argmax(axis=1)]


def curve(name: str, epochs: int) -> tuple[list[int], list[float], float]:
    """Environment steps and regret on training videos after each epoch; and that of all frames."""
    cache, choice = open_cache(DATA), parse_agent(name)
    task = make_task(cache, DATA, num_frames=FRAMES, target_frames=4, reward=REWARD)
    returns = every_return(task.fit_rows, FRAMES, data=DATA, reward=REWARD)
    clips = cache.read(task.fit_rows, FRAMES)
    steps, regrets = [], []

    def measure(ranking: Ranking) -> dict[str, float]:
        regrets.append(float((returns.best() - returns.of(ranking.select(clips))).mean()))
        return {"regret": regrets[-1]}

    config = dataclasses.replace(choice.config, epochs=epochs, patience=0)
    watch = lambda epoch: steps.append(epoch.timesteps)  # noqa: E731
    train(choice.design, cache, task, config, watch, measure=measure)
    return steps, regrets, float((returns.best() - returns.paid[:, -1]).mean())


def main(agents: tuple[str, ...] = AGENTS, epochs: int = EPOCHS) -> None:
    """Print the tables' regret, train the agents, and draw their curves."""
    rows = open_cache(DATA).rows("train")[:8]
    returns = every_return(rows, FRAMES, data=DATA, reward=REWARD)
    print(f"all frames: regret {(returns.best() - returns.paid[:, -1]).mean():.4f}")
    for learn in (q_learning, reinforce):
        regret = (returns.best() - returns.of(learn(rows, REWARD))).mean()
        print(f"{learn.__name__} by table: regret {regret:.4f} on {len(rows)} videos")
    figure, axes = plt.subplots(figsize=(8, 4.2), layout="constrained")
    for name, style in line_styles(agents).items():
        steps, regrets, everything = curve(name, epochs)
        print(f"{name}: regret {regrets[0]:.3f} after {steps[0]} steps, {regrets[-1]:.3f} at last")
        axes.plot(steps, regrets, label=name, markevery=[-1], **vars(style))
    axes.axhline(everything, color="0.6", linestyle=":", label="all frames")
    axes.set(
        xlabel="steps of the environment", ylabel="regret per video", ylim=(0, None), xscale="log"
    )
    figure.legend(frameon=False, loc="outside right upper")
    figure.savefig("known-optimum.png", dpi=150)
    print("the curves are in known-optimum.png")


if __name__ == "__main__":
    tyro.cli(main)
