"""Stands for a codec that takes its process down; imported by the worker processes of tests."""

import os
import signal

from soundnet_tf.data import clips

LETHAL = "lethal"


def plan(video, cutting):
    """As clips.plan, but a video with "lethal-header" in its id kills the process."""
    if f"{LETHAL}-header" in video.id:
        os.kill(os.getpid(), signal.SIGKILL)
    return clips.plan(video, cutting)


def cut(run, cutting, audio_codec):
    """As clips.cut, but a video with "lethal" in its id kills the process."""
    if LETHAL in run.video.id:
        os.kill(os.getpid(), signal.SIGKILL)
    return clips.cut(run, cutting, audio_codec)
