"""Short films of one colour and one tone, and a manifest of some."""

import csv
from fractions import Fraction

import av
import numpy as np

RED, BLUE = (220, 40, 40), (40, 40, 220)


def write_film(path, colour, hz, seconds=1.0, picture_secs=1.0, size=(96, 64)):
    """One colour and one tone, without loss."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=10)
        video.width, video.height, video.pix_fmt = *size, "bgr0"
        sound = container.add_stream("flac", rate=22050, layout="mono")
        picture = np.full((size[1], size[0], 3), colour, np.uint8)
        for index in range(round(10 * picture_secs)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.time_base, frame.pts = Fraction(1, 10), index
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        tone = 16000 * np.sin(2 * np.pi * hz * np.arange(round(22050 * seconds)) / 22050)
        block = av.AudioFrame.from_ndarray(np.int16(tone)[None], format="s16", layout="mono")
        block.sample_rate, block.time_base, block.pts = 22050, Fraction(1, 22050), 0
        container.mux(sound.encode(block))
        container.mux(sound.encode(None))
    return path


def write_manifest(folder) -> str:
    """Twelve films in three folds, which hum or whistle in red or in blue; labelled by the tone."""
    rows = []
    for fold in (1, 2, 3):
        for label, hz in (("hum", 250), ("whistle", 3500)):
            for name, colour in (("red", RED), ("blue", BLUE)):
                path = f"{label}-{name}-{fold}.mkv"
                write_film(folder / path, colour, hz + 20 * fold)
                rows.append((path, label, fold))
    with open(folder / "films.csv", "w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "fold"), *rows])
    return str(folder / "films.csv")
