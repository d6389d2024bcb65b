"""DFAN: its equations on small numbers, masks and padding, the vote and the loss."""

import math

import numpy as np
import pytest
import torch

from baselines.dfan import (
    DFAN,
    Focus,
    entropy,
    importance,
    loss_of,
    masked_softmax,
    scramble,
    vote,
    voting_steps,
)
from frame_select_env import FrameSelectError

FORMS = ["per-frame", "literal"]
LOG2 = math.atanh(math.log(2))  # a logit that the tanh makes log 2: twice the weight of a logit 0


def inputs(lengths=(5, 3, 1), objects=4, seed=0, frames=5):
    """Frames [B, T, 3], objects [B, T, K, 2], which are there, and valid; zeros at padding."""
    made = torch.Generator().manual_seed(seed)
    valid = torch.arange(frames) < torch.tensor(lengths)[:, None]
    frame = torch.randn(len(lengths), frames, 3, generator=made) * valid[..., None]
    there = torch.rand(len(lengths), frames, objects, generator=made) < 0.7
    there &= valid[..., None]
    some = torch.randn(len(lengths), frames, objects, 2, generator=made) * there[..., None]
    return frame, some, there, valid


def network(form="per-frame", seed=0, **options):
    """A network for these inputs and three classes."""
    torch.manual_seed(seed)
    sizes = {"frame_size": 3, "object_size": 2, "classes": 3, "hidden_size": 4, "num_frames": 8}
    return DFAN(**(sizes | options), time_attention=form).eval()


def test_the_scrambler_mixes_both_weights_at_once():
    weights = torch.tensor([[0.2, 0.5, 0.3]])
    mixed = scramble(weights, 1, 0.6)
    torch.testing.assert_close(mixed, torch.tensor([[0.32, 0.38, 0.3]]))
    assert weights.tolist() == torch.tensor([[0.2, 0.5, 0.3]]).tolist()
    torch.testing.assert_close(scramble(weights, 2, 1.0), weights)


def test_the_scrambler_is_for_training_and_starts_at_the_second_step():
    one = network(beta=0.0)  # what is mixed changes places
    calm = one(*inputs()).time
    shaken = one.train()(*inputs()).time
    torch.testing.assert_close(calm[:, 0], shaken[:, 0])
    torch.testing.assert_close(calm[0, 1, [1, 0, 2, 3, 4]], shaken[0, 1])
    assert torch.equal(network(beta=1.0).train()(*inputs()).time, calm)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cell(weights, x, state):
    """An LSTM cell, written out."""
    h, c = state
    of_input, of_hidden, bias, more = (weights[name] for name in CELL)
    i, f, g, o = np.split(of_input @ x + bias + of_hidden @ h + more, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


CELL = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scale", [0.0, 0.7])
def test_every_step_follows_the_equations(form, scale):
    one = network(form)
    with torch.no_grad():
        one.log_scale[:] = scale
        frames, objects, present, valid = inputs((5,))
        present[0, 1, 2] = False
        found = one(frames, objects, present, valid)
    value = {name: part.numpy().astype(float) for name, part in one.state_dict().items()}
    cells = {kind: {name: value[f"{kind}.{name}"] for name in CELL} for kind in ("space", "time")}
    fused = frames[0].numpy().astype(float)
    zero = (np.zeros(4), np.zeros(4))
    first, second, prediction = zero, zero, np.zeros(3)
    there = [objects[0, t, present[0, t]].numpy().astype(float) for t in range(5)]
    average = np.stack([one.mean(axis=0) if len(one) else np.zeros(2) for one in there])
    for t in range(5):
        first = cell(cells["space"], np.concatenate([second[0], average[t]]), first)  # Eq. 4
        attended = np.zeros(2)
        if len(there[t]):
            glimpse = there[t] @ value["object_feature.weight"][0] + value["object_feature.bias"]
            glimpse = np.tanh(glimpse + value["object_hidden.weight"][0] @ first[0])  # Eq. 3
            weights = softmax(np.exp(scale) * glimpse)  # Eq. 2
            attended = weights @ there[t]  # Eq. 1
            np.testing.assert_allclose(found.objects[0, t][present[0, t]], weights, atol=1e-6)
        seen = np.concatenate([attended, fused[t]])
        glimpse = value["time_hidden.weight"] @ second[0] + value["time_seen.bias"]
        glimpse = glimpse + value["time_seen.weight"] @ seen
        if form == "literal":
            glimpse = glimpse[:5]
        else:
            keys = np.concatenate([average, fused], axis=1) @ value["time_key.weight"].T
            glimpse = keys @ glimpse / 2
        weights = softmax(np.exp(scale) * np.tanh(glimpse))  # Eq. 8 and 9
        np.testing.assert_allclose(found.time[0, t], weights, atol=1e-6)
        second = cell(cells["time"], np.concatenate([prediction, weights @ fused]), second)
        logits = value["predict.weight"] @ second[0] + value["predict.bias"]
        prediction = softmax(logits)  # Eq. 5
        np.testing.assert_allclose(found.logits[0, t], logits, atol=1e-6)


def test_weights_by_hand():
    one = DFAN(1, 1, 2, 2, time_attention="literal", num_frames=3).eval()
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.zero_()
        one.object_feature.weight.fill_(1.0)
        one.time_seen.bias.copy_(torch.tensor([LOG2, 0.0, 0.0]))
        objects = torch.tensor([[[LOG2], [0.0]], [[LOG2], [LOG2]], [[0.0], [0.0]]])[None]
        present = torch.tensor([[[True, True], [True, True], [True, False]]])
        found = one(torch.ones(1, 3, 1), objects, present, torch.ones(1, 3, dtype=torch.bool))
    expected = torch.tensor([[2 / 3, 1 / 3], [1 / 2, 1 / 2], [1.0, 0.0]])
    torch.testing.assert_close(found.objects[0], expected)
    torch.testing.assert_close(found.time[0], torch.tensor([[1 / 2, 1 / 4, 1 / 4]] * 3))
    assert not found.logits.any()


@pytest.mark.parametrize("form", FORMS)
def test_attention_sums_to_one_and_padding_and_missing_objects_have_none(form):
    frames, objects, present, valid = inputs()
    present[0, 2] = False  # a frame without objects
    found = network(form)(frames, objects, present, valid)
    torch.testing.assert_close(found.time.sum(2), valid.float())
    torch.testing.assert_close(found.objects.sum(2), present.any(2).float())
    assert not found.time[~valid[:, None].expand_as(found.time)].any()
    assert not found.objects[~present].any() and not found.logits[~valid].any()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("options", [{}, {"object_focus": False}, {"frame_size": 0}])
def test_padding_does_not_count_and_a_batch_equals_one_at_a_time(form, options):
    one = network(form, **options)
    frames, objects, present, valid = inputs()
    frames = frames[..., :0] if options.get("frame_size") == 0 else frames
    whole = one(frames, objects, present, valid)
    # What lies at padding makes no difference.
    other = (
        frames.masked_fill(~valid[..., None], 9.0),
        objects.masked_fill(~present[..., None], 7.0),
    )
    torch.testing.assert_close(tuple(one(*other, present, valid)), tuple(whole))
    for video, length in enumerate((5, 3, 1)):
        cut = (part[video : video + 1, :length] for part in (frames, objects, present, valid))
        alone = one(*cut)
        torch.testing.assert_close(alone.logits[0], whole.logits[video, :length])
        torch.testing.assert_close(alone.time[0], whole.time[video, :length, :length])
        torch.testing.assert_close(alone.objects[0], whole.objects[video, :length])


def test_missing_objects_leave_gradients_finite():
    one = network().train()
    frames, objects, present, valid = inputs()
    found = one(frames, objects, torch.zeros_like(present), valid)
    loss_of(found.logits, valid, torch.tensor([0, 1, 2])).backward()
    for name, parameter in one.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), name


def test_the_literal_form_never_sees_what_a_later_frame_shows():
    frames, *rest = inputs((5,))
    other = frames.clone()
    other[0, 4] += 1
    for form, same in (("literal", True), ("per-frame", False)):
        one, two = (network(form)(some, *rest).time[0, 0] for some in (frames, other))
        assert torch.equal(one, two) == same


def test_the_literal_form_is_for_as_many_frames_as_it_has_rows():
    with pytest.raises(FrameSelectError, match="is for 4 frames, not 5"):
        network("literal", num_frames=4)(*inputs())
    network("per-frame", num_frames=4)(*inputs())


def test_without_a_learned_scale_no_weight_of_25_frames_is_above_a_quarter():
    weights = masked_softmax(torch.tanh(50 * torch.eye(25) - 25), torch.ones(25, 25) > 0)
    assert weights.max() == pytest.approx(math.e**2 / (math.e**2 + 24), abs=1e-6)
    assert weights.max() < 0.24
    assert not network().log_scale.requires_grad
    assert network(learned_scale=True).log_scale.requires_grad


def spoken(*steps):
    """Logits [1, T, C] of probabilities."""
    return torch.tensor([steps]).log()


def test_the_last_ten_steps_vote():
    # Two steps for class 0 that do not vote, six for class 1 and four for class 2.
    steps = [[0.8, 0.1, 0.1]] * 2 + [[0.2, 0.5, 0.3]] * 6 + [[0.0, 0.1, 0.9]] * 4
    valid = torch.ones(1, 12, dtype=torch.bool)
    assert voting_steps(valid)[0].tolist() == [False] * 2 + [True] * 10
    share = vote(spoken(*steps), valid)
    torch.testing.assert_close(share[0].float(), torch.tensor([0.0, 0.6, 0.4]), atol=1e-3, rtol=0)
    assert share.sum().item() == pytest.approx(1) and share.argmax() == 1
    # Of padding nothing is counted; of three steps all vote.
    valid[0, 3:] = False
    assert voting_steps(valid)[0].tolist() == [True] * 3 + [False] * 9
    torch.testing.assert_close(vote(spoken(*steps), valid), vote(spoken(*steps[:3]), valid[:, :3]))


def test_a_tied_vote_goes_to_the_higher_mean_probability():
    valid = torch.ones(1, 2, dtype=torch.bool)
    assert vote(spoken([0.6, 0.4], [0.1, 0.9]), valid).argmax() == 1
    assert vote(spoken([0.9, 0.1], [0.4, 0.6]), valid).argmax() == 0
    assert vote(spoken([0.6, 0.4], [0.4 - 1e-5, 0.6 + 1e-5]), valid).argmax() == 1
    # A vote more wins against any mean.
    three = torch.ones(1, 3, dtype=torch.bool)
    assert vote(spoken([0.51, 0.49], [0.51, 0.49], [0.0, 1.0]), three).argmax() == 0


def test_importance_is_the_mean_attention_of_the_voting_steps():
    valid = torch.arange(12) < torch.tensor([[12], [2]])
    time = torch.zeros(2, 12, 12)
    time[0, :2, 0], time[0, 2:7, 3], time[0, 7:, 5] = 1.0, 1.0, 1.0
    time[1, 0, 0], time[1, 1, :2] = 1.0, 0.5
    expected = torch.zeros(2, 12)
    expected[0, [3, 5]] = 0.5
    expected[1, :2] = torch.tensor([0.75, 0.25])
    torch.testing.assert_close(importance(time, valid), expected)


def test_the_loss_is_averaged_over_steps_and_then_over_videos():
    steps = [[[0.5, 0.5], [0.25, 0.75]], [[0.125, 0.875], [0.9, 0.1]]]
    valid = torch.tensor([[True, True], [True, False]])
    loss = loss_of(torch.tensor(steps).log(), valid, torch.tensor([0, 0]))
    # (log 2 + log 4) / 2 and log 8.
    assert loss.item() == pytest.approx((1.5 + 3) / 2 * math.log(2))


def test_entropy_is_the_mean_over_steps_with_weights():
    weights = torch.tensor([[[0.5, 0.5], [1.0, 0.0]], [[0.0, 0.0], [0.5, 0.5]]])
    assert entropy(weights).item() == pytest.approx(2 / 3 * math.log(2))


def test_without_objects_there_is_no_attention_to_them():
    frames, objects, present, valid = inputs()
    one = network(object_size=0)
    found = one(frames, objects[:, :, :0, :0], present[:, :, :0], valid)
    assert isinstance(found, Focus) and found.objects.shape == (3, 5, 0)
    torch.testing.assert_close(found.time.sum(2), valid.float())
    equal = network(object_focus=False)(frames, objects, present, valid).objects
    torch.testing.assert_close(equal, present / present.sum(2, keepdim=True).clamp(min=1))
