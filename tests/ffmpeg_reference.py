"""What the ffmpeg program makes of a media file: its sound and its pictures, each at its moment."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

PROGRAM = shutil.which("ffmpeg")

_FOLLOWS_SECS = 0.03  # a block that begins this near to the end of the one before follows on it
_START = re.compile(r"^  Duration: .*?, start: (-?[\d.]+)", re.MULTILINE)
_SOUND = re.compile(
    r"^\[Parsed_ashowinfo_0 @ .*? pts:(\S+) .*? channels:(\d+) .*?rate:(\d+) nb_samples:(\d+)",
    re.MULTILINE,
)
_CLOCK = re.compile(r"^\[Parsed_showinfo_0 @ .*? config in time_base: (\d+/\d+)", re.MULTILINE)
_PICTURE = re.compile(
    r"^\[Parsed_showinfo_0 @ .*? n: *\d+ pts: *(\S+) .*? s:(\d+)x(\d+)", re.MULTILINE
)


@dataclass(frozen=True)
class Reference:
    """A file's streams on its own clock, whose 0 is the earliest moment of any of them.

    waveform: float32 [samples], the mean of the channels at `rate`, zeros where there is no sound;
        None without a sound stream.
    pictures: uint8 [height, width, 3] each, upright as a player shows them, at `picture_secs`.
    """

    rate: int | None
    waveform: np.ndarray | None
    pictures: list[np.ndarray]
    picture_secs: list[float]

    def on_screen(self, secs: float) -> int:
        """Which of the pictures is: the last that began by then, the first before any has."""
        return max(0, int(np.searchsorted(self.picture_secs, secs + 1e-5, side="right")) - 1)


def decode(path: str | Path, sound: bool = True, picture: bool = True) -> Reference:
    """Decode the first stream of each kind that is asked for.

    The program shifts a file to its start. Where that is negative, what lies before 0 is an
    encoder's delay, which is no part of the clock: there the shift is undone.
    """
    path = Path(path)
    raw_sound, raw_picture = path.with_name("ffmpeg.f32"), path.with_name("ffmpeg.rgb")
    command = [PROGRAM, "-hide_banner", "-nostdin", "-nostats", "-y", "-threads", "1"]
    command += ["-i", f"file:{path}"]
    if sound:
        command += ["-map", "0:a:0", "-af", "ashowinfo", "-c:a", "pcm_f32le", "-f", "f32le"]
        command += [str(raw_sound)]
    if picture:
        command += ["-map", "0:v:0", "-vf", "showinfo", "-pix_fmt", "rgb24"]
        command += ["-fps_mode", "passthrough", "-f", "rawvideo", str(raw_picture)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    log = done.stderr
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{log[-2000:]}")
    start = _START.search(log)
    undo_secs = min(0.0, float(start[1])) if start else 0.0
    rate, waveform = _laid(raw_sound, log, undo_secs) if sound else (None, None)
    pictures, secs = _pictures(raw_picture, log, undo_secs) if picture else ([], [])
    return Reference(rate, waveform, pictures, secs)


def _laid(raw: Path, log: str, shift_secs: float) -> tuple[int, np.ndarray]:
    blocks = _SOUND.findall(log)
    channels, rate = int(blocks[0][1]), int(blocks[0][2])
    samples = np.fromfile(raw, "<f4").reshape(-1, channels).mean(axis=1)
    raw.unlink()
    waveform = np.zeros(0, np.float32)
    begin = end = 0
    for ticks, _, _, count in blocks:
        stamp = end if ticks == "NOPTS" else int(ticks) + round(shift_secs * rate)
        if begin == 0 or abs(stamp - end) > _FOLLOWS_SECS * rate:
            end = stamp
        block = samples[begin : begin + int(count)]
        begin += int(count)
        if end < 0:
            block, end = block[-end:], min(0, end + len(block))
        waveform = np.pad(waveform, (0, max(0, end + len(block) - len(waveform))))
        waveform[end : end + len(block)] = block
        end += len(block)
    return rate, waveform


def _pictures(raw: Path, log: str, shift_secs: float) -> tuple[list[np.ndarray], list[float]]:
    shown = _PICTURE.findall(log)
    tick = Fraction(_CLOCK.search(log)[1])
    width, height = int(shown[0][1]), int(shown[0][2])
    pictures = np.fromfile(raw, np.uint8).reshape(-1, height, width, 3)
    raw.unlink()
    return list(pictures), [float(int(pts) * tick) + shift_secs for pts, _, _ in shown]
