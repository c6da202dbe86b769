"""A probe that looks on while a network is trained: when, at which student, and that it changes
nothing."""

import dataclasses
import json
from types import SimpleNamespace

import cached_records as cached
import numpy as np
import pytest
import tensorflow as tf
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tone_manifest import write_tones
from toy_sets import toy_set

from soundnet_tf.data.settings import PipelineConfig
from soundnet_tf.evaluation import settings
from soundnet_tf.media import read_audio
from soundnet_tf.models import checkpoint
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.sounds import labelled_set
from soundnet_tf.training import probe, report, verdict
from soundnet_tf.training.loop import train
from soundnet_tf.training.settings import OptimizerConfig, ProbeConfig, TrainConfig

EPOCHS = 5
TRAINING = [
    cached.clip(n, 3.0, {"objects": np.roll([0.9, 0.08, 0.02], n).tolist()}) for n in range(8)
]
HELD_OUT = [cached.clip(number, 3.0, {"objects": [0.5, 0.3, 0.2]}) for number in range(8, 11)]


def run(out, probing=None, epochs=EPOCHS):
    config = TrainConfig(
        teachers={},
        architecture="soundnet5",
        epochs=epochs,
        pipeline=PipelineConfig(batch_size=4, crop_secs=3.0),
        optimizer=OptimizerConfig(learning_rate=3e-3, ema_momentum=0.5),
    )
    sources = cached.source(*TRAINING), cached.source(*HELD_OUT)
    return train(config, *sources, str(out), probing=probing)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("tones"))


@pytest.fixture(scope="module")
def probed(tmp_path_factory, manifest):
    """A run that was stopped after 3 epochs and gone on with."""
    out = tmp_path_factory.mktemp("run")
    probing = ProbeConfig(data=manifest, every=2)
    run(out, probing, epochs=3)
    return out, run(out, probing)


def test_it_looks_every_few_epochs_and_after_the_last(probed):
    """The run of 3 epochs ended with a look of its own."""
    out, result = probed
    content = json.loads((out / "probe.json").read_text())
    assert [row["epoch"] for row in content["rows"]] == [2, 3, 4, 5]
    assert content["untrained"]["epoch"] is None and content["recordings"] == 24
    assert result.probed == content


def by_hand(folder, manifest):
    """Mean and deviation over time of conv4 (10 s of each recording), a logistic regression."""
    data = labelled_set.from_manifest(manifest)
    network = FoldedNetwork(checkpoint.load_student(str(folder))[0])
    sounds = np.stack([np.resize(read_audio(clip.path), 220_500) for clip in data.clips])
    values = network.compiled(("conv4",), False)(sounds)["conv4"].numpy()
    numbers = np.concatenate([values.mean(1), values.std(1)], 1)
    right = 0
    for fold in ("1", "2", "3"):
        train_on, test_on = data.split(fold)
        scaler = StandardScaler().fit(numbers[train_on])
        machine = LogisticRegression(C=0.1, max_iter=1000)
        machine.fit(scaler.transform(numbers[train_on]), data.labels[train_on])
        found = machine.predict(scaler.transform(numbers[test_on]))
        right += (found == data.labels[test_on]).sum()
    return right / len(data.clips)


def test_it_looks_at_the_student_that_is_saved(probed, manifest):
    out, result = probed
    last = result.probed["rows"][-1]
    assert last["accuracy"]["conv4"] == pytest.approx(by_hand(out / "last", manifest))
    best = max(result.probed["rows"], key=lambda row: max(row["accuracy"].values()))  # the first
    best_here = by_hand(out / "best_probe", manifest)
    assert best["accuracy"]["conv4"] == pytest.approx(best_here)


def test_what_is_learned_does_not_depend_on_it(probed, tmp_path):
    _, result = probed
    alone = run(tmp_path)
    for row, other in zip(result.history, alone.history, strict=True):
        assert row == pytest.approx(other, rel=1e-4, nan_ok=True)
    assert not (tmp_path / "best_probe").exists()
    assert alone.probed["untrained"] is None
    ranks = [row["effective_rank"] for row in alone.probed["rows"]]
    assert ranks == [pytest.approx(result.probed["rows"][-1]["effective_rank"], rel=1e-3)]


def test_tensorboard_has_the_layers_beside_the_untrained_networks(probed):
    out, result = probed
    for name, rows in (
        ("probe", [row["accuracy"] for row in result.probed["rows"]]),
        ("probe_untrained", [result.probed["untrained"]["accuracy"]] * 4),
    ):
        events = EventAccumulator(str(out / "logs" / name), {"tensors": 0})
        events.Reload()
        for layer in settings.LAYERS["soundnet5"]:
            shown = events.Tensors(f"probe/{layer}")
            assert [event.step for event in shown] == [4, 6, 8, 10]
            values = [float(tf.make_ndarray(event.tensor_proto)) for event in shown]
            assert values == pytest.approx([row[layer] for row in rows])


def test_the_verdict_is_written_and_stays(probed, manifest):
    """Of a run that is finished nothing is measured again."""
    out, result = probed
    content = json.loads((out / "verdict.json").read_text())
    assert result.verdict == (content["verdict"], content["reasons"])
    (out / "verdict.json").write_text(json.dumps(content | {"verdict": "as it was written"}))
    assert run(out, ProbeConfig(data=manifest, every=2)).verdict[0] == "as it was written"
    (out / "verdict.json").unlink()
    assert run(out, ProbeConfig(data=manifest, every=2)).verdict == result.verdict


def test_best_probe_is_saved_when_none_before_was_as_good(tmp_path, monkeypatch):
    """Of two recordings 1, 2, 1 and 2 are right after four epochs: the second is the best, and an
    equal one later is no better."""
    rights = iter([[0, 1], [1, 1], [1, 0], [1, 1]])
    monkeypatch.setattr(probe, "_right", lambda *_: {"conv4": np.array(next(rights), bool)})
    monkeypatch.setattr(probe, "FoldedNetwork", lambda student: student)
    monkeypatch.setattr(probe.rank, "of_embedding", lambda *_: 1.0)
    saved = []
    students = SimpleNamespace(saved=None, save=lambda name: saved.append((epoch, name)))
    floor = probe.row(None, {"conv4": [True, False]})
    look = probe.Probe(
        probe.Heard(toy_set(), None), None, 1, str(tmp_path), 4, students, floor, False
    )
    look.set_model(SimpleNamespace(optimizer=SimpleNamespace(iterations=1)))
    for epoch in range(4):
        look.on_epoch_end(epoch)
    assert saved == [(0, "best_probe"), (1, "best_probe")]


@pytest.mark.parametrize(("dataset", "secs"), [("esc50", 10.0), ("dcase", 30.0)])
def test_the_set_is_read_as_the_kind_that_it_is(monkeypatch, dataset, secs):
    """Every recording at the length of the paper's probe, as bin/evaluate.py --protocol=linear."""
    asked = []

    def load(*arguments):
        asked.append(arguments)
        return dataclasses.replace(toy_set(), name=dataset)

    monkeypatch.setattr(probe.esc_dcase, "load", load)
    monkeypatch.setattr(probe, "read_clips", lambda *arguments: asked.append(arguments))
    heard = probe.hear(ProbeConfig(data="D", dataset=dataset))
    assert asked == [(dataset, "D"), (heard.data, secs)]


@pytest.fixture
def looking(tmp_path, monkeypatch):
    """Makes a probe of a set, in one folder, whose networks classify as they are told to."""

    def make(data, *rights, from_trained=False, steps=1):
        answers = iter(rights)
        monkeypatch.setattr(
            probe, "_right", lambda *_: {"conv4": np.array([c == "1" for c in next(answers)])}
        )
        monkeypatch.setattr(probe, "FoldedNetwork", lambda student: student)
        monkeypatch.setattr(probe.rank, "of_embedding", lambda *_: 1.0)
        saved = []
        students = SimpleNamespace(
            saved=None, save=lambda name: saved.append(name), update=lambda averaged: None
        )
        heard = data and probe.Heard(data, None)
        floor = probe.row(None, {"conv4": [False] * 4}) if data else None
        look = probe.Probe(heard, None, 1, str(tmp_path), 9, students, floor, from_trained)
        look.set_model(SimpleNamespace(optimizer=SimpleNamespace(iterations=steps)))
        look.saved = saved
        return look

    return make


def test_a_run_may_be_probed_later_than_from_its_beginning(looking, tmp_path):
    looking(None).on_epoch_end(0)
    look = looking(toy_set(), "0001", "0001")
    look.on_epoch_end(1)
    look.on_epoch_end(2)
    assert look.saved == ["best_probe"]  # the first that was probed, and none that is no better
    content = json.loads((tmp_path / "probe.json").read_text())
    assert [row["accuracy"] for row in content["rows"]] == [{}, {"conv4": 0.25}, {"conv4": 0.25}]
    assert [line.split()[2] for line in report.probe_table(content).splitlines()[2:]] == ["2", "3"]


def test_a_run_may_go_on_without_being_probed(looking, tmp_path):
    looking(toy_set(), "0011").on_epoch_end(0)
    before = json.loads((tmp_path / "probe.json").read_text())
    looking(None).on_epoch_end(1)
    content = json.loads((tmp_path / "probe.json").read_text())
    assert content["rows"][0] == before["rows"][0] and content["rows"][1]["accuracy"] == {}
    assert content | {"rows": 0} == before | {"rows": 0}
    figures = {f"{k}_objects": 1.0 for k in ("kl", "shuffled", "hears")}
    word, reasons = verdict.verdict(figures, figures, {"constant": figures, "start": {}}, content)
    assert word == "nothing" and reasons[0].startswith("objects: ")


@pytest.mark.parametrize(("steps", "epochs"), [(0, [0, 5]), (8, [5])])
def test_the_start_of_a_trained_network_is_looked_at_or_not_known(looking, tmp_path, steps, epochs):
    """What a run has after 8 steps, gone on with without its probe.json, is not its start."""
    look = looking(toy_set(), "0011", "0111", from_trained=True, steps=steps)
    look.on_train_begin()
    look.on_epoch_end(4)
    content = json.loads((tmp_path / "probe.json").read_text())
    assert [row["epoch"] for row in content["rows"]] == epochs and content["from_trained"]


def test_a_run_is_not_probed_with_other_sounds(looking, tmp_path):
    """Accuracies of two sets have nothing to say of each other."""
    looking(toy_set(), "0011").on_epoch_end(0)
    clips = toy_set().clips[:-1]
    with pytest.raises(ValueError, match=r"probe\.json was made with other .*recordings was"):
        looking(dataclasses.replace(toy_set(), clips=clips), "0011")
    with pytest.raises(ValueError, match=r"probe\.json was made with other .*set was"):
        looking(dataclasses.replace(toy_set(), name="others"), "0011")
