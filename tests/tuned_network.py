"""A network whose conv1 is tuned to tones, and films whose seconds have each a tone and a colour:
what excites a unit most, and where, is known."""

from fractions import Fraction

import av
import numpy as np

from soundnet_tf.models import checkpoint, student

RATE = 22050
HZ = (500, 1500, 2500)
RED, GREEN, BLUE = (220, 40, 40), (40, 220, 40), (40, 40, 220)
NAUGHTY = """a "quoted" <script>alert('x')<img src=x onerror=alert(1)>
name & 'more'"""  # of a file
LABELS = {"objects": ("dog", "rain", "sea"), "scenes": ("street", "café")}


def save(folder, hz):
    """A SoundNet-8 whose unit i of conv1 answers to `hz[i]` alone; the other units are silent."""
    network = student.SoundNet8(object_classes=3, scene_classes=2)
    conv = network.get_layer("conv1_conv")
    kernel = np.zeros(conv.kernel.shape, np.float32)
    taps = np.arange(len(kernel)) - (len(kernel) - 1) / 2
    for unit, tone in enumerate(hz):
        kernel[:, 0, unit] = 1e-4 * np.hanning(len(taps)) * np.cos(2 * np.pi * tone * taps / RATE)
    conv.kernel.assign(kernel)
    checkpoint.save_student(str(folder), network, LABELS)
    return str(folder)


def sound_of(seconds, loudness=None):
    """float64 [samples]: each of the seconds is a tone that swells to its middle and fades."""
    loudness = loudness or [0.5] * len(seconds)
    time = np.arange(RATE) / RATE
    swell = np.sin(np.pi * time) ** 2
    tones = [
        a * swell * np.sin(2 * np.pi * hz * time) for hz, a in zip(seconds, loudness, strict=True)
    ]
    return np.concatenate(tones)


def write_film(path, seconds, colours, loudness=None):
    """A film without loss, 10 pictures a second, second i of the tone and the colour i."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=10)
        video.width, video.height, video.pix_fmt = 96, 64, "bgr0"
        sound = container.add_stream("flac", rate=RATE, layout="mono")
        for index in range(10 * len(seconds)):
            picture = np.full((64, 96, 3), colours[index // 10], np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.time_base, frame.pts = Fraction(1, 10), index
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        samples = np.int16(32000 * sound_of(seconds, loudness))
        block = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        block.sample_rate, block.time_base, block.pts = RATE, Fraction(1, RATE), 0
        container.mux(sound.encode(block))
        container.mux(sound.encode(None))
    return str(path)
