"""Log-mel spectrogram: how much sound there is in bands of pitch, frame by frame."""

import numpy as np
import torch

RATE = 16_000  # samples a second
WINDOW = 400  # samples of one spectrum: 25 ms
POINTS = 512  # of the Fourier transform
BLOCK = 6000  # spectra that are in memory at a time: a minute
HOP = 160  # samples from one spectrum to the next: 10 ms
LOWEST, HIGHEST = 60.0, 7_800.0  # Hz
FLOOR = 1e-6  # power below this counts as this: silence is a number


def log_mel(sound: np.ndarray, bands: int) -> torch.Tensor:
    """The log-mel spectrogram of a whole sound track.

    Args:
        sound: [n] float32, at 16 kHz.
        bands: How many mel bands between 60 and 7800 Hz.

    Returns:
        [n // 160 + 1, bands] float32, natural logarithms; row k is centred on k / 100 seconds.
    """
    rows = len(sound) // HOP + 1
    samples = torch.nn.functional.pad(torch.from_numpy(sound), (POINTS // 2, POINTS))
    filters, window = mel_filters(bands), torch.hann_window(WINDOW)
    blocks = []
    for first in range(0, rows, BLOCK):
        last = min(first + BLOCK, rows)
        spectrum = torch.stft(
            samples[first * HOP : (last - 1) * HOP + POINTS],
            n_fft=POINTS,
            hop_length=HOP,
            win_length=WINDOW,
            window=window,
            center=False,
            return_complex=True,
        )
        power = spectrum.abs().square() / WINDOW  # [POINTS / 2 + 1, rows]
        blocks.append(torch.log(filters @ power + FLOOR).T)
    return torch.cat(blocks)


def mel_filters(bands: int) -> torch.Tensor:
    """Triangles evenly spaced on the mel scale, [bands, POINTS / 2 + 1], each summing to 1.

    The scale is 2595 log10(1 + f / 700) (O'Shaughnessy, Speech Communication, 1987). With so many
    bands that a triangle falls between two frequencies, it takes the nearer one.
    """
    frequency = torch.linspace(0, RATE / 2, POINTS // 2 + 1, dtype=torch.float64)
    ends = torch.tensor([LOWEST, HIGHEST], dtype=torch.float64)
    low, high = (2595 * torch.log10(1 + ends / 700)).tolist()
    mels = torch.linspace(low, high, bands + 2, dtype=torch.float64)
    edges = 700 * (10 ** (mels / 2595) - 1)
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (frequency - left) / (centre - left)
    falling = (right - frequency) / (right - centre)
    filters = torch.minimum(rising, falling).clamp(min=0)
    nearest = (frequency - centre).abs().argmin(dim=1)
    empty = filters.sum(dim=1) == 0
    filters[empty, nearest[empty]] = 1
    return (filters / filters.sum(dim=1, keepdim=True)).float()


def log_mel_at(
    sound: np.ndarray | None, seconds: np.ndarray, bands: int, span: float
) -> np.ndarray:
    """The mean log-mel frame around each time.

    Args:
        sound: [n] float32 at 16 kHz; None: silence.
        seconds: [F], times.
        bands: Mel bands.
        span: Seconds of sound around each time that are averaged; 0: the nearest frame alone.

    Returns:
        [F, bands] float32. Beyond the end of the sound there is silence.
    """
    silence = float(np.log(FLOOR))
    out = np.full((len(seconds), bands), silence, np.float32)
    if sound is None or not len(sound):
        return out
    rows = log_mel(sound, bands).numpy()
    for place, time in enumerate(seconds):
        first = round((time - span / 2) * RATE / HOP)
        last = max(first, round((time + span / 2) * RATE / HOP)) + 1
        heard = rows[max(0, first) : max(0, last)]
        if len(heard):
            # What lies outside of the track counts as silence.
            rest = last - first - len(heard)
            out[place] = (heard.sum(axis=0) + silence * rest) / (last - first)
    return out
