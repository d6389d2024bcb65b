"""The reaction network: padding, the token, its attention, and the losses on small numbers."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from baselines.reaction import Layer, Reaction, pearson, reaction_loss

SIZES, LENGTHS, FRAMES = (3, 2), (6, 4, 1), 6


def inputs(seed=0):
    """Two modalities [B, T, D] of three videos, and valid [B, T]."""
    made = torch.Generator().manual_seed(seed)
    valid = torch.arange(FRAMES) < torch.tensor(LENGTHS)[:, None]
    modalities = [torch.randn(len(LENGTHS), FRAMES, size, generator=made) for size in SIZES]
    return modalities, valid


def network(seed=0, **options):
    """A small network for these inputs and two targets."""
    torch.manual_seed(seed)
    return Reaction(SIZES, 2, 8, **({"depth": 2, "num_heads": 2} | options)).eval()


@pytest.mark.parametrize("gradients", [True, False])  # without, torch has other kernels
def test_a_batch_equals_one_at_a_time(gradients):
    one, (modalities, valid) = network(depth=3), inputs()
    with torch.set_grad_enabled(gradients):
        whole = one(modalities, valid)
        every = [
            one(
                [part[video : video + 1, :length] for part in modalities],
                valid[video : video + 1, :length],
            )
            for video, length in enumerate(LENGTHS)
        ]
    for video, (length, alone) in enumerate(zip(LENGTHS, every, strict=True)):
        torch.testing.assert_close(alone.logits[0], whole.logits[video])
        torch.testing.assert_close(alone.attention[0], whole.attention[video, :length])


def test_padding_has_no_weight_and_makes_no_difference():
    one, (modalities, valid) = network(), inputs()
    whole = one(modalities, valid)
    other = one([part.masked_fill(~valid[..., None], 9.0) for part in modalities], valid)
    torch.testing.assert_close(tuple(other), tuple(whole))
    assert not whole.attention[~valid].any() and (whole.attention[valid] > 0).all()
    assert (whole.attention.sum(1) < 1).all()  # the token attends to itself, too


def test_the_layers_see_no_positions_and_the_gru_no_later_frame():
    (first, _), valid = inputs()
    one = network()
    reader = one.readers[0]
    states = reader.gru(first)[0]
    changed = first.clone()
    changed[:, 3:] += 1.0
    torch.testing.assert_close(reader.gru(changed)[0][:, :3], states[:, :3])
    # Without the GRU, frames may change places: the token is the same, and weights go with them.
    reader.gru = torch.nn.Identity()
    reader.gru.forward = lambda frames: (frames.repeat(1, 1, 3)[..., :8], None)
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    token, weights = reader(first[:1], valid[:1])
    other, moved = reader(first[:1, order], valid[:1])
    torch.testing.assert_close(other, token)
    torch.testing.assert_close(moved, weights[:, order])


def layer_norm(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def test_a_layer_is_pre_norm_attention_and_an_mlp():
    torch.manual_seed(1)
    layer = Layer(4, 2, 0.2).eval()
    states = torch.randn(1, 3, 4)
    hidden = torch.tensor([[False, False, True]])
    value = {name: part.detach().numpy().astype(float) for name, part in layer.named_parameters()}
    x = states[0].numpy().astype(float)
    normal = layer_norm(x)
    projected = normal @ value["attention.in_proj_weight"].T + value["attention.in_proj_bias"]
    heads, weights = [], []
    for head in (slice(0, 2), slice(2, 4)):
        query, key, told = (projected[:, 4 * part : 4 * part + 4][:, head] for part in range(3))
        logits = np.exp(query @ key[:2].T / math.sqrt(2))
        share = logits / logits.sum(axis=1, keepdims=True)
        weights.append(share)
        heads.append(share @ told[:2])
    read = np.concatenate(heads, axis=1) @ value["attention.out_proj.weight"].T
    x = x + read + value["attention.out_proj.bias"]
    inner = torch.from_numpy(layer_norm(x) @ value["mlp.0.weight"].T + value["mlp.0.bias"])
    x = x + functional.gelu(inner).numpy() @ value["mlp.3.weight"].T + value["mlp.3.bias"]
    every, found = layer(states, states, hidden, weigh=True)
    np.testing.assert_allclose(every[0].detach(), x, atol=1e-5)
    np.testing.assert_allclose(found[0, :, :2].detach(), np.mean(weights, axis=0), atol=1e-6)
    assert not found[0, :, 2].any()
    # The first state alone is what it is among all, and no other layer weighs.
    token, none = layer(states[:, :1], states, hidden)
    torch.testing.assert_close(token[:, 0], every[:, 0])
    assert none is None


def test_the_sizes_are_those_of_the_paper():
    whole = Reaction((545, 88), 7)
    assert [(one.gru.input_size, one.gru.hidden_size) for one in whole.readers] == [
        (545, 256), (88, 256),
    ]  # fmt: skip
    for reader in whole.readers:
        assert reader.gru.num_layers == 2 and not reader.gru.bidirectional
        assert reader.token.shape == (256,) and len(reader.layers) == 4
        for layer in reader.layers:
            assert (layer.attention.num_heads, layer.attention.head_dim) == (4, 64)
            assert (layer.mlp[0].out_features, layer.dropout.p) == (256, 0.2)
    first, dropout, last = whole.head
    assert first.weight.shape == (256, 512) and last.weight.shape == (7, 256)
    assert dropout.p == 0.3 and first.bias is None and last.bias is None


def test_the_losses_by_hand():
    predicted, target = torch.tensor([[0.0], [0.5], [1.0]]), torch.tensor([[0.5], [0.5], [0.8]])
    assert reaction_loss(predicted, target, "mse").item() == pytest.approx((0.25 + 0.04) / 3)
    assert reaction_loss(predicted, target, "l1").item() == pytest.approx(0.7 / 3)
    # Deviations (-.5, 0, .5) and (-.1, -.1, .2): .15 / sqrt(.5 * .06).
    expected = 1 - 0.15 / math.sqrt(0.5 * 0.06)
    assert reaction_loss(predicted, target, "pcc").item() == pytest.approx(expected)


def test_the_correlation_is_of_each_target_and_of_a_constant_zero():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 9, 3)).astype(np.float32)
    expected = [np.corrcoef(first[:, k], second[:, k])[0, 1] for k in range(3)]
    found = pearson(torch.from_numpy(first), torch.from_numpy(second))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    constant = torch.ones(4, 1, requires_grad=True)
    one = pearson(constant, torch.arange(4.0)[:, None])
    one.sum().backward()
    assert one.item() == 0 and constant.grad.isfinite().all()
