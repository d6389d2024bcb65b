"""A mistyped option is named in one line, with the nearest one, by every command."""

import pytest

from frame_select_env.command_line import main


@pytest.mark.parametrize(
    ("arguments", "wrong", "meant"),
    [
        (("extract", "videos", "out.h5", "--num-fraems", 8), "--num-fraems", "--num-frames"),
        (("extract", "videos", "out.h5", "--num_fraems=8"), "--num-fraems", "--num-frames"),
        (("import", "a.npz", "out.h5", "--crosfit", "none"), "--crosfit", "--crossfit"),
        (("inspect", "digits", "--ful"), "--ful", "--full"),
        (("digits", "out.h5", "--overwrit"), "--overwrit", "--overwrite"),
        (("head", "digits", "out.h5", "--overwrit"), "--overwrit", "--overwrite"),
        (("compose", "digits", "out.h5", "--sed", 3), "--sed", "--seed"),
        # Nothing that is missing is told beside it.
        (("train", "--target-fraems", 8), "--target-fraems", "--target-frames"),
        # Of the hyper-parameters, and one that is switched off.
        (("train", "--hidden-sise", 8), "--hidden-sise", "--hidden-size"),
        (("train", "--no-holdot"), "--no-holdot", "--no-holdout"),
        (("evaluate", "run", "--fraems", 8), "--fraems", "--frames"),
        (("pick", "run", "a.mp4", "--fraems", 8), "--fraems", "--frames"),
        (("export", "run", "--oot", "a.onnx"), "--oot", "--out"),
        (("search", "--trails", 3), "--trails", "--trials"),
        (("compare", "--sed", 3), "--sed", "--seeds"),
        (("suite", "--form", "a.csv"), "--form", "--from"),  # its field has another name
        (("reproduce", "rewards", "--bugdet", 8), "--bugdet", "--budget"),
        (("returns", "--bugdet", 8), "--bugdet", "--budget"),
        (("sensitivity", "log.csv", "--latx"), "--latx", "--latex"),
        (("shortcuts", "digits", "--aggregater", "max"), "--aggregater", "--aggregator"),
        (("judge", "digits", "a.safetensors", "--epoch", 3), "--epoch", "--epochs"),
        (("predict-cache", "run", "a.h5", "--crosfit", "none"), "--crosfit", "--crossfit"),
    ],
)
def test_the_nearest_option_is_asked_for(capsys, arguments, wrong, meant):
    with pytest.raises(SystemExit) as exit_:
        main([str(one) for one in arguments])
    assert exit_.value.code == 2
    command = f"frame-select {arguments[0]}"
    line = f"{command}: unknown option {wrong}; did you mean {meant}? {command} --help lists all\n"
    assert capsys.readouterr().err == line


def test_an_option_unlike_any_other_is_named_alone(capsys):
    with pytest.raises(SystemExit):
        main(["inspect", "digits", "--zzz"])
    line = "frame-select inspect: unknown option --zzz; frame-select inspect --help lists all\n"
    assert capsys.readouterr().err == line
