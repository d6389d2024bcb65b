"""Files are whole or absent, whatever kills their writer; folders have one writer at a time."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from frame_select_env import FrameSelectError
from frame_select_env.storage import exclusive, whole_file, write_whole


def run(code: str, *arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True
    )


KILLED_WHILE_WRITING = """
import os, signal, sys
from frame_select_env.storage import whole_file
with whole_file(sys.argv[1]) as part:
    part.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_file_is_replaced_when_the_block_ends(tmp_path):
    file = tmp_path / "a.txt"
    write_whole(file, "old\n")
    with whole_file(file) as part:
        assert part.name == file.name  # savefig and h5py read the format from it
        part.write_text("new\n")
        assert file.read_text() == "old\n"
    assert file.read_text() == "new\n"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def test_an_error_keeps_the_old_file(tmp_path):
    file = tmp_path / "a.txt"
    write_whole(file, b"old")
    with pytest.raises(ZeroDivisionError), whole_file(file) as part:
        part.write_text("new")
        raise ZeroDivisionError
    assert file.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    file = tmp_path / "a.txt"
    write_whole(file, "old")
    assert run(KILLED_WHILE_WRITING, file).returncode == -9
    assert file.read_text() == "old" and len(list(tmp_path.iterdir())) == 2
    write_whole(tmp_path / "b.txt", "another file's writer leaves it alone")
    assert len(list(tmp_path.iterdir())) == 3
    write_whole(file, "new")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_two_writers_do_not_remove_each_others_work(tmp_path):
    file = tmp_path / "a.txt"
    with whole_file(file) as first:
        first.write_text("first")
        assert (
            run(
                "import sys; from frame_select_env.storage import write_whole as w\n"
                "w(sys.argv[1], 'second')",
                file,
            ).returncode
            == 0
        )
        assert file.read_text() == "second" and first.is_file()
    assert file.read_text() == "first"


def test_a_disk_without_room_is_one_line(tmp_path):
    file = tmp_path / "a.bin"
    write_whole(file, b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(FrameSelectError, match=r"a\.bin: cannot be written: File too large"):
            write_whole(file, bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert file.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


FULL = """
import resource, sys
import numpy as np
from frame_select_env import CacheError, write_cache
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
one = {"label": 0, "split": "train", "features": np.ones((9, 4)), "predictions": np.ones((9, 1))}
try:
    write_cache(sys.argv[1], [{"id": str(row), **one} for row in range(50)], classes=["a"])
except CacheError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [1, 5_000, 8_000, 12_000, 16_000])
def test_a_cache_without_room_is_one_line_and_hdf5_adds_none(tmp_path, limit):
    done = run(FULL, tmp_path / "a.h5", limit)
    assert done.stdout == f"{tmp_path}/a.h5: cannot be written: File too large\n"
    assert not done.stderr and not list(tmp_path.iterdir())


def test_a_folder_that_is_absent_is_one_line(tmp_path):
    missing = tmp_path / "absent" / "c.h5"
    with pytest.raises(FrameSelectError, match="cannot be written: No such file or directory"):
        write_whole(missing, b"")


SECOND = """
import sys
from pathlib import Path
from frame_select_env.storage import exclusive
try:
    with exclusive(Path(sys.argv[1])):
        print("entered")
except ValueError as error:
    print(error)
"""
KILLED_INSIDE = """
import os, signal, sys
from pathlib import Path
from frame_select_env.storage import exclusive
with exclusive(Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_has_one_writer(tmp_path):
    folder = tmp_path / "new" / "run"
    with exclusive(folder):
        told = run(SECOND, folder).stdout
        assert told == f"{folder}: is in use by another command; wait until it ends\n"
    assert list(folder.iterdir()) == []
    assert run(SECOND, folder).stdout == "entered\n"


def test_a_folder_that_is_entered_keeps_what_others_are_writing(tmp_path):
    file = tmp_path / "a.txt"
    with whole_file(file) as part:
        part.write_text("new")
        assert run(SECOND, tmp_path).stdout == "entered\n"
    assert file.read_text() == "new"


def test_a_killed_writer_holds_no_lock_and_what_it_left_is_removed(tmp_path):
    assert run(KILLED_INSIDE, tmp_path).returncode == -9
    assert run(KILLED_WHILE_WRITING, tmp_path / "a.txt").returncode == -9
    assert len(list(Path(tmp_path).iterdir())) == 2
    assert run(SECOND, tmp_path).stdout == "entered\n"
    assert list(Path(tmp_path).iterdir()) == []
