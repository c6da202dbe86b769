"""What tests write media with."""

import os

import media_writer
import numpy as np
import pytest


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="needs Linux's scheduler")
def test_a_thread_that_writes_av1_keeps_its_priority(tmp_path):
    """As root it would come to real-time priority, with all that it starts later."""
    pictures = media_writer.Pictures("libsvtav1", np.zeros((10, 64, 96, 3), np.uint8), range(10))
    before = os.sched_getscheduler(0), os.sched_getparam(0).sched_priority
    media_writer.write(tmp_path / "a.mkv", pictures)
    assert (os.sched_getscheduler(0), os.sched_getparam(0).sched_priority) == before
