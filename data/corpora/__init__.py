"""Split files: which videos of a folder train and which test.

Read are a CSV of one's own, and the official files of HMDB51 and UCF101. A difference from a
corpus's official numbers is a note. Videos that a split file does not list are unused; listed
videos that the folder lacks are told in `Assignment.missing`.
"""

from data.corpora.assignment import Assignment
from data.corpora.read import FORMS, read_corpus

__all__ = ["FORMS", "Assignment", "read_corpus"]
