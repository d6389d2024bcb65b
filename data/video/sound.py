"""The sound of a video: mono samples on the clock of its pictures, and log-mel spectrograms."""

import itertools
from pathlib import Path

import av
import numpy as np
import torch

from data.video.files import one_video, start_seconds

# Seconds between the time of a piece and the end of the samples before it that count as a gap:
# times are rounded, and the resampler delays some samples.
GAP = 0.1
RATE = 16_000  # samples per second
WINDOW = 400  # samples per spectrum: 25 ms
POINTS = 512  # of the Fourier transform
BLOCK = 6000  # spectra in memory at a time: one minute
HOP = 160  # samples from one spectrum to the next: 10 ms
LOWEST, HIGHEST = 60.0, 7_800.0  # Hz
FLOOR = 1e-6  # lower bound of the power, so that silence is finite
SILENCE = float(np.log(FLOOR))  # the log-mel of silence, in every band


def read_sound(path: Path, rate: int) -> np.ndarray | None:
    """Decode the first sound track, at `rate` samples per second.

    The samples [n] are float32 in about -1 to 1, sample k at k / rate seconds from the start of the
    container: a track that starts late or has a gap stays in sync with the pictures, with silence
    in between. None if there is no sound track.
    """
    pieces: list[tuple[int, np.ndarray]] = []
    with one_video(path), av.open(str(path), metadata_errors="replace") as container:
        if not container.streams.audio:
            return None
        track = container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        start = start_seconds(container)
        origin: float | None = None  # time of the first sample after the last gap
        count = 0
        for frame in itertools.chain(container.decode(track), [None]):  # None: what is delayed
            shown = None if frame is None or frame.time is None else frame.time - start
            if origin is None or (shown is not None and abs(shown - origin - count / rate) > GAP):
                origin, count = (shown or 0.0), 0
            for piece in resampler.resample(frame):
                samples = piece.to_ndarray().ravel().astype(np.float32)
                pieces.append((round(origin * rate) + count, samples))
                count += len(samples)
    return _arrange(pieces)


def _arrange(pieces: list[tuple[int, np.ndarray]]) -> np.ndarray:
    """Samples from pieces of (first sample, samples), with silence in the gaps."""
    end = max((first + len(samples) for first, samples in pieces), default=0)
    sound = np.zeros(max(0, end), np.float32)
    for first, samples in pieces:
        # Encoders write some samples before time zero, which are not played.
        kept = samples[max(0, -first) :]
        sound[max(0, first) : max(0, first) + len(kept)] = kept
    return sound


def log_mel(sound: np.ndarray, bands: int) -> torch.Tensor:
    """The natural log-mel of sound [n] at 16 kHz, [n // 160 + 1, bands]; row k is at k / 100 s."""
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
    bands that a triangle falls between two frequencies, it uses the nearer one.
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
    """The mean log-mel frame [F, bands] in `span` seconds around each time; silence outside."""
    out = np.full((len(seconds), bands), SILENCE, np.float32)
    if sound is None or not len(sound):
        return out
    rows = log_mel(sound, bands).numpy()
    for index, time in enumerate(seconds):
        first = round((time - span / 2) * RATE / HOP)
        last = max(first, round((time + span / 2) * RATE / HOP)) + 1
        heard = rows[max(0, first) : max(0, last)]
        if len(heard):
            outside = last - first - len(heard)
            out[index] = (heard.sum(axis=0) + SILENCE * outside) / (last - first)
    return out
