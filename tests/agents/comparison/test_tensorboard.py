"""TensorBoard's hyper-parameters: an entry a run, with what came of it."""

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents.comparison.gallery import write_hparams


def test_an_entry_for_every_run(make_data_set, planted, tmp_path):
    data_set = make_data_set(planted, {"a/b: <c>": 0.1, "blunt": 2.0}, seeds=(4, 9))
    entries = write_hparams(tmp_path / "hparams", [data_set])
    assert len(entries) == len(set(entries)) == 4
    assert {entry.parent for entry in entries} == {tmp_path / "hparams"}
    error = data_set.evaluation.results["a/b: <c>", "chosen"].error.mean(axis=1)
    for run, entry in enumerate(entries[:2]):
        events = EventAccumulator(str(entry)).Reload()
        (accuracy,) = events.Scalars("test/accuracy")
        assert accuracy.value == pytest.approx(1 - error[run])
        assert events.Scalars("train/episodes")[0].value == 150
        assert events.Scalars("train/seconds")[0].value == 1.5
        given = events.PluginTagToContent("hparams")["_hparams_/session_start_info"]
        for part in (b"sign_omega", b"noisy", b"a/b: <c>", str(planted).encode()):
            assert part in given


def test_a_second_time_replaces_the_first(make_data_set, regression, tmp_path):
    data_set = make_data_set(regression, {"alone": 0.5}, seeds=(0,), stream="audio")
    counts = []
    for _ in range(2):
        (entry,) = write_hparams(tmp_path, [data_set])
        counts.append(len(list(entry.iterdir())))
    assert counts[0] == counts[1]
    assert len(EventAccumulator(str(entry)).Reload().Scalars("test/mae")) == 1
