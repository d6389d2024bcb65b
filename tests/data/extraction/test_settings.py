"""Settings: what must be the same for work to be resumed, and what need not."""

import dataclasses

import numpy as np
from safetensors.numpy import save_file

from data.backbones import parse_specification
from data.extraction.settings import Settings


def settings(*texts, **more):
    streams = tuple(parse_specification(text, only=len(texts) == 1) for text in texts)
    return Settings(streams, **more)


def test_a_smaller_batch_and_another_gpu_can_go_on():
    made = settings("resnet18", device="cuda", batch=8)
    for change in ({"batch": 4}, {"device": "cuda:1"}):
        assert dataclasses.replace(made, **change).record() == made.record()


def test_whatever_decides_the_numbers_is_recorded():
    made = settings("resnet18")
    changes = [
        {"device": "cuda"},
        {"views": 10},
        {"dtype": "float32"},
        {"thumbnail": 0},
        {"seed": 1},
        {"sampling": dataclasses.replace(made.sampling, fps=1.0)},
        {"streams": settings("resnet50").streams},
    ]
    for change in changes:
        assert dataclasses.replace(made, **change).record() != made.record(), change
    rest = {field.name for field in dataclasses.fields(Settings)} - {"batch", "classes"}
    assert rest == {name for change in changes for name in change}


def test_the_number_of_classes_matters_to_networks_that_may_classify_alone():
    def changed(text):
        return settings(text, classes=3).record() != settings(text, classes=4).record()

    assert changed("own_backbones:classifier")
    assert not changed("resnet18")


def test_two_files_of_one_name_are_both_minded(tmp_path):
    files = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        files.append(tmp_path / name / "w.safetensors")
        save_file({"x": np.zeros(1)}, files[-1])
    made = settings(*(f"{file.parent.name}=resnet18@weights={file}" for file in files))
    before = made.record()
    for file in files:
        save_file({"x": np.ones(2)}, file)
        assert made.record() != before
        save_file({"x": np.zeros(1)}, file)
        assert made.record() == before
