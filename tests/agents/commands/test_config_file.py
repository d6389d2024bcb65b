"""--config of train and compare: a file whose values are defaults."""

import json
from pathlib import Path

import pytest
import tyro

from agents.__main__ import main
from agents.commands.compare import CompareArguments
from agents.commands.config_file import find_config, read_config_file, with_defaults
from agents.commands.train import parse
from agents.field_types import as_type
from frame_select_env import FrameSelectError

TINY = ["--agent", "soft-attention", "--epochs", "2", "--hidden-size", "4", "--num-frames", "8"]
TASK = ["--target-frames", "3", "--seed", "5", "--reward", '{"margin": 1.0, "budget": 0.5}']


def written(folder: Path, name: str, text: str) -> list[str]:
    """The arguments that name a new file."""
    (folder / name).write_text(text)
    return ["--config", str(folder / name)]


@pytest.fixture(scope="module")
def run(planted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "first"
    main(["train", "--data", str(planted), "--out", str(folder), *TINY, *TASK])
    return folder


def test_the_config_of_a_run_repeats_it_bit_for_bit(run, tmp_path, capsys):
    again = tmp_path / "again"
    main(["train", "--config", str(run / "config.json"), "--out", str(again)])
    for name in ("config.json", "model.safetensors"):
        assert (again / name).read_bytes() == (run / name).read_bytes()
    assert "note" not in capsys.readouterr().out


def test_what_changed_since_is_said(run, planted, tmp_path, capsys):
    config = json.loads((run / "config.json").read_text())
    config["cache"]["digest"] = config["code"]["margin"] = "another"
    arguments = written(tmp_path, "config.json", json.dumps(config))
    main(["train", *arguments, "--out", str(tmp_path / "again"), "--epochs", "1"])
    out = capsys.readouterr().out
    assert f"note: planted.h5 has changed since the run of {tmp_path / 'config.json'}" in out
    assert "note: the code of margin has changed since" in out and "soft-att" in out
    assert "the code of soft-attention" not in out


def test_flags_override_the_file(run):
    arguments = ["--config", str(run / "config.json"), "--out", "x"]
    args, options, choice = parse([*arguments, "--seed", "6", "--hidden-size", "16"])
    assert (args.seed, args.target_frames, options.num_frames) == (6, 3, 8)
    assert (choice.agent, choice.config.hidden_size, choice.config.epochs) == (
        *("soft-attention", 16),
        2,
    )


@pytest.mark.parametrize("flag", [["--agent", "reinforce"], ["--preset=paper"]])
def test_another_agent_or_preset_has_its_own_hyper_parameters(tmp_path, flag, capsys):
    text = 'data = "cues"\nagent = "reinforce"\npreset = "paper"\nhidden_size = 5\nseed = 4\n'
    arguments = [*written(tmp_path, "mine.toml", text), "--out", "x"]
    args, _, choice = parse([*arguments, *flag])
    assert choice.config.hidden_size == 5 and not capsys.readouterr().out  # the same as the file's
    args, _, choice = parse([*arguments, "--agent", "soft-attention", "--preset", "tuned"])
    assert (args.seed, choice.config) == (4, choice.design.presets["tuned"])
    assert "are those of reinforce, preset paper, and are left out" in capsys.readouterr().out


def test_toml_yaml_and_json_say_the_same(tmp_path):
    files = {
        "a.toml": 'data = ["cues"]\nlearning-rate = 1e-3\nrewards = ["margin", {span = 1}]\n',
        "a.yaml": "data: [cues]\nlearning-rate: 1e-3\nrewards: [margin, {span: 1}]\n",
        "a.json": '{"data": ["cues"], "learning_rate": 0.001, "rewards": ["margin", {"span": 1}]}',
    }
    found = []
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        found.append(dict(read_config_file(tmp_path / name).values))
        found[-1]["learning_rate"] = as_type(found[-1]["learning_rate"], float)
    wanted = {"data": ["cues"], "learning_rate": 0.001, "rewards": ["margin", '{"span": 1}']}
    assert found == [wanted] * 3


def test_compare_takes_a_file_too(tmp_path):
    text = (
        'data = ["cues"]\nagents = ["reinforce"]\nseeds = [7]\nviews = [0, "random"]\nout = "x"\n'
    )
    arguments = written(tmp_path, "grid.toml", text)
    default = with_defaults(CompareArguments, find_config(arguments).typed(CompareArguments))
    options = tyro.cli(CompareArguments, args=[*arguments, "--agents", "dqn"], default=default)
    assert (options.agents, options.seeds, options.views) == (("dqn",), (7,), (0, "random"))
    assert options.data == ("cues",) and options.out == Path("x") and options.resamples == 2000


def test_a_file_names_no_code_that_is_not_trusted(tmp_path):
    for text in (
        '{"agent": "mine:DESIGN"}',
        '{"agents": ["dqn", "mine:DESIGN@epochs=1"]}',
        '{"reward": {"mine:pay": 1}}',
        '{"rewards": ["margin", ["mine:pay", {}]]}',
    ):
        arguments = written(tmp_path, "a.json", text)
        with pytest.raises(FrameSelectError, match=r"a.json names code to run: mine; if you trust"):
            find_config(arguments)
        assert find_config([*arguments, "--trust-code"]).values


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.ini", "", "must end in .toml, .yaml, .yml, .json"),
        ("a.toml", "epochs = [", "cannot be read as TOML"),
        ("a.yaml", "a: [", "cannot be read as YAML"),
        ("a.json", "[1]", "must hold options by name"),
        ("a.json", '{"hiden_size": 3}', "unknown option 'hiden_size'; did you mean 'hidden_size'?"),
        ("a.json", '{"hyper": {"epoch": 3}}', "unknown option 'epoch'; did you mean 'epochs'?"),
        ("a.json", '{"config": "b.json"}', "unknown option 'config'"),
        ("a.json", '{"agent": 3}', "agent=3: must be of type text"),
        ("a.json", '{"seed": 1.5}', "seed=1.5: must be of type int"),
        ("a.json", '{"keep": "all"}', "keep='all': must be one of best, last"),
        ("a.json", '{"view": "every"}', "view='every': must be of type int or random or None"),
        ("a.json", '{"decay_epochs": "late"}', "decay_epochs='late': must be of type list of int"),
        ("a.json", '{"standardise": 1}', "standardise=1: must be of type bool"),
    ],
)
def test_a_bad_file_is_one_line_that_names_it(tmp_path, name, text, words):
    with pytest.raises(FrameSelectError) as caught:
        parse([*written(tmp_path, name, text), "--data", "cues", "--out", "x"])
    message = str(caught.value)
    assert str(tmp_path / name) in message and words in message and "\n" not in message


def test_the_file_must_exist(tmp_path):
    with pytest.raises(FrameSelectError, match=r"absent.toml: cannot be read as TOML"):
        find_config(["--config", str(tmp_path / "absent.toml")])
