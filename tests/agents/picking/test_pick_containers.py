"""One command picks of ten videos in five containers, and every frame is the one it says it is.

The numbers are burnt into the pictures, and the times are those of PyAV's own clock.
"""

import json
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from shape_videos import stamp_of, stamped_pictures, write_video

from agents.__main__ import main

FRAMES = 12
CODECS = {"mp4": "libx264", "mkv": "libx264", "mov": "libx264"}
CODECS |= {"avi": "mpeg4", "webm": "libvpx-vp9"}
VARIABLE = np.cumsum([0, 40, 40, 200, 33, 33, 500, 34, 40, 1000, 40, 40])  # ms


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    """A video with a constant and one with a variable rate in each container."""
    folder = tmp_path_factory.mktemp("ten")
    for container, codec in CODECS.items():
        for name, times in (("constant", None), ("variable", VARIABLE)):
            (folder / container).mkdir(exist_ok=True)
            file = folder / container / f"{name}.{container}"
            write_video(file, stamped_pictures(FRAMES), codec=codec, fps=10, times=times)
    return folder


def clock(file: Path) -> list[float]:
    """When each frame is shown, s from the file's start, as PyAV decodes it."""
    with av.open(str(file)) as container:
        start = (container.start_time or 0) / av.time_base
        return [float(frame.time) - start for frame in container.decode(video=0)]


def test_numbers_and_times_are_those_a_person_sees(trained, videos, tmp_path):
    out = tmp_path / "picked"
    main(["pick", str(trained.run), str(videos), "--frames", "4", "--out", str(out)])
    entries = json.loads((out / "frames.json").read_text())["videos"]
    assert len(entries) == 10
    for entry in entries:
        seconds = clock(videos / entry["video"])
        assert len(seconds) == entry["video_metadata"]["total_num_frames"] == FRAMES
        pictures = [np.asarray(Image.open(out / file)) for file in entry["files"]]
        seen = [stamp_of(picture, FRAMES) for picture in pictures]
        assert seen == entry["video_metadata"]["frames_indices"] == sorted(set(seen))
        assert len(seen) == 4
        shown = np.array(seconds)[seen]
        np.testing.assert_allclose(entry["seconds"], shown, atol=2e-3)
        encoded = VARIABLE / 1000 if "variable" in entry["video"] else np.arange(FRAMES) / 10
        np.testing.assert_allclose(shown, encoded[seen], atol=2e-3)
