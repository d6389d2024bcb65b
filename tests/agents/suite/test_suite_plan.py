"""Plans: read from files, hashed, and kept as they are."""

import hashlib
import json

import pytest

from agents.suite.plan import PLAN, Plan, keep_plan, read_plan
from agents.suite.tasks import TASKS
from frame_select_env import FrameSelectError


def test_toml_and_json_say_the_same(tmp_path) -> None:
    toml, text = tmp_path / "plan.toml", tmp_path / "mine.json"
    toml.write_text(
        'agents = ["reinforce", "dqn"]\ntasks = ["glance"]\nseeds = 10\n'
        'tests = [["reinforce", "dqn"]]\n'
    )
    pairs = [["reinforce", "dqn"]]
    found = {"agents": ["reinforce", "dqn"], "tasks": ["glance"], "seeds": 10, "tests": pairs}
    text.write_text(json.dumps(found))
    plan = Plan(("reinforce", "dqn"), ("glance",), 10, (("reinforce", "dqn"),))
    assert read_plan(toml) == read_plan(text) == plan
    assert Plan(("reinforce",)).tasks == tuple(TASKS) and len(TASKS) == 8


def test_the_written_plan_has_the_printed_digest_and_reads_back(tmp_path) -> None:
    plan = Plan(("reinforce",), seeds=2)
    keep_plan(plan, tmp_path)
    written = (tmp_path / PLAN).read_bytes()
    assert hashlib.sha256(written).hexdigest() == plan.digest
    assert read_plan(tmp_path / PLAN) == plan
    keep_plan(plan, tmp_path)
    assert json.loads(written)["settings"]["tasks"]["glance"]["price"] == 0.01


def test_a_plan_may_list_its_seeds(tmp_path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text('agents = ["reinforce"]\nseeds = [7]\n')
    assert read_plan(path).seeds == (7,)
    keep_plan(read_plan(path), tmp_path)
    assert read_plan(tmp_path / PLAN) == read_plan(path) != Plan(("reinforce",), seeds=7)


def test_another_plan_in_the_folder_is_refused(tmp_path) -> None:
    keep_plan(Plan(("reinforce",)), tmp_path)
    with pytest.raises(FrameSelectError, match=r"plan.json: is another plan .* choose another"):
        keep_plan(Plan(("reinforce",), seeds=4), tmp_path)
    assert read_plan(tmp_path / PLAN).seeds == 3


def test_tasks_that_have_changed_since_make_another_plan(tmp_path) -> None:
    plan = json.loads(Plan(("reinforce",), ("context",)).text())
    plan["settings"]["tasks"]["context"]["budget"] += 1
    (tmp_path / "old.json").write_text(json.dumps(plan))
    with pytest.raises(FrameSelectError, match=r"old.json: settings: the tasks have changed"):
        read_plan(tmp_path / "old.json")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"agents": []}, "agents: give at least one"),
        ({"agents": "dqn"}, "agents: must be a list of texts"),
        ({"agents": ["dqn", "dqn"]}, "agents: dqn is duplicated"),
        ({"agents": ["nobody"]}, "unknown agent 'nobody'"),
        ({"agents": ["soft-attention"], "tasks": ["glance"]}, "fits none of the tasks"),
        ({"tasks": ["lang"]}, "unknown task 'lang'"),
        ({"seeds": 0}, "seeds=0: must be at least 1"),
        ({"seeds": True}, "seeds=True: must be a number of seeds, or a list"),
        ({"seeds": [3, 7, 3]}, "seeds: 3 is duplicated"),
        ({"updates": -1}, "updates=-1: must be an integer of at least 0"),
        ({"tests": [["dqn"]]}, "tests: must be a list of pairs"),
        ({"tests": [["dqn", "ppo"]]}, "tests: unknown agent 'ppo'; known: dqn"),
        ({"tests": [["dqn", "dqn"]]}, "tests: dqn is compared with itself"),
        ({"sedes": 3}, "unknown field 'sedes'; did you mean 'seeds'? known: agents, b"),
    ],
)
def test_a_bad_plan_is_one_line_that_names_the_file(tmp_path, changes, words) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"agents": ["dqn"], **changes}))
    with pytest.raises(FrameSelectError) as caught:
        read_plan(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and words in message and "\n" not in message


def test_what_is_no_plan_is_refused(tmp_path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text("agents = [")
    with pytest.raises(FrameSelectError, match="cannot be read as a plan"):
        read_plan(path)
