"""Apache Beam makes the shards that a local run makes, to the byte, whatever goes wrong between."""

import dataclasses
import os
import signal
import subprocess
import sys
import types
from collections import Counter
from pathlib import Path

import labelled_shards
import prepare_material
import pytest
import synthetic_media
from labelled_shards import contents
from prepare_material import GOOD_CLIPS, digests, ids_in, mtimes, run

from soundnet_tf.data import (
    beam_pipeline,
    cut_shards,
    on_beam,
    panel,
    prepare,
    reasons,
    shard_json,
    shards,
)
from soundnet_tf.data.clips import Video
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.data.settings import BeamConfig, LabelConfig
from soundnet_tf.files import storage
from soundnet_tf.files.identity import Identity

ROOT = Path(__file__).resolve().parents[2]
DIRECT = BeamConfig("DirectRunner")
TWO_PROCESSES = BeamConfig(
    "DirectRunner", "--direct_running_mode=multi_processing --direct_num_workers=2"
)
# Beam's protocol for clusters, with the job service of its Python package in the cluster's place.
PORTABLE = BeamConfig("FlinkRunner", "--job_endpoint=embed --environment_type=LOOPBACK")
EVERYWHERE = [
    pytest.param(DIRECT, id="in this process"),
    pytest.param(TWO_PROCESSES, id="two processes", marks=pytest.mark.slow),
    pytest.param(PORTABLE, id="portable", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module")
def mixed_folder(tmp_path_factory):
    """Good films, and three that give nothing."""
    folder = prepare_material.write_good_videos(tmp_path_factory.mktemp("mixed"))
    synthetic_media.write_clock_video(folder / "mute.mp4", 2, sound=False, **prepare_material.SMALL)
    synthetic_media.write_clock_video(folder / "short.mkv", 0.5, **prepare_material.SMALL)
    (folder / "garbage.avi").write_bytes(bytes(range(256)) * 20)
    return folder


@pytest.fixture
def mixed(mixed_folder, config):
    def make(**changes):
        return config(videos=str(mixed_folder), num_shards=3, **changes)

    return make


@pytest.fixture
def counted(monkeypatch):
    """What each pipeline counted."""
    found, run_of = [], beam_pipeline.run

    def counting(*args):
        found.append(run_of(*args))
        return found[-1]

    monkeypatch.setattr(beam_pipeline, "run", counting)
    return found


@pytest.mark.parametrize("beam", EVERYWHERE)
def test_shards_and_manifest_are_those_of_a_local_run(mixed, tmp_path, beam, counted):
    """Hidden files too. What is counted is what the manifest says."""
    local = run(mixed(out=str(tmp_path / "local")))
    manifest = run(mixed(beam=beam))
    assert digests(mixed().out) == digests(tmp_path / "local")
    assert ids_in(manifest) == GOOD_CLIPS and len(local.skipped) == 3
    shards = [shard for split in manifest.splits.values() for shard in split.shards]
    kinds = Counter(f"skipped: {reasons.kind_of_reason(s.reason)}" for s in manifest.skipped)
    assert counted == [
        {"clips": 12, "milliseconds": sum(round(s.seconds * 1000) for s in shards), **kinds}
    ]
    assert kinds == {"skipped: no sound": 1, "skipped: too short": 1, "skipped: cannot be read": 1}
    assert "3 skipped (" in prepare.summary(manifest)


@pytest.mark.parametrize("beam", EVERYWHERE)
def test_posteriors_are_those_of_a_local_run(fresh, labelled, both, beam, counted):
    result = labelled_shards.run(fresh, both, beam=beam)
    assert (result.written, result.already, result.left) == (3, 0, 0)
    assert contents(fresh) == contents(labelled)
    shards = [s for split in load_manifest(str(fresh)).splits.values() for s in split.shards]
    milliseconds = sum(round(shard.seconds * 1000) for shard in shards)
    assert counted == [{"clips": 12, "milliseconds": milliseconds}]


def test_what_is_finished_is_left_alone(config, counted, monkeypatch):
    run(config())
    before, times = digests(config().out), mtimes(config().out)
    assert run(config(beam=DIRECT)) == load_manifest(config().out)
    assert mtimes(config().out) == times and counted == []
    stem = "train-00001-of-00002"
    (Path(config().out) / f"{stem}.tfrecord").unlink()
    run(config(beam=DIRECT))
    assert digests(config().out) == before
    changed = {name for name, mtime in mtimes(config().out).items() if mtime != times[name]}
    assert changed == {f"{stem}.tfrecord", f"{stem}.json", "manifest.json", "dataset_info.json"}


def test_a_shard_that_comes_twice_is_made_once(config):
    """As when a worker is believed lost: Beam has others do the shard again."""
    configured = config()
    Path(configured.out).mkdir()
    found = prepare.videos.find_videos(configured.videos)
    plans = prepare.shard_plans(found, configured)
    path = os.path.join(configured.out, on_beam.PLANS_NAME)
    elements = on_beam._write_plans(path, plans)
    assert [on_beam._read_plan(path, start) for _, start in elements] == list(plans)
    work = on_beam._Cut(configured)
    assert sum(work.do(element)["clips"] for element in elements) == 12
    times = mtimes(configured.out)
    assert [work.do(element) for element in elements] == [{}, {}, {}]
    assert mtimes(configured.out) == times


def test_a_shard_that_comes_twice_is_labelled_once(fresh, both, monkeypatch):
    """The second worker finds nothing to do, and counts nothing."""
    found = []

    def twice(beam, label, names, work):
        for _ in range(2):
            found.append([work.do(name) for name in names])
            times.append(mtimes(fresh))
        return {}

    times = []
    monkeypatch.setattr(beam_pipeline, "run", twice)
    labelled_shards.run(fresh, both, beam=DIRECT)
    assert sum(counts["clips"] for counts in found[0]) == 12
    assert found[1] == [{}, {}, {}] and times[0] == times[1]


@pytest.mark.parametrize(("workers", "expected"), [(None, 1), (3, 3)])
def test_a_shard_has_one_process_if_nothing_is_said(config, monkeypatch, workers, expected):
    """Beam cuts as many shards at once as there are cores; each with as many would be all squared.
    It is no part of what a run is known by."""
    given = []
    monkeypatch.setattr(beam_pipeline, "run", lambda *args: given.append(args) or {})
    Path(config().out).mkdir()
    on_beam.cut_shards(config(workers=workers, beam=DIRECT), [])
    ((_, label, elements, work),) = given
    assert (label, elements, work._config.workers) == ("cut", [], expected)


def test_each_skipped_video_of_a_shard_is_counted(config, monkeypatch):
    """Two of three for the same kind of reason."""
    content = {
        "shard": {"clips": 4, "seconds": 12.3456},
        "skipped": [{"reason": r} for r in ("no sound", reasons.too_short(0.5), "no sound")],
    }
    states = [None, content]
    monkeypatch.setattr(on_beam, "_read_plan", lambda *_: types.SimpleNamespace(videos=()))
    monkeypatch.setattr(shards, "finished", lambda *_: states.pop(0))
    monkeypatch.setattr(cut_shards, "cut_shards", lambda *_, **__: None)
    assert on_beam._Cut(config()).do(("train-00000-of-00001", 0)) == {
        "clips": 4,
        "milliseconds": 12346,
        "skipped: no sound": 2,
        "skipped: too short": 1,
    }


def test_what_lost_workers_left_is_removed(config, tmp_path):
    """Of any host, for the shards that were made; nothing else."""
    out = Path(config().out)
    out.mkdir()
    left = [".train-00000-of-00002.tfrecord", ".train-00000-of-00002.json", ".other.tfrecord"]
    for name in left:
        (out / f"{name}.deadbeef-7-abcd.partial").write_bytes(b"half")
    (out / on_beam.PLANS_NAME).write_text("of a pipeline that was killed")
    run(config(beam=DIRECT))
    hidden = [path.name for path in out.iterdir() if path.name.startswith(".")]
    assert hidden == [".other.tfrecord.deadbeef-7-abcd.partial"]


def test_shards_may_lie_in_a_bucket(config, bucket):
    local, out = run(config()), f"s3://{bucket}/shards"
    remote = run(config(out=out, beam=DIRECT))
    assert {k: v.shards for k, v in remote.splits.items()} == {
        k: v.shards for k, v in local.splits.items()
    }
    assert not [n for n in storage.list_folder(out) if n.startswith(".")]


def test_workers_take_the_kernels_of_who_starts_them(monkeypatch):
    """With or without oneDNN; what is set on the worker's machine stays."""
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    work = on_beam._Cut(None)
    for there, expected in ((None, "0"), ("1", "1")):
        monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
        if there:
            monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", there)
        work.setup()
        assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == expected


def test_a_local_run_goes_on_after_a_killed_pipeline(config, tmp_path):
    run(config(out=str(tmp_path / "local")))
    Path(config().out).mkdir()
    (Path(config().out) / on_beam.PLANS_NAME).write_text("of a pipeline that was killed")
    run(config())
    assert digests(config().out) == digests(tmp_path / "local")


# Kills the process, Beam's workers in it, when so many clips have been written.
KILLED = """
import os, signal, sys
from soundnet_tf.data import label, prepare, records
from soundnet_tf.data.settings import *
encode, left = records.encode, [int(sys.argv[1])]
def counted(clip):
    left[0] -= 1
    return encode(clip) if left[0] >= 0 else os.kill(os.getpid(), signal.SIGKILL)
records.encode = counted
config = eval(sys.argv[2])
{PrepareConfig: prepare.prepare, LabelConfig: label.label}[type(config)](config, False)
"""


def killed(config, clips):
    done = subprocess.run([sys.executable, "-c", KILLED, str(clips), repr(config)], check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_a_killed_pipeline_goes_on_to_the_bytes_of_a_local_run(config, tmp_path):
    """Ten of twelve clips, so that at least one of three shards is whole, and one half written."""
    run(config(out=str(tmp_path / "local")))
    killed(config(beam=DIRECT), 10)
    kept = {n: t for n, t in mtimes(config().out).items() if n.endswith((".tfrecord", ".json"))}
    assert {name for name in kept if not name.startswith(".")}
    assert not (Path(config().out) / "manifest.json").exists()
    run(config(beam=DIRECT))
    assert kept.items() <= mtimes(config().out).items()
    assert digests(config().out) == digests(tmp_path / "local")


@pytest.mark.slow
def test_a_killed_labelling_goes_on_to_the_bytes_of_a_local_run(fresh, labelled, both):
    killed(LabelConfig(str(fresh), both, 4, beam=DIRECT), 10)
    with pytest.raises(FileNotFoundError, match="only half labelled"):
        load_manifest(str(fresh))
    assert 0 < labelled_shards.run(fresh, both, beam=DIRECT).written < 3
    assert contents(fresh) == contents(labelled)


@pytest.mark.slow
def test_a_process_that_is_lost_ends_the_pipeline(tmp_path):
    """Beam's own runner waits for it forever."""

    class Dying(beam_pipeline.EachShard):  # of a function, so that its code goes to the workers
        def do(self, name):
            import os
            import signal

            return os.kill(os.getpid(), signal.SIGKILL) if name == "b" else {"clips": 1}

    with pytest.raises(beam_pipeline.ProcessLostError, match=r"lost \(Worker subprocess exited"):
        beam_pipeline.run(TWO_PROCESSES, "die", ["a", "b"], Dying())


def test_a_shard_whose_worker_died_before_its_json_has_it_again(fresh, labelled, both, monkeypatch):
    """The file had taken its place; the next worker finds nothing to do."""
    label_shard = panel.label_shard

    def without_json(config, shard, *args):
        before = shard_json.read(config.data, shard.name)
        label_shard(config, shard, *args)
        after = shard_json.read(config.data, shard.name)
        shard_json.remove(config.data, shard.name, before, after)

    monkeypatch.setattr(panel, "label_shard", without_json)
    labelled_shards.run(fresh, both, beam=DIRECT)
    assert contents(fresh) == contents(labelled)


@pytest.mark.parametrize("beam", EVERYWHERE)
def test_strict_names_the_video_in_one_line(mixed, tmp_path, beam):
    with pytest.raises(RuntimeError) as raised:
        run(mixed(beam=beam, strict=True, val_fraction=0.0))
    said = str(raised.value)
    name, video, rest = said.split(": ", 2)
    assert name.startswith("train-0000") and "\n" not in said
    assert video in ("mute.mp4", "short.mkv", "garbage.avi")
    assert rest.endswith("(strict: repair or remove it, or go on without)")
    assert not list(Path(mixed().out).glob(".*"))
    run(mixed(beam=DIRECT, val_fraction=0.0))
    run(mixed(out=str(tmp_path / "local"), val_fraction=0.0))
    assert digests(mixed().out) == digests(tmp_path / "local")
    with pytest.raises(ValueError, match=r"\(strict: repair"):  # from what the shards say
        run(mixed(beam=DIRECT, strict=True, val_fraction=0.0))


def test_a_damaged_shard_is_named_and_the_others_stay(fresh, labelled, both, tmp_path):
    name = load_manifest(str(fresh)).splits["train"].shards[1].name
    whole = (fresh / name).read_bytes()
    (fresh / name).write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    with pytest.raises(
        RuntimeError, match=rf"^{fresh}/{name} is damaged .*; remove it and prepare"
    ):
        labelled_shards.run(fresh, both, beam=DIRECT)
    (fresh / name).write_bytes(whole)
    labelled_shards.run(fresh, both, beam=DIRECT)
    assert contents(fresh) == contents(labelled)


def test_a_worker_with_other_weights_is_refused(fresh, both):
    teachers = panel.Panel(both, "float32").teachers
    teachers["scenes"] = dataclasses.replace(teachers["scenes"], fingerprint="0123456789abcdef")
    name = load_manifest(str(fresh)).splits["train"].shards[0].name
    with pytest.raises(RuntimeError, match=r"loads scenes \(.*\), not scenes \(0123456789abcdef\)"):
        on_beam.label_shards(LabelConfig(str(fresh), both, beam=DIRECT), [name], teachers)


def test_workers_that_see_other_folders_are_told(config, tmp_path, monkeypatch):
    """Nothing is skipped, or taken for written, because a path leads nowhere on a worker."""
    gone = Video("a.mp4", "/nowhere/a.mp4", Identity(5))
    unknown = Video("b.mp4", "/nowhere/b.mp4", Identity())  # was not there at the start either
    with pytest.raises(FileNotFoundError, match=r"^/nowhere/a.mp4 is not there on .*: give a buck"):
        on_beam._check_seen((unknown, gone))
    on_beam._check_seen((gone, Video("c.mp4", __file__, Identity(5))))
    on_beam._check_seen((unknown,))
    with pytest.raises(FileNotFoundError, match=r"/nowhere/.plans.jsonl is not there on"):
        on_beam._read_plan("/nowhere/.plans.jsonl", 0)
    monkeypatch.setattr(beam_pipeline, "run", lambda *_: {})
    with pytest.raises(RuntimeError, match=r"^3 shards were written but are not in .*; do all"):
        run(config(beam=DIRECT))


def test_shards_that_nobody_labelled_are_told(fresh, both, monkeypatch):
    monkeypatch.setattr(beam_pipeline, "run", lambda *_: {})
    with pytest.raises(RuntimeError, match=r"^3 shards were labelled but have no posteriors, t"):
        labelled_shards.run(fresh, both, beam=DIRECT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ShardError: a: b (c) [while running 'cut']", "a: b (c)"),
        ("Traceback:\n  x\nsoundnet_tf.data.on_beam.ShardError: a: b\n\nDuring", "a: b"),
        (r"java.lang.X: Traceback:\n  x\nso.ShardError: a: b\n\n at org.Y", "a: b"),
        ("IOError: first\nlast", "FlinkRunner: the pipeline failed (last); --verbosity=0 shows"),
    ],
)
def test_what_comes_back_of_an_error_is_one_sentence(text, expected):
    """As Beam, and Java's job servers, put a worker's trace into their own error."""
    assert beam_pipeline._in_one_sentence(text, "FlinkRunner").removesuffix(" where") == expected


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("no sound", "no sound"),
        ("silent; no frame", "silent"),
        (reasons.CANCELLED, "silent, since its channels cancel out"),
        (reasons.too_short(0.5), "too short"),
        ("FFmpeg cannot read it (no sound)", "cannot be read"),
    ],
)
def test_reasons_are_counted_by_a_few_kinds(reason, kind):
    assert reasons.kind_of_reason(reason) == kind


def test_without_beam_it_says_what_to_install(tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"x")
    script = (
        "import runpy, sys; sys.modules.update(apache_beam=None, tensorflow=None); "
        "runpy.run_module('soundnet_tf.bin.prepare', run_name='__main__', alter_sys=True)"
    )
    flags = [f"--videos={tmp_path}", f"--out={tmp_path}/new", "--runner=DirectRunner"]
    done = subprocess.run(
        [sys.executable, "-c", script, *flags], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "--runner needs Apache Beam (" in done.stderr
    assert "pip install 'soundnet-tf[beam]'" in done.stderr
