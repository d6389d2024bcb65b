"""The networks: what each sees and does not see, and that sharing work changes no number."""

import numpy as np
import pytest
import torch
from torch import nn

from agents.networks.bilstm import DENSE_SIZE, run_lstm
from agents.networks.decision import DecisionNetwork
from agents.networks.feature_table import FeatureTable
from agents.networks.frame_scorer import FrameScorer
from agents.networks.frame_set import FORBIDDEN, FrameSetNetwork
from frame_select_env import Clips, open_cache

T, D, C = 6, 5, 3


def clips(seed: int = 0, lengths: tuple[int, ...] = (6, 4, 6, 2)) -> Clips:
    rng = np.random.default_rng(seed)
    n = len(lengths)
    valid = np.arange(T) < np.array(lengths)[:, None]
    features = rng.normal(size=(n, T, D)).astype(np.float16) * valid[..., None]
    predictions = rng.dirichlet(np.ones(C), (n, T)).astype(np.float32) * valid[..., None]
    return Clips(features, predictions, valid, np.zeros((n, T)), np.arange(n) * 2 + 1)


def state(selected: list[list[int]], cursor: list[int], video: list[int]):
    return torch.tensor(video), torch.tensor(selected), torch.tensor(cursor)


def decide(network, given, at=((1, 3), [[1, 0, 0, 0, 0, 0]] * 2, (2, 2))):
    video, selected, cursor = at
    with torch.no_grad():
        return network(
            FeatureTable(given), torch.tensor(video), torch.tensor(selected), torch.tensor(cursor)
        )


def changed(given: Clips, video: int, frame: int) -> Clips:
    """The same clips with other features in one frame."""
    features = given.features.copy()
    features[video, frame] += 1
    return Clips(features, given.predictions, given.valid, given.time, given.video)


@pytest.mark.parametrize("encoder", ["frame", "video"])
def test_a_decision_sees_its_frame_or_with_the_video_encoder_all_frames(encoder):
    torch.manual_seed(0)
    network = DecisionNetwork(D, C, encoder, hidden_size=8).eval()
    given = clips()
    before = decide(network, given)
    assert not torch.equal(before[0], decide(network, changed(given, 0, 2))[0])
    other = decide(network, changed(given, 0, 4))
    assert torch.equal(before[0], other[0]) == (encoder == "frame")
    assert torch.equal(before[1], other[1])  # another video's frame
    # Video 1 has 4 frames: the other two are padding, whatever they hold.
    torch.testing.assert_close(decide(network, changed(given, 1, 5)), before)


def test_a_chunk_is_seen_as_the_mean_of_its_valid_frames():
    torch.manual_seed(0)
    network = DecisionNetwork(D, C, "frame", chunk=3, hidden_size=8).eval()
    given = clips(lengths=(4, 6))
    at = ((1,), [[0] * T], (3,))
    alone = decide(network, given, at)
    # Frame 3 is the only valid one of its chunk: frames 4 and 5 are padding.
    torch.testing.assert_close(decide(network, changed(given, 0, 4), at), alone)
    # In the other video, moving what one frame has to its neighbour keeps the mean.
    features, predictions = given.features.copy(), given.predictions.copy()
    features[1, [3, 4]], predictions[1, [3, 4]] = features[1, [4, 3]], predictions[1, [4, 3]]
    swapped = Clips(features, predictions, given.valid, given.time, given.video)
    at = ((3,), [[0] * T], (3,))
    torch.testing.assert_close(decide(network, swapped, at), decide(network, given, at))


def test_a_decision_sees_the_mean_prediction_of_what_was_kept():
    torch.manual_seed(0)
    network = DecisionNetwork(D, C, "frame", hidden_size=8).eval()
    given = clips()
    seen = []
    network.layers.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    decide(network, given, ((3,), [[1, 0, 1, 0, 0, 0]], (3,)))  # four frames and two of padding
    prediction, p0, p1, progress, count = seen[0][0, D:].split([C, C, C, 1, 1])
    np.testing.assert_allclose(prediction, given.predictions[1, 3], rtol=1e-6)
    np.testing.assert_allclose(p0, given.predictions[1, :4].mean(0), rtol=1e-5)
    np.testing.assert_allclose(p1, given.predictions[1, [0, 2]].mean(0), rtol=1e-5)
    assert (progress.item(), count.item()) == (pytest.approx(3 / 4), pytest.approx(2 / 4))


@pytest.mark.parametrize("video", [0, 1, 3])
@pytest.mark.parametrize(
    "network",
    [
        DecisionNetwork(D, C, "frame", hidden_size=8),
        DecisionNetwork(D, C, "video", chunk=2, hidden_size=8),
        FrameSetNetwork(D, C, True, hidden_size=8),
    ],
    ids=["frame", "video", "set"],
)
def test_more_padding_changes_no_number(network, video):
    """All shares are of the video's own length, not of the number of frames."""
    network.eval()
    given = clips()
    longer = Clips(
        *(np.pad(part, [(0, 0), (0, 3)] + [(0, 0)] * (part.ndim - 2)) for part in (
            given.features, given.predictions, given.valid, given.time
        )),
        given.video,
    )  # fmt: skip
    state = ((2 * video + 1,), [[0, 1, 0, 0, 0, 0]], (2,))
    short = decide(network, given, state)[0]
    padded = decide(network, longer, (state[0], [[*state[1][0], 0, 0, 0]], state[2]))[0]
    actions = list(range(len(padded)))
    if len(padded) > 2:  # an action for each frame, and stopping
        assert (padded[T : T + 3] == FORBIDDEN).all()
        actions = [*range(T), T + 3]
    torch.testing.assert_close(padded[actions], short)


@pytest.mark.parametrize("kept", [[0, 1, 0, 0, 0, 0], [1, 1, 0, 1, 0, 0]])
def test_the_set_network_sees_the_share_of_the_video_that_is_picked(kept):
    network = FrameSetNetwork(D, C, hidden_size=8).eval()
    given, seen = clips(), []
    network.from_set.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    decide(network, given, ((3,), [kept], (0,)))
    p0, p1, count = seen[0][0, 2 * network.encoded :].split([C, C, 1])
    np.testing.assert_allclose(p0, given.predictions[1, :4].mean(0), rtol=1e-5)
    np.testing.assert_allclose(p1, given.predictions[1, np.flatnonzero(kept)].mean(0), rtol=1e-5)
    assert count.item() == sum(kept) / 4


@pytest.mark.parametrize("stop", [False, True])
def test_the_set_network_forbids_repeats_and_padding_and_never_stopping(stop):
    torch.manual_seed(0)
    network = FrameSetNetwork(D, C, stop, hidden_size=8).eval()
    values = decide(network, clips(), ((3,), [[0, 1, 0, 0, 0, 0]], (1,)))[0]
    assert (values == FORBIDDEN).tolist() == [False, True, False, False, True, True] + [
        False
    ] * stop


def test_the_set_network_sees_what_is_in_the_set():
    torch.manual_seed(0)
    network = FrameSetNetwork(D, C, hidden_size=8).eval()
    first = decide(network, clips(), ((1,), [[1, 0, 0, 0, 0, 0]], (1,)))[0, 5]
    second = decide(network, clips(), ((1,), [[0, 1, 0, 0, 0, 0]], (1,)))[0, 5]
    assert first != second


@pytest.mark.parametrize(
    "network",
    [
        DecisionNetwork(D, C, "video", hidden_size=8),
        FrameSetNetwork(D, C, True, hidden_size=8),
        FrameScorer(D, C, hidden_size=4),
        FrameScorer(D, C, "summary", hidden_size=4),
    ],
    ids=["decision", "set", "scorer", "summary"],
)
def test_sharing_encodings_changes_no_number_and_notices_new_weights(network):
    network.eval()
    table = FeatureTable(clips())
    video = torch.tensor([5, 1, 5, 7, 1])
    selected = torch.zeros(5, T)
    selected[2, 0] = 1
    cursor = torch.tensor([1, 0, 2, 0, 3])
    with_gradient = network.act(network.codes(table, video, selected, cursor)).detach()
    with torch.no_grad():
        kept = network.act(network.codes(table, video, selected, cursor))
        again = network.act(network.codes(table, video, selected, cursor))
        torch.testing.assert_close(kept, with_gradient)
        assert torch.equal(kept, again)
        one_by_one = [
            network.act(network.codes(table, video[[k]], selected[[k]], cursor[[k]]))
            for k in range(5)
        ]
        torch.testing.assert_close(torch.cat(one_by_one), kept)
        for parameter in network.parameters():
            parameter.lerp_(torch.ones_like(parameter), 0.5)  # as averages and optimisers do
        moved = network.act(network.codes(table, video, selected, cursor))
        # Another table: the rows mean other videos.
        other = network.act(network.codes(FeatureTable(clips(1)), video, selected, cursor))
    assert not torch.equal(moved, kept) and not torch.equal(other, moved)
    fresh = network.act(network.codes(table, video, selected, cursor)).detach()
    torch.testing.assert_close(moved, fresh)


@pytest.mark.parametrize("seen", ["feature+prediction", "summary"])
def test_padding_has_the_logit_0_and_no_gradient_in_the_scorer(seen):
    network = FrameScorer(D, C, seen, hidden_size=4).eval()
    table = FeatureTable(clips())
    table.features.requires_grad_()
    logits = network.act(network.codes(table, torch.tensor([3]), None, None))
    assert logits[0, 4:].tolist() == [0, 0]
    logits.sum().backward()
    found = table.features.grad[table.index(torch.tensor([3]))[0]]
    assert found[:4].abs().sum(1).all() and not found[4:].any()


@pytest.mark.parametrize("seen", ["feature+prediction", "summary"])
def test_the_critic_is_of_the_mean_over_valid_frames(seen):
    network = FrameScorer(D, C, seen, hidden_size=4).eval()
    critic = network.critic()
    codes = network.codes(FeatureTable(clips()), torch.tensor([3]), None, None).detach()
    states = network.encode(*FeatureTable(clips())(torch.tensor([3])))
    torch.testing.assert_close(critic(codes)[0], critic.head(states[0, :4].mean(0)))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("size", [5, DENSE_SIZE + 1])
def test_the_bilstm_equals_torchs_own_on_each_video_alone(size, layers):
    torch.manual_seed(0)
    lstm = nn.LSTM(size, 3, layers, batch_first=True, bidirectional=True)
    inputs, length = torch.randn(4, 7, size), torch.tensor([7, 1, 4, 6])
    valid = torch.arange(7) < length[:, None]
    states = run_lstm(lstm, inputs, valid)
    gradients = torch.autograd.grad((states * valid[..., None]).square().sum(), lstm.parameters())
    alone = [lstm(video[None, :end])[0][0] for video, end in zip(inputs, length, strict=True)]
    torch.testing.assert_close(states[valid], torch.cat(alone), rtol=1e-4, atol=1e-6)
    expected = torch.autograd.grad(torch.cat(alone).square().sum(), lstm.parameters())
    torch.testing.assert_close(gradients, expected, rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(run_lstm(lstm, inputs, valid)[valid], states[valid])


def test_standardising_is_of_the_valid_frames_in_parts_too(planted):
    cache = open_cache(planted)
    table = FeatureTable.read(cache, np.arange(len(cache)), 10)
    network = FrameScorer(6, 4)
    network.standardise(table.features.repeat(9, 1, 1), table.valid.repeat(9, 1))
    frames = table.features[table.valid].float()
    torch.testing.assert_close(network.mean, frames.mean(0), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(network.scale, 1 / frames.std(0, correction=0), rtol=1e-3, atol=1e-4)
