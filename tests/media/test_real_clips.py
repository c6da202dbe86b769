"""Real videos of many makers: every one gives a clip (folder `shared`, or SOUNDNET_SHARED)."""

import os
from pathlib import Path

import numpy as np
import pytest

from soundnet_tf.media import probe, read_clip

SHARED = Path(os.environ.get("SOUNDNET_SHARED") or Path(__file__).resolve().parents[3] / "shared")
CLIPS = sorted(
    path
    for path in (SHARED / "data" / "videos").glob("*")
    if path.suffix in (".mp4", ".avi", ".mkv", ".webm")
)


@pytest.mark.slow
@pytest.mark.skipif(not CLIPS, reason="the real clips (shared/data/videos) are not here")
@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.name)
def test_real_clip(path):
    info = probe(path)
    clip = read_clip(path)
    seconds = min(20.0, info.duration_secs)
    assert np.isfinite(clip.waveform).all()
    assert np.abs(clip.waveform).max() <= 1.0
    assert clip.waveform.std() > 0  # none of them is silent
    assert len(clip.waveform) / 22050 == pytest.approx(seconds, abs=0.2)
    assert len(clip.frames) in (int(np.ceil(seconds / 5)), int(seconds // 5))
    assert len(clip.frames) >= 1
    assert np.all(np.diff(clip.frame_secs) > 0)
    assert np.all(np.abs(clip.frame_secs - 5.0 * np.arange(len(clip.frames))) < 0.11)
    for frame in clip.frames:
        assert frame.dtype == np.uint8 and min(frame.shape[:2]) == 256
    assert any(frame.std() > 1 for frame in clip.frames)  # some begin in black
    shown = (info.height, info.width)
    shape = clip.frames[0].shape
    assert shape[1] / shape[0] == pytest.approx(shown[1] / shown[0], rel=0.01)  # square pixels
