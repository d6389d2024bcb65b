"""Split files: which videos of a folder train and which test.

Three kinds are read: a CSV of one's own, and the official files of HMDB51 and UCF101. Videos that a
split file does not list are unused; a listed video that the folder lacks is an error.
"""

from data.corpora.assignment import Assignment
from data.corpora.read import read_corpus

__all__ = ["Assignment", "read_corpus"]
