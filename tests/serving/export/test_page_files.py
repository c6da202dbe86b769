"""What the page reads of sound files: WAV by itself, of others the rate that their headers name."""

import struct

import hear_page
import media_writer
import numpy as np
import pytest

OPEN = """async (text) => {
  const sound = await openWav(new Blob([bytesOfBase64(text)]));
  if (!sound) return null;
  const pieces = [];
  const texts = (samples) => Array.from(samples, String); // JSON has no NaN
  for await (const channels of sound.pieces()) pieces.push(channels.map(texts));
  return {rate: sound.rate, secs: sound.secs, sizes: pieces.map((piece) => piece[0].length),
    samples: Array.from({length: sound.channels}, (_, c) => pieces.flatMap((piece) => piece[c]))};
}"""
SCRIPTS = ("network", "wav", "header_rate")


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    with hear_page.scripts(browser, tmp_path_factory.mktemp("page"), *SCRIPTS) as opened:
        yield opened


def wav(
    samples, kind=1, rate=22050, bits=None, extensible=False, more=b"", size=None, riff=b"RIFF"
):
    """A WAV file of `samples`, an array [frames, channels] as stored, or bytes of `bits`."""
    content = samples.tobytes() if bits is None else samples
    channels = 1 if bits else samples.shape[1]
    bits = bits or 8 * samples.itemsize
    frame = channels * bits // 8
    code = 0xFFFE if extensible else kind
    form = struct.pack("<HHIIHH", code, channels, rate, rate * frame, frame, bits)
    if extensible:
        form += struct.pack("<HHIH", 22, bits, 0, kind) + bytes(14)
    size = len(content) if size is None else size
    chunks = chunk(b"fmt ", form) + more + struct.pack("<4sI", b"data", size) + content
    return struct.pack("<4sI4s", riff, 4 + len(chunks), b"WAVE") + chunks


def chunk(name, content):
    return struct.pack("<4sI", name, len(content)) + content + bytes(len(content) % 2)


def opened(page, content):
    found = page.evaluate(OPEN, hear_page.base64_of(np.frombuffer(content, np.uint8)))
    if found:
        found["samples"] = np.array(found["samples"]).astype(np.float64).T
    return found


CASES = {
    "8 bits": (np.uint8([[0], [128], [255]]), 1, [-1, 0, 127 / 128]),
    "16 bits": (np.int16([[-32768], [1], [32767]]), 1, [-1, 2**-15, 32767 / 32768]),
    "32 bits": (np.int32([[-(2**31)], [1 << 16], [0]]), 1, [-1, 2**-15, 0]),
    "floats": (np.float32([[-1], [0.25], [1.5]]), 3, [-1, 0.25, 1.5]),
    "doubles": (np.float64([[-1], [0.25], [np.nan]]), 3, [-1, 0.25, np.nan]),
}


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_samples_of_every_width(page, name, extensible):
    samples, kind, expected = CASES[name]
    found = opened(page, wav(samples, kind, extensible=extensible))
    np.testing.assert_allclose(found["samples"][:, 0], expected, atol=1e-9)
    assert (found["rate"], found["secs"]) == (22050, 3 / 22050)


def test_24_bits(page):
    values = [-(2**23), -1, 1, 2**23 - 1]
    content = b"".join(struct.pack("<i", value)[:3] for value in values)
    found = opened(page, wav(content, bits=24))
    np.testing.assert_allclose(found["samples"][:, 0], np.array(values) / 2**23, atol=1e-9)


def test_channels_in_pieces_of_5_s(page):
    """Two channels of 12 s at 1000 Hz, behind a chunk of odd size."""
    samples = np.random.default_rng(0).integers(-32768, 32768, [12_000, 2]).astype(np.int16)
    found = opened(page, wav(samples, rate=1000, more=chunk(b"LIST", b"abc")))
    assert found["sizes"] == [5000, 5000, 2000]
    np.testing.assert_array_equal(found["samples"], samples / 32768)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 100])
def test_a_size_that_is_not_true_gives_what_is_there(page, size):
    """Of a writer that was cut off, or of RF64, whose sizes stand elsewhere."""
    samples = np.arange(10, dtype=np.int16)[:, None]
    content = wav(samples, size=size, riff=b"RF64" if size > 100 else b"RIFF")
    np.testing.assert_array_equal(opened(page, content)["samples"], samples / 32768)


def test_what_is_no_wav_or_of_another_coding_is_for_the_browser(page):
    assert opened(page, b"ID3 and something") is None
    assert opened(page, b"RIFF") is None
    assert opened(page, b"RIFF0000AVI " + bytes(20)) is None
    assert opened(page, wav(np.uint8([[1]]), kind=6)) is None  # A-law


@pytest.mark.parametrize(
    "content", [wav(np.int16([[1]]))[:30], wav(np.int16([[1]]), rate=0), wav(np.int16([[1]]))[:36]]
)
def test_damaged_files_are_named(page, content):
    with pytest.raises(Exception, match="it is damaged"):
        opened(page, content)


RATES = {
    "sound.flac": ("flac", 96000),
    "sound.ogg": ("vorbis", 32000),
    "sound.opus": ("libopus", 48000),
    "sound.mp3": ("libmp3lame", 24000),
    "slow.mp3": ("libmp3lame", 44100),
    "sound.aac": ("aac", 22050),
    "sound.m4a": ("aac", 32000),
    "sound.mov": ("aac", 44100),
    "sound.webm": ("vorbis", 44100),
    "sound.mka": ("libopus", 24000),
}


@pytest.mark.parametrize("name", RATES)
def test_the_rate_of_a_header(page, tmp_path, name):
    codec, rate = RATES[name]
    channels = 2 if codec == "vorbis" else 1
    waveform = np.tile(hear_page.sound(1.0, rate)[:, None], channels).squeeze()
    options = {"strict": "experimental"} if codec in ("vorbis", "opus") else {}
    path = tmp_path / name
    media_writer.write(path, media_writer.Sound(codec, rate, waveform, options=options))
    content = hear_page.base64_of(np.frombuffer(path.read_bytes(), np.uint8))
    decoded = 48000 if codec == "libopus" else rate  # always
    assert page.evaluate("(text) => headerRate(bytesOfBase64(text))", content) == decoded


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_a_film_says_the_rate_of_its_sound(page, tmp_path, name):
    """Not of its pictures, which come first."""
    sound = media_writer.Sound("aac", 44100, hear_page.sound(1.0, 44100))
    path = media_writer.write(tmp_path / name, media_writer.counted_film("libx264", 1.0), sound)
    content = hear_page.base64_of(np.frombuffer(path.read_bytes(), np.uint8))
    assert page.evaluate("(text) => headerRate(bytesOfBase64(text))", content) == 44100


EBML = b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff\x16\x54\xae\x6b\x01"  # and is cut off


def test_no_rate_is_made_up(page):
    rng = np.random.default_rng(0)
    for content in (
        b"",
        b"fLaC",
        b"OggS",
        b"ID3",
        b"\0\0\0\x08ftyp",
        b"\xff\xfb",
        rng.bytes(3000),
        EBML,
    ):
        text = hear_page.base64_of(np.frombuffer(content, np.uint8))
        assert page.evaluate("(text) => headerRate(bytesOfBase64(text))", text) is None
