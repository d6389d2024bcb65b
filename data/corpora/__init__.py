"""Split files: which videos of a folder train and which test.

Read are a CSV of one's own, the official files of HMDB51, UCF101, Ekman-6, VideoEmotion-8 and
Hume-Reaction, and folders without a split file, whose split is their own folders' or drawn. A
difference from a corpus's official numbers is a note. Videos that a split file does not list are
unused; listed videos that the folder lacks are told in `Assignment.missing`.
"""

from data.corpora.assignment import Assignment
from data.corpora.read import FORMS, read_corpus, split_file_name

__all__ = ["FORMS", "Assignment", "read_corpus", "split_file_name"]
