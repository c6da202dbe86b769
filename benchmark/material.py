"""Sound, films and shards to measure with, made in a work folder when first asked for, so that
nothing has to be fetched."""

import itertools
import os
import shutil
import sys
from collections.abc import Callable
from fractions import Fraction

import av
import keras
import numpy as np
from PIL import Image

from benchmark import timing
from benchmark.settings import BenchmarkConfig
from soundnet_tf import constants
from soundnet_tf import labels as label_lists
from soundnet_tf.data.label import label
from soundnet_tf.data.prepare import prepare
from soundnet_tf.data.settings import Cutting, LabelConfig, PrepareConfig
from soundnet_tf.models import checkpoint
from soundnet_tf.models import student as students

CLASSES = {"objects": constants.IMAGENET_CLASSES, "scenes": constants.PLACES2_CLASSES}
LABELS = {head: label_lists.for_classes(count) for head, count in CLASSES.items()}

_WIDTH, _HEIGHT, _FPS = 640, 360, 25
_RATE = 44100  # Hz, stereo, of films and recordings
_LOUDNESS = 0.1
_TEACHER_SIZE = 32  # pixels


def noise(clips: int, secs: float, seed: int = 0) -> np.ndarray:
    """float32 [clips, samples] at 22 050 Hz, the same for the same seed."""
    samples = round(secs * constants.SAMPLE_RATE)
    return np.random.default_rng(seed).normal(0, _LOUDNESS, (clips, samples)).astype(np.float32)


def write_films(path: str, count: int, secs: float) -> None:
    """Fills a folder with films of H.264 and AAC, which are copies of one."""
    os.makedirs(path)
    first = os.path.join(path, "film-000.mp4")
    with av.open(first, "w") as container:
        video = container.add_stream("libx264", rate=_FPS)
        video.width, video.height, video.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        sound = container.add_stream("aac", rate=_RATE, layout="stereo")
        container.mux(list(_pictures(video, round(secs * _FPS))))
        container.mux(list(_noise_packets(sound, secs)))
    for index in range(1, count):
        shutil.copyfile(first, os.path.join(path, f"film-{index:03d}.mp4"))  # a link is one film


def write_recording(path: str, minutes: float) -> None:
    """An MP3 of noise, a part of it again and again: MP3 is a row of packets that stand alone."""
    part_secs = min(60.0, 60 * minutes)
    # Without a header that would tell the length of one part.
    with av.open(path, "w", options={"write_xing": "0", "id3v2_version": "0"}) as container:
        sound = container.add_stream("libmp3lame", rate=_RATE, layout="stereo")
        container.mux(list(_noise_packets(sound, part_secs)))
    with open(path, "rb") as file:
        part = file.read()
    with open(path, "ab") as file:
        file.writelines(itertools.repeat(part, round(60 * minutes / part_secs) - 1))


def write_shards(path: str, videos: str, clip_secs: float) -> None:
    """A folder of the videos' clips that two small teachers have labelled."""
    frame_every_secs = min(constants.FRAME_EVERY_SECS, clip_secs)
    prepare(
        PrepareConfig(
            videos, path, Cutting(clip_secs, frame_every_secs), num_shards=4, val_fraction=0.0
        ),
        progress=False,
    )
    specs = {head: _write_teacher(f"{path}-{head}.keras", n) for head, n in CLASSES.items()}
    label(LabelConfig(path, specs), progress=False)


def write_student(path: str) -> None:
    """A SoundNet-8 with random weights, as `models.pretrained.load` takes it."""
    checkpoint.save_student(path, students.SoundNet8(plain_layers=True), LABELS)


def _write_teacher(path: str, classes: int) -> str:
    pictures = keras.Input((_TEACHER_SIZE, _TEACHER_SIZE, 3))
    colour = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(pictures))
    keras.Model(pictures, keras.layers.Dense(classes, activation="softmax")(colour)).save(path)
    return f"file:{path}"


def _pictures(stream, count: int):
    """A camera that pans over a random landscape, with a little noise as of a sensor."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (24, 96, 3), dtype=np.uint8)
    wide = np.asarray(Image.fromarray(coarse).resize((4 * _WIDTH, _HEIGHT), Image.BICUBIC))
    grain = rng.integers(0, 8, (16, _HEIGHT, _WIDTH, 1), dtype=np.uint8)
    for index in range(count):
        left = round(1.5 * _WIDTH * (1 + np.sin(index / (4 * _FPS))))
        pixels = np.minimum(wide[:, left : left + _WIDTH], 247) + grain[index % len(grain)]
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        frame.time_base, frame.pts = Fraction(1, _FPS), index
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _noise_packets(stream, secs: float):
    rng = np.random.default_rng(0)
    for start in range(0, round(secs * _RATE), _RATE):
        samples = min(_RATE, round(secs * _RATE) - start)
        block = rng.normal(0, _LOUDNESS, (1, 2 * samples)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="flt", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = _RATE, Fraction(1, _RATE), start
        yield from stream.encode(frame)
    yield from stream.encode(None)


def films(settings: BenchmarkConfig, clips: int) -> str:
    """A folder of films that give so many clips."""
    count = round(clips * settings.clip_secs / settings.film_secs)
    return _made(settings, f"films-{clips}", write_films, count=count, secs=settings.film_secs)


def shards(settings: BenchmarkConfig, clips: int) -> str:
    """A folder of so many labelled clips."""
    videos = films(settings, clips)
    return _made(
        settings,
        f"shards-{clips}",
        write_shards,
        videos=videos,
        clip_secs=settings.clip_secs,
    )


def recording(settings: BenchmarkConfig, minutes: float) -> str:
    """A recording that lasts so long."""
    return _made(settings, f"recording-{minutes:g}.mp3", write_recording, minutes=minutes)


def student(settings: BenchmarkConfig) -> str:
    """A folder with a network, for `models.pretrained.load`."""
    return _made(settings, "student", write_student)


def _made(settings: BenchmarkConfig, name: str, write: Callable[..., None], **arguments) -> str:
    path = os.path.join(settings.work, name)
    if not os.path.exists(path):
        print(f"making {name} ...", file=sys.stderr)
        timing.call(write, path=path, **arguments)
    return path
