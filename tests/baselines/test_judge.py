"""Training judges: what NumPy runs is what torch trained, on the videos it may know."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from baselines import judge as module
from baselines.judge import JudgeConfig, JudgeNetwork, random_subsets, train_judge
from frame_select_env import FrameSelectError, open_cache, write_cache
from frame_select_env.aggregators import judge_clips
from frame_select_env.consensus import consensus, is_correct
from frame_select_env.judge import NetworkJudge

SMALL = JudgeConfig(hidden_size=8, epochs=2, parts=3)


@pytest.fixture(scope="module")
def ordered(tmp_path_factory):
    """Videos of six frames, two of which are signs: the label is which of them comes first."""
    rng = np.random.default_rng(0)

    def videos():
        for row in range(160):
            features = rng.normal(scale=0.1, size=(6, 3)).astype(np.float32)
            first, second = np.sort(rng.choice(6, 2, replace=False))
            label = row % 2
            features[first, label], features[second, 1 - label] = 1, 1
            yield {
                "id": f"v{row}",
                "label": label,
                "split": "train" if row < 120 else "test",
                "features": features,
                "predictions": np.full((6, 2), 0.5, np.float32),
                "importance": features[:, :2].max(axis=1) > 0.8,
            }

    path = tmp_path_factory.mktemp("ordered") / "ordered.h5"
    return open_cache(write_cache(path, videos(), classes=["a", "b"]))


@pytest.fixture(scope="module")
def judged(ordered):
    """A judge that knows the order, and the numbers of clips each network was trained on."""
    trained: dict[int, set] = {}
    epoch = module._Trainer.epoch

    def listen(self, numbers):
        trained.setdefault(id(self.network), set()).update(numbers.tolist())
        networks.append(self.network)
        epoch(self, numbers)

    networks: list = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module._Trainer, "epoch", listen)
        config = JudgeConfig(hidden_size=8, dropout=0, learning_rate=0.05, epochs=12, parts=2)
        file = train_judge(ordered, config, num_frames=6)
    return file, list(trained.values())


def test_order_which_no_mean_tells_is_learnt(ordered, judged):
    """From all frames and, better, from the two that matter."""
    judge, rows = NetworkJudge(judged[0], ordered), ordered.rows("test")
    clips, label = ordered.read(rows, 6), ordered.labels[rows]
    signs = ordered.read_frames("importance", rows, 6) > 0
    right = {
        name: is_correct(judge_clips(judge, clips, selected), label).mean()
        for name, selected in (("all", clips.valid), ("signs", signs))
    }
    assert right["all"] > 0.85 and right["signs"] > 0.95
    mean = consensus(clips.features[:, :, :2], clips.valid, clips.valid)
    assert is_correct(mean, label).mean() < 0.75


def test_no_video_is_judged_by_a_network_that_was_trained_on_it(ordered, judged):
    file, (first, second, last) = judged
    train = ordered.rows("train")
    for number, trained in enumerate((first, second)):
        inside = set(np.flatnonzero(file.part[train] == number).tolist())
        assert inside | trained == set(range(120)) and not inside & trained
    assert last == set(range(120))
    assert (file.part[ordered.rows("test")] == 2).all()


@pytest.mark.parametrize("name", ["planted", "regression"])
def test_numpy_says_what_torch_says(request, name):
    cache = open_cache(request.getfixturevalue(name))
    stream = cache.streams[0]
    rows = np.arange(len(cache))
    clips = cache.read(rows, 9, stream=stream)
    rng = torch.Generator().manual_seed(0)
    selected = random_subsets(torch.from_numpy(clips.valid), rng)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        size = cache.feature_size(stream)
        scales = torch.randn(size) * 0.1, torch.rand(size) + 0.5
        network = JudgeNetwork(*scales, len(cache.classes), JudgeConfig(hidden_size=5)).eval()
    with torch.no_grad():
        said = network(torch.from_numpy(clips.features), selected)
    file = train_judge(cache, SMALL, stream=stream, num_frames=9)
    bounds = [0.0, 1.0] if cache.task == "classification" else [-99.0, 99.0]
    part = np.zeros(len(cache), np.int64)
    file = module.judge_file({**file.facts, "bounds": bounds}, [network], part)
    again = judge_clips(NetworkJudge(file, cache, stream=stream), clips, selected.numpy())
    said = said.softmax(1) if cache.task == "classification" else said
    np.testing.assert_allclose(again, said.numpy(), atol=2e-6)


def test_the_seed_decides_everything(planted):
    cache = open_cache(planted)
    with torch.random.fork_rng([]):
        files = []
        for seed in (0, 0, 1):
            torch.manual_seed(len(files))  # what was drawn before makes no difference
            files.append(train_judge(cache, SMALL, num_frames=9, seed=seed))
    first, same, other = (one.tensors() for one in files)
    assert all(np.array_equal(first[name], same[name]) for name in first)
    assert not np.array_equal(first["embed_weight"], other["embed_weight"])
    assert len(first["embed_weight"]) == SMALL.parts + 1


def test_subsets_are_of_every_size_and_never_empty():
    valid = torch.arange(5)[None] < torch.tensor([[5], [1], [3]]).repeat(4000, 1)
    subsets = random_subsets(valid, torch.Generator().manual_seed(0))
    assert not (subsets & ~valid).any() and subsets.any(1).all()
    assert subsets[1::3].sum(1).unique().tolist() == [1]
    sizes = subsets[0::3].sum(1).bincount(minlength=6)[1:] / 4000
    # Sizes 0 to 5 are equally likely, and 0 becomes 1.
    torch.testing.assert_close(sizes, torch.tensor([2, 1, 1, 1, 1]) / 6, atol=0.03, rtol=0)
    places = subsets[0::3].float().mean(0)
    assert all(abs(a - b) < 0.05 for a, b in pairwise(places.tolist()))


def test_views_are_clips_of_their_own(viewed):
    cache = open_cache(viewed)
    file = train_judge(cache, SMALL, stream="rgb", view="random", num_frames=9)
    assert file.facts["feature_size"] == cache.feature_size("rgb", "random") == 6
    together = train_judge(cache, SMALL, stream="rgb", num_frames=9)
    assert together.facts["feature_size"] == 18
    with pytest.raises(FrameSelectError, match=r"judges 18 features per frame \(view None\)"):
        NetworkJudge(together, cache, stream="rgb", view=0)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"parts": 1}, "parts=1: must be at least 2"),
        ({"epochs": 0}, "epochs=0: must be at least 1"),
        ({"dropout": 1.0}, "dropout=1.0: must be at least 0 and below 1"),
        ({"learning_rate": 0.0}, "learning_rate=0.0: must be above 0"),
        ({"weight_decay": -1.0}, "weight_decay=-1.0: must be at least 0"),
    ],
)
def test_hyper_parameters_out_of_range_are_refused(wrong, says):
    with pytest.raises(FrameSelectError, match=says):
        JudgeConfig(**wrong)
