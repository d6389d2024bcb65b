"""HMDB51's official files: `<class>_test_split<k>.txt`, k = 1, 2, 3, with lines `name.avi 0|1|2`.

1: train, 2: test, 0: unused; each class has 70 training and 30 test videos per split. Source:
https://serre-lab.clps.brown.edu/resource/hmdb-a-large-human-motion-database/.
"""

import re
from pathlib import Path

from data.corpora.assignment import Assignment, Official, Videos
from data.corpora.lists import assign
from data.corpora.text_files import read_lines
from frame_select_env.errors import FrameSelectError

FILE = re.compile(r"(?P<name>.+)_test_split(?P<number>[123])\.txt")
SPLITS = {"0": "", "1": "train", "2": "test"}
OFFICIAL = Official(
    "HMDB51",
    videos=6766,
    classes=51,
    splits={f"split{number}": {"train": 51 * 70, "test": 51 * 30} for number in (1, 2, 3)},
)


def read_hmdb51(directory: Path, videos: Videos) -> Assignment:
    """Read the splits in `directory` as the folds split1 to split3; the default is the first."""
    files = {
        (match["number"], match["name"]): file
        for file in sorted(directory.iterdir())
        if (match := FILE.fullmatch(file.name))
    }
    splits: dict[str, dict[str, str]] = {f"split{k}": {} for k in sorted({k for k, _ in files})}
    if not splits:
        raise FrameSelectError(f"{directory}: contains no CLASS_test_split1.txt")
    names: set[tuple[str, str]] = set()  # class and name of every listed video
    for name in sorted({name for _, name in files}):
        for fold, chosen in splits.items():
            file = files.get((fold[-1], name))
            if file is None:
                raise FrameSelectError(f"{directory}: {name}_test_{fold}.txt is missing")
            for line, text in read_lines(file):
                # Names may contain spaces; the number comes last.
                listed, _, number = text.rpartition(" ")
                listed = listed.strip()
                if number not in SPLITS or not listed:
                    raise FrameSelectError(f"{file}: line {line}: {text!r} is not `name.avi 0|1|2`")
                names.add((name, listed))
                where = f"{file}: line {line}"
                if video := videos.find(f"{name}/{listed}", where, listed, taken=chosen):
                    chosen[video] = SPLITS[number]
    return assign(OFFICIAL, videos, splits, [name for name, _ in sorted(names)])
