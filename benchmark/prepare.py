"""Preparing videos, over the `ffmpeg` program that does the same work."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable

from absl import logging

from benchmark import material, timing
from benchmark.settings import BenchmarkConfig
from benchmark.timing import Contestant
from soundnet_tf import constants
from soundnet_tf.data import videos as found
from soundnet_tf.data.prepare import prepare
from soundnet_tf.data.settings import Cutting, PrepareConfig

FIGURES = {
    "prepare.times_real_time": "seconds of film that are cut into clips in a second",
    "prepare.speedup_vs_ffmpeg": "the `ffmpeg` program takes so many times as long for the same "
    "sound and pictures",
}


def measure(settings: BenchmarkConfig) -> dict[str, float]:
    """Without the figure over `ffmpeg` where there is no such program, which is logged."""
    videos = settings.videos or material.films(settings, settings.clips)
    contestants = {
        "prepare": Contestant(prepare_videos, {"videos": videos, "clip_secs": settings.clip_secs})
    }
    if program := shutil.which("ffmpeg"):
        contestants["ffmpeg"] = Contestant(run_ffmpeg, {"program": program, "videos": videos})
    else:
        logging.warning("prepare.speedup_vs_ffmpeg is left out: no program ffmpeg on the PATH")
    measured = timing.measure("prepare", contestants, settings.rounds)
    sound_secs = timing.call(prepared_secs, videos=videos, clip_secs=settings.clip_secs)
    ours = measured["prepare"]
    figures = {"prepare.times_real_time": sound_secs / ours.median_secs}
    if program:
        figures["prepare.speedup_vs_ffmpeg"] = measured["ffmpeg"].over(ours)
    return figures


def prepare_videos(videos: str, clip_secs: float) -> Callable[[], float]:
    """Contestant: videos to shards, with all cores; gives the seconds of sound in them."""

    def run():
        with tempfile.TemporaryDirectory() as folder:
            manifest = prepare(
                PrepareConfig(
                    videos,
                    os.path.join(folder, "shards"),
                    Cutting(clip_secs, min(constants.FRAME_EVERY_SECS, clip_secs)),
                    val_fraction=0.0,
                ),
                progress=False,
            )
        return manifest.splits[found.TRAIN].seconds

    return run


def prepared_secs(videos: str, clip_secs: float) -> float:
    """Seconds of sound that `prepare_videos` finds."""
    return prepare_videos(videos, clip_secs)()


def run_ffmpeg(program: str, videos: str) -> Callable[[], None]:
    """Contestant: of each video the sound, mono at 22 050 Hz, and the first picture of every 5 s as
    JPEG, its shorter side 256 pixels; one after the other, since ffmpeg uses all cores itself."""
    paths = [video.path for video in found.find_videos(videos)]

    def run():
        with tempfile.TemporaryDirectory() as folder:
            for index, path in enumerate(paths):
                command = _command(program, path, os.path.join(folder, str(index)))
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise RuntimeError(f"ffmpeg cannot read {path}: {done.stderr.strip()[-200:]}")

    return run


def _command(program: str, path: str, stem: str) -> list[str]:
    every, side = constants.FRAME_EVERY_SECS, constants.FRAME_SHORT_SIDE
    first_of_each = (
        f"isnan(prev_selected_t)+gte(floor(t/{every})\\,floor(prev_selected_t/{every})+1)"
    )
    scale = f"w=if(gt(iw\\,ih)\\,-2\\,{side}):h=if(gt(iw\\,ih)\\,{side}\\,-2)"
    filters = f"select={first_of_each},scale={scale}:out_range=full,format=yuvj444p"
    return [
        *(program, "-nostdin", "-v", "error", "-i", path),
        *("-vf", filters, "-fps_mode", "passthrough", "-q:v", "2", f"{stem}.%04d.jpg"),
        *("-ac", "1", "-ar", str(constants.SAMPLE_RATE), "-f", "s16le", f"{stem}.pcm"),
    ]
