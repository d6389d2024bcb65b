"""Log-mel: pitch in the right band at the right time, silence as a number."""

import numpy as np
import pytest
import torch

from data.video import sound as module
from data.video.sound import FLOOR, RATE, log_mel, log_mel_at, mel_filters

SILENCE = np.float32(np.log(FLOOR))


def tone(hertz, seconds=1.0):
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE).astype(np.float32)


def test_filters_weigh_frequencies_around_their_centres():
    filters = mel_filters(20)
    assert filters.shape == (20, 257)
    torch.testing.assert_close(filters.sum(dim=1), torch.ones(20))
    peaks = filters.argmax(dim=1)
    assert (peaks.diff() >= 0).all()
    # By the formula: mel(60) = 92.6, mel(7800) = 2818.5; the 10th of 20 centres is at 1390.4 mel.
    assert peaks[9] * RATE / 512 == pytest.approx(700 * (10 ** (1390.4 / 2595) - 1), abs=RATE / 512)


def test_more_bands_than_frequencies_leave_none_empty():
    torch.testing.assert_close(mel_filters(128).sum(dim=1), torch.ones(128))


@pytest.mark.parametrize("hertz", [200.0, 1000.0, 4000.0])
def test_a_tone_is_loudest_in_its_band(hertz):
    rows = log_mel(tone(hertz), 32)
    assert rows.shape == (101, 32)
    centres = mel_filters(32).argmax(dim=1) * RATE / 512
    loudest = rows[50].argmax()
    assert loudest == (centres - hertz).abs().argmin()


def test_power_of_ten_adds_a_constant():
    rows = log_mel(tone(1000.0), 16)[20:80] - log_mel(tone(1000.0) / 10, 16)[20:80]
    loud = log_mel(tone(1000.0), 16)[50].argmax()
    np.testing.assert_allclose(rows[:, loud], np.log(100), rtol=1e-2)


def test_blocks_change_nothing(monkeypatch):
    sound = np.random.default_rng(0).normal(size=20_000).astype(np.float32)
    whole = log_mel(sound, 24)
    monkeypatch.setattr(module, "BLOCK", 7)
    torch.testing.assert_close(log_mel(sound, 24), whole, atol=1e-6, rtol=0)


def test_what_is_heard_around_a_time():
    sound = np.concatenate([np.zeros(RATE, np.float32), tone(1000.0), np.zeros(RATE, np.float32)])
    seconds = np.array([0.5, 1.5, 2.5, 9.0])
    heard = log_mel_at(sound, seconds, bands=16, span=0.2)
    assert heard.shape == (4, 16) and heard.dtype == np.float32
    np.testing.assert_allclose(heard[[0, 2, 3]], SILENCE, atol=1e-4)
    assert heard[1].max() > 0
    # Half the span lies before the tone begins: half of it is silence.
    edge = log_mel_at(sound, np.array([1.0]), bands=16, span=0.5)[0]
    band = heard[1].argmax()
    assert edge[band] == pytest.approx((heard[1][band] + SILENCE) / 2, abs=0.8)


@pytest.mark.parametrize("sound", [None, np.zeros(0, np.float32), np.zeros(10, np.float32)])
def test_no_sound_is_silence(sound):
    heard = log_mel_at(sound, np.array([0.0, 1.0]), bands=8, span=0.5)
    np.testing.assert_allclose(heard, SILENCE, atol=1e-5)


def test_span_zero_is_the_nearest_row():
    sound = np.random.default_rng(0).normal(size=RATE).astype(np.float32)
    heard = log_mel_at(sound, np.array([0.504]), bands=8, span=0.0)
    np.testing.assert_array_equal(heard[0], log_mel(sound, 8)[50].numpy())
