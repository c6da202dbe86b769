"""Stands for codecs that take their process down, hang or want all memory; imported by the worker
processes of tests."""

import ctypes
import os
import signal

from soundnet_tf.data import clips, planning

LETHAL, HANGING, GREEDY, VANISHING = "lethal", "hanging", "greedy", "vanishing"


def plan(video, cutting):
    """As planning.plan, but a video with "lethal-header" in its id kills the process."""
    if f"{LETHAL}-header" in video.id:
        os.kill(os.getpid(), signal.SIGKILL)
    return planning.plan(video, cutting)


def cut(run, cutting, audio_codec):
    """As clips.cut, but a video with "lethal" in its id kills the process."""
    if LETHAL in run.video.id:
        os.kill(os.getpid(), signal.SIGKILL)
    if HANGING in run.video.id:
        ctypes.PyDLL(None).pause()  # with Python's lock
    if GREEDY in run.video.id:
        bytearray(3_000_000_000)
    if VANISHING in run.video.id:
        os.rename(run.video.path, f"{run.video.path}.away")
    return clips.cut(run, cutting, audio_codec)
