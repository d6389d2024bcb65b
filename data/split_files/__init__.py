"""Split files: which videos of a folder train and which test.

Three kinds are read: a CSV of one's own, and the official files of HMDB51 and UCF101. Videos that a
split file does not list are unused; a listed video that the folder lacks is an error.
"""

from data.split_files.assignment import Assignment
from data.split_files.read import read_split_file

__all__ = ["Assignment", "read_split_file"]
