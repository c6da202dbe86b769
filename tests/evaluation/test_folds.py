"""Folds on several cores: the same results bit for bit, in order, in bounded memory."""

import os

import numpy as np
import pytest

from soundnet_tf.evaluation import folds, modern, multimodal, probe
from soundnet_tf.sounds.labelled_set import LabelledClip, LabelledSet

CLASSES, FOLDS, CLIPS = 3, 4, 48
DATA = LabelledSet(
    "made",
    tuple(f"class {i}" for i in range(CLASSES)),
    tuple(
        LabelledClip(f"{i}.wav", f"class {i % CLASSES}", str(1 + i // CLASSES % FOLDS))
        for i in range(CLIPS)
    ),
)


@pytest.fixture
def with_cores(monkeypatch):
    """Gives what a function gives on so many cores, however little there is to do."""

    def with_cores_(count, function, *arguments):
        monkeypatch.setattr(folds.joblib, "cpu_count", lambda: count)
        monkeypatch.setattr(probe, "_LONG_BYTES", 0)
        monkeypatch.setattr(multimodal, "_LONG_BYTES", 0)
        monkeypatch.setattr(modern, "_LONG_CLIPS", 0)
        return function(*arguments, progress=False)

    return with_cores_


def features(*shape):
    """Noise with a little of the class in it, so that nothing is decided easily."""
    rng = np.random.default_rng(1)
    values = (
        rng.normal(size=(CLIPS, *shape)) + 0.3 * rng.normal(size=(CLASSES, *shape))[DATA.labels]
    )
    return values.astype(np.float32)


def test_the_probe_is_the_same_on_any_number_of_cores(with_cores, monkeypatch):
    """Kernels and biases, since predictions could agree by luck."""
    machines = []
    fit = folds.fit

    def kept(*arguments, **options):
        for machine in fit(*arguments, **options):
            machines.append(machine)
            yield machine

    monkeypatch.setattr(folds, "fit", kept)
    arguments = (DATA, features(6, 40), probe.Windows(6.0, 3.0), "fitting")
    outcomes = [with_cores(n, probe.cross_validate, *arguments) for n in (1, 2, 3)]
    assert len(machines) == 3 * 2 * FOLDS
    for other in (1, 2):
        np.testing.assert_array_equal(outcomes[other].predictions, outcomes[0].predictions)
        pairs = zip(machines[: 2 * FOLDS], machines[other * 2 * FOLDS :], strict=False)
        for one, several in pairs:
            np.testing.assert_array_equal(one.kernel, several.kernel)
            np.testing.assert_array_equal(one.bias, several.bias)


def test_the_modern_probe_is_the_same_on_any_number_of_cores(with_cores):
    """Losses in the training folds to the last bit, and with them all that was chosen."""
    steps = {"pool5": features(4, 20), "conv6": features(3, 30)}
    one, several = (with_cores(n, modern.cross_validate, DATA, steps) for n in (1, 2))
    assert one.details == several.details
    np.testing.assert_array_equal(one.predictions, several.predictions)


def test_modalities_are_the_same_on_any_number_of_cores(with_cores):
    values = features(50)
    one, several = (with_cores(n, multimodal.cross_validate, DATA, values, "") for n in (1, 2))
    assert one == several


@pytest.fixture
def seen():
    """What a fold's function finds where it runs. Made here, so that it is pickled by value:
    processes that import this module would have TensorFlow."""

    def seen_(values, number):
        import os
        import sys

        from threadpoolctl import threadpool_info

        blas = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
        tensorflow = sorted(name for name in ("tensorflow", "keras") if name in sys.modules)
        return number, float(values["a"].sum()), blas, tensorflow, os.getpid()

    return seen_


def test_processes_are_light_single_threaded_and_in_order(monkeypatch, seen):
    monkeypatch.setattr(folds.joblib, "cpu_count", lambda: 2)
    tasks = [(number,) for number in range(5)]
    found = list(folds.fit(seen, {"a": np.arange(4.0)}, tasks, "", progress=False))
    assert [(number, total) for number, total, *_ in found] == [(n, 6.0) for n in range(5)]
    assert {frozenset(blas) for _, _, blas, *_ in found} == {frozenset({1})}
    assert all(tensorflow == [] for *_, tensorflow, _ in found)
    processes = {process for *_, process in found}
    assert len(processes) <= 2 and os.getpid() not in processes


def test_what_is_short_or_alone_starts_no_process(monkeypatch, seen):
    monkeypatch.setattr(folds.joblib, "cpu_count", lambda: 2)
    values = {"a": np.arange(4.0)}
    for tasks, options in (([(0,)], {}), ([(0,), (1,)], {"is_long": False})):
        found = list(folds.fit(seen, values, tasks, "", progress=False, **options))
        assert {process for *_, process in found} == {os.getpid()}
        assert {frozenset(blas) for _, _, blas, *_ in found} == {frozenset({1})}


def test_an_error_of_a_fold_is_raised(monkeypatch):
    def fail(values, number):
        raise ValueError(f"fold {number} is damaged")

    monkeypatch.setattr(folds.joblib, "cpu_count", lambda: 2)
    with pytest.raises(ValueError, match=r"fold \d is damaged"):
        list(folds.fit(fail, np.zeros(1), [(0,), (1,)], "", progress=False))


@pytest.mark.parametrize(
    ("copy_bytes", "workers"),
    [(0, 6), (1, 6), (2**29, 2), (2**29 + 1, 1), (2**31, 1), (2**28, 4)],
)
def test_copies_together_take_a_sixteenth_of_memory(monkeypatch, copy_bytes, workers):
    """Of 16 GiB that is 1 GiB: 2 copies of 512 MiB. One is always fitted."""
    sizes = {"SC_PHYS_PAGES": 2**22, "SC_PAGE_SIZE": 2**12}
    monkeypatch.setattr(folds.os, "sysconf", sizes.get)
    monkeypatch.setattr(folds.joblib, "cpu_count", lambda: 8)
    assert folds._workers(6, copy_bytes) == workers


def test_every_fold_counts_on_the_bar(monkeypatch):
    """Of four folds the probe's classes are divided in two, which makes the eight that it wants."""
    shown = []

    def progress_bar(total, title, unit, show, items, leave):
        shown.append((total, title, unit, show))
        return items

    monkeypatch.setattr(folds, "progress_bar", progress_bar)
    windows = probe.Windows(6.0, 3.0)
    probe.cross_validate(DATA, features(6, 4), windows, "fitting pool5", progress=True)
    multimodal.cross_validate(DATA, features(4), "fitting sound", progress=False)
    assert shown == [
        (2 * FOLDS, "fitting pool5", "fit", True),
        (FOLDS, "fitting sound", "fit", False),
    ]


@pytest.mark.parametrize(
    "classes, test_folds, groups", [(10, 5, 1), (10, 4, 2), (15, 1, 8), (3, 1, 3), (50, 10, 1)]
)
def test_classes_are_divided_where_folds_are_few(classes, test_folds, groups):
    """Into eight tasks at most, none without a class: fewer columns cost nearly as much."""
    divided = probe._class_groups(classes, test_folds)
    assert len(divided) == groups
    np.testing.assert_array_equal(np.concatenate(divided), np.arange(classes))
