"""What the ffmpeg program makes of a media file: its sound and its pictures, each at its moment."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

PROGRAM = shutil.which("ffmpeg")

_BACKWARDS_SECS = 0.5  # stamps that go back by more begin a file that was joined to another
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


def decode(
    path: str | Path, sound: bool = True, picture: bool = True, wraps: bool = False
) -> Reference:
    """Decode the first stream of each kind that is asked for.

    The program shifts a file to its start. Where that is before 0, what lies there is an encoder's
    delay and no part of the clock, and the shift is undone. If the file `wraps` (stamps before a
    wrap count as negative in the program), or starts after 0 in Matroska (whose start FFmpeg 5
    takes the encoder's delay from), what is shown first is at 0. Where stamps go back, what comes
    follows on what was.
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
    start_secs = float(start[1]) if start else 0.0
    blocks = _SOUND.findall(log) if sound else []
    shown = _PICTURE.findall(log) if picture else []
    tick = Fraction(_CLOCK.search(log)[1]) if picture else None
    firsts = [int(pts) / int(rate) for pts, _, rate, _ in blocks[:1] if pts != "NOPTS"]
    firsts += [float(int(pts) * tick) for pts, _, _ in shown[:1]]
    shift_secs = 0.0
    if wraps or (start_secs > 0 and "Input #0, matroska" in log):
        shift_secs = -min(firsts)
    elif start_secs < 0:
        shift_secs = start_secs
    rate, waveform = _laid(raw_sound, blocks, shift_secs) if sound else (None, None)
    pictures, secs = _pictures(raw_picture, shown, tick, shift_secs) if picture else ([], [])
    return Reference(rate, waveform, pictures, secs)


def _laid(raw: Path, blocks: list, shift_secs: float) -> tuple[int, np.ndarray]:
    """Blocks are (pts, channels, rate, samples)."""
    channels, rate = int(blocks[0][1]), int(blocks[0][2])
    samples = np.fromfile(raw, "<f4").reshape(-1, channels).mean(axis=1)
    raw.unlink()
    waveform = np.zeros(0, np.float32)
    begin = end = shift = 0
    for ticks, _, _, count in blocks:
        stamp = end if ticks == "NOPTS" else int(ticks) + round(shift_secs * rate) + shift
        if stamp < end - _BACKWARDS_SECS * rate:
            shift += end - stamp
        elif begin == 0 or abs(stamp - end) > _FOLLOWS_SECS * rate:
            end = stamp
        block = samples[begin : begin + int(count)]
        begin += int(count)
        hidden = min(len(block), max(0, -end))
        end, block = end + hidden, block[hidden:]
        waveform = np.pad(waveform, (0, max(0, end + len(block) - len(waveform))))
        waveform[end : end + len(block)] = block
        end += len(block)
    return rate, waveform


def _pictures(
    raw: Path, shown: list, tick: Fraction, shift_secs: float
) -> tuple[list[np.ndarray], list[float]]:
    """`shown` are (pts in ticks, width, height)."""
    width, height = int(shown[0][1]), int(shown[0][2])
    pictures = np.fromfile(raw, np.uint8).reshape(-1, height, width, 3)
    raw.unlink()
    moments, shift = [], shift_secs
    for ticks, _, _ in shown:
        secs = float(int(ticks) * tick)
        if moments and secs + shift < moments[-1] - _BACKWARDS_SECS:
            shift = 2 * moments[-1] - moments[-2] - secs
        moments.append(secs + shift)
    return list(pictures), moments
