"""python -m data head: the same videos with the predictions of another head."""

import numpy as np
import pytest

from data.__main__ import main
from frame_select_env import open_cache


@pytest.mark.parametrize("kind", ["logistic", "mlp", "consensus"])
def test_videos_and_features_stay_and_predictions_are_cross_fitted(planted, tmp_path, kind):
    out = tmp_path / "out.h5"
    main(["head", str(planted), str(out), "--head", kind, "--seed", "1"])
    old, new = open_cache(planted), open_cache(out)
    for name in ("ids", "labels", "groups", "lengths"):
        np.testing.assert_array_equal(getattr(new, name), getattr(old, name))
    np.testing.assert_array_equal(new.splits(), old.splits())
    np.testing.assert_array_equal(new.features(), old.features())
    assert new.frame_datasets == old.frame_datasets
    frames, row = int(old.lengths[7]), np.array([7])
    for name in old.frame_datasets:
        one, other = (cache.read_frames(name, row, frames) for cache in (old, new))
        np.testing.assert_array_equal(one, other)
    assert np.abs(new.predictions() - old.predictions()).max() > 0.1
    np.testing.assert_allclose(new.predictions().sum(axis=1), 1, atol=1e-4)
    said = new.provenance
    expected = {"logistic": "frame-wise logistic head", "mlp": "frame-wise network head"}
    assert said["predictions"] == expected.get(kind, "linear head")
    assert (said["crossfit"], said["seed"]) == ("video", 1)
    assert said["original"]["digest"] == old.digest


def test_views_folds_and_streams_are_kept(viewed, tmp_path):
    out = tmp_path / "out.h5"
    main(["head", str(viewed), str(out), "--crossfit", "group"])
    old, new = open_cache(viewed), open_cache(out)
    assert (new.streams, new.folds) == (old.streams, old.folds)
    for stream in old.streams:
        np.testing.assert_array_equal(new.features(stream), old.features(stream))
        assert new.predictions(stream).shape == old.predictions(stream).shape
    assert new.provenance["crossfit"] == "group"


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main(["head", *map(str, arguments)])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def test_bad_input_is_one_line_and_writes_nothing(planted, regression, tmp_path, capsys):
    before = planted.read_bytes()
    line = refused(capsys, planted, planted)
    assert line.endswith("planted.h5: is the cache that is read; choose another name")
    assert planted.read_bytes() == before
    line = refused(capsys, regression, tmp_path / "out.h5", "--head", "mlp")
    assert line.endswith("--head: mlp is for classes, and these videos have targets")
    assert refused(capsys, planted, tmp_path / "out.h5", "--seed", "-1").endswith("at least 0")
    assert not (tmp_path / "out.h5").exists()
