"""Split files: which videos of a folder are used for training and which for testing.

Supported are a CSV, the official files of HMDB51, UCF101, Ekman-6, VideoEmotion-8 and
Hume-Reaction, and no file at all: splits from folder names, or random. Differences from a corpus's
official numbers become notes. Videos that no split file lists are unused; listed videos that the
folder does not contain are in `Assignment.missing`.
"""

from data.corpora.assignment import Assignment
from data.corpora.read import FORMS, read_corpus, split_file_name

__all__ = ["FORMS", "Assignment", "read_corpus", "split_file_name"]
