"""Where runs are trained: processes and Ray, and what becomes of killed workers."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import ray

from agents.__main__ import main
from data.engine import Engine, run_all, run_apart
from frame_select_env import FrameSelectError

LONG = "reinforce@hidden_size=8,epochs=50,patience=0"  # long enough to be killed
CLOCK = re.compile(r"seconds$")


@pytest.fixture(scope="module")
def asked(planted):
    small = ["--num-frames", 10, "--target-frames", 4, "--frames", 2, 4, "--resamples", 50]
    grid = ["--data", planted, "--agents", LONG, "--seeds", 2, *small]
    return [str(one) for one in [*grid, "--checkpoint-seconds", 0]]


@pytest.fixture(scope="module")
def alone(asked, tmp_path_factory):
    """The comparison, made in this process."""
    out = tmp_path_factory.mktemp("alone")
    main(["compare", "--out", str(out), *asked, "--jobs", "1"])
    return out


@pytest.fixture(scope="module")
def local_ray():
    """A Ray of one worker at a time, which the comparisons of this module share."""
    room = {"num_cpus": 1, "object_store_memory": 2**27, "include_dashboard": False}
    ray.init(address="local", log_to_driver=False, logging_level="error", **room)
    yield
    ray.shutdown()


def weights(out: Path) -> dict[Path, bytes]:
    """Those of each run of a comparison."""
    return {file.relative_to(out): file.read_bytes() for file in out.rglob("model.safetensors")}


def timeless(out: Path) -> list[list[str]]:
    lines = [line.split(",") for line in (out / "results.csv").read_text().splitlines()]
    width = len(lines[0])
    # Agents with commas in their names split too; the clocks stand at the same place from the end.
    places = [place - width for place, name in enumerate(lines[0]) if CLOCK.search(name)]
    return [[cell for p, cell in enumerate(line, -len(line)) if p not in places] for line in lines]


def kill_a_worker(out: Path, killed: list[int]) -> threading.Thread:
    """Kill the process that trains the first run to save a checkpoint, once."""

    def watch() -> None:
        end = time.monotonic() + 90
        while time.monotonic() < end:
            for events in out.glob("runs/*/*/events.out.*"):  # TensorBoard's thread may be late
                if not (events.parent / "checkpoint.safetensors").exists():
                    continue
                # It names its files events.out.tfevents.TIME.HOST.PROCESS.NUMBER.
                killed.append(int(events.name.split(".")[-2]))
                os.kill(killed[0], signal.SIGKILL)
                return
            time.sleep(0.005)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def test_on_ray_a_killed_worker_changes_nothing(asked, alone, local_ray, tmp_path, capsys):
    out, killed = tmp_path / "ray", []
    thread = kill_a_worker(out, killed)
    main(["compare", "--out", str(out), *asked, "--engine", "ray"])
    thread.join()
    assert killed and killed[0] != os.getpid()
    assert timeless(out) == timeless(alone)
    assert weights(out) == weights(alone)
    assert (out / "report.html").exists()


def fall_at_two(number: int) -> int:
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_killed_process_ends_the_others_in_one_line():
    with pytest.raises(FrameSelectError) as caught:
        list(run_all(fall_at_two, [1, 2, 3, 4], Engine(jobs=2)))
    assert "a worker process was killed" in str(caught.value)
    assert "finished work is kept: rerun the command" in str(caught.value)
    again = list(run_all(fall_at_two, [3, 4], Engine(jobs=2)))
    assert sorted(outcome.result for outcome in again) == [3, 4]


def test_apart_a_task_that_kills_its_process_costs_no_other():
    outcomes = list(run_apart(fall_at_two, [1, 2, 3, 4]))
    assert [(one.task, one.result) for one in outcomes] == [(1, 1), (2, None), (3, 3), (4, 4)]
    assert [one.error for one in outcomes] == ["", "its process died (SIGKILL)", "", ""]


SLEEPERS = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in a background
from pathlib import Path
from data.engine import _run_in_processes

def sleep(folder):
    import os, time
    Path(folder, str(os.getpid())).touch()
    time.sleep(60)

if __name__ == "__main__":
    list(_run_in_processes(sleep, [sys.argv[1]] * 2, 2))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_the_command(how, tmp_path):
    script, pids = tmp_path / "script.py", tmp_path / "pids"
    script.write_text(SLEEPERS)
    pids.mkdir()
    process = subprocess.Popen(
        [sys.executable, str(script), str(pids)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: len(list(pids.iterdir())) == 2)
    if how == signal.SIGINT:
        os.killpg(process.pid, how)  # as Ctrl-C does: the workers get it too
    else:
        process.kill()
    wait_until(lambda: not any(running(int(file.name)) for file in pids.iterdir()))
    _, error = process.communicate()
    assert error.count("Traceback") <= (how == signal.SIGINT)  # the command's own, no worker's


def wait_until(condition) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def double(number: int) -> int:
    if number == 2:
        raise FrameSelectError("two is\ntoo many")
    return 10 // (number - 3)


def test_outcomes_hold_the_result_or_one_line(tmp_path):
    found = {one.task: one for one in run_all(double, [1, 2, 3, 4], Engine(jobs=1))}
    assert [found[n].result for n in (1, 4)] == [-5, 10]
    assert found[2].error == "two is too many"
    assert re.fullmatch(r"ZeroDivisionError: .* \(test_engine.py:\d+\)", found[3].error)
    assert list(run_all(double, [], Engine("ray"))) == []


def test_an_engine_is_checked():
    for arguments, message in (
        (("magic",), "unknown engine 'magic'; known: joblib, ray"),
        (("joblib", 0), "jobs=0"),
        (("joblib", 1, "auto"), "requires --engine ray"),
    ):
        with pytest.raises(FrameSelectError, match=message):
            Engine(*arguments)
