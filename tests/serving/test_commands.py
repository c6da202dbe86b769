"""What the flags of recognize, extract and export do, against the network run by hand."""

import json

import commands
import numpy as np
import odd_media
import pytest
import soundfile
from lively import lively

from soundnet_tf.constants import CLIP_SAMPLES, SAMPLE_RATE
from soundnet_tf.media.channels import open_channels
from soundnet_tf.models import checkpoint, pretrained, student
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.serving.extraction import feature_file
from soundnet_tf.serving.recognize import recognize_file

LABELS = {"objects": ("dog", "rain", "sea", "tram"), "scenes": ("street", "café", "beach")}
SAMPLES = 2 * SAMPLE_RATE  # too short for a head


def small_network(seed):
    """With the head's biases drawn far apart, its classes have probabilities of their own."""
    network = lively(student.SoundNet5(object_classes=4, scene_classes=3), seed)
    for head in LABELS:
        kernel, bias = network.get_layer(head).get_weights()
        network.get_layer(head).set_weights([5 * kernel, 3 * bias])
    return network


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run of training: its best student and its last one."""
    folder = tmp_path_factory.mktemp("run")
    for seed, which in enumerate(("best", "last")):
        checkpoint.save_student(str(folder / which), small_network(seed), LABELS)
    return folder


@pytest.fixture(scope="module")
def model(run_folder):
    return str(run_folder / "best")


@pytest.fixture(scope="module")
def network(model):
    return FoldedNetwork(checkpoint.load_student(model)[0])


@pytest.fixture(scope="module")
def stereo(tmp_path_factory):
    """White noise and brown noise, float32 [samples, 2]; and their file."""
    rng = np.random.default_rng(3)
    low = np.cumsum(rng.normal(0, 1, SAMPLES))
    sound = np.stack([rng.uniform(-0.6, 0.6, SAMPLES), 0.6 * low / np.abs(low).max()], axis=1)
    path = str(tmp_path_factory.mktemp("sounds") / "stereo.wav")
    soundfile.write(path, sound, SAMPLE_RATE, "FLOAT")
    return np.float32(sound), path


def lengthened(sound, channel, short):
    """float32 [441 000]: 2 s of one channel or of both, ten times or with silence behind."""
    sound = sound[:, 0] if channel == "first" else sound.mean(axis=1)
    return np.tile(sound, 10) if short == "loop" else np.pad(sound, (0, CLIP_SAMPLES - SAMPLES))


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("flags", "top", "channel", "short"),
    [
        ([], 3, "mean", "loop"),
        (["--top=1"], 1, "mean", "loop"),
        (["--top=2", "--channel=first"], 2, "first", "loop"),
        (["--short=pad"], 3, "mean", "pad"),
    ],
)
def test_recognize(model, network, stereo, capsys, flags, top, channel, short):
    sound, path = stereo
    capsys.readouterr()
    assert commands.run("recognize", f"--model={model}", "--format=json", *flags, path) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["path"], found["duration_secs"]) == (path, 2.0)
    waveform = lengthened(sound, channel, short)[None]
    logits = network(waveform, endpoints=list(LABELS))
    for head, names in LABELS.items():
        probabilities = softmax(logits[head].numpy()[0]).mean(axis=0)
        best = np.argsort(-probabilities)[:top]
        assert [c["label"] for c in found["overall"][head]] == [names[i] for i in best]
        given = [c["probability"] for c in found["overall"][head]]
        np.testing.assert_allclose(given, probabilities[best], atol=1e-4)


def test_recognize_hears_the_stream_that_was_asked_for(model, tmp_path, capsys):
    path = str(odd_media.write_two_sounds(tmp_path / "two.mkv"))
    given = []
    for number in (0, 1):
        capsys.readouterr()
        flags = [f"--model={model}", "--format=json", f"--audio_stream={number}"]
        assert commands.run("recognize", *flags, path) == 0
        (found,) = json.loads(capsys.readouterr().out)
        expected = recognize_file(path, model, audio_stream=number).top_overall("objects", 1)
        best = found["overall"]["objects"][0]
        assert best["probability"] == pytest.approx(expected[0][1], abs=1e-4)
        given.append(best["probability"])
    assert abs(given[0] - given[1]) > 1e-3  # so that the two can be told apart


def test_recognize_writes_labels_beside_each_other(model, stereo, tmp_path, capsys):
    """Of both recordings, one of them named twice; a third cannot be read, which is said, has no
    file, and stops no other."""
    _, path = stereo
    (tmp_path / "a").mkdir()
    other, bad = tmp_path / "a" / "stereo.flac", tmp_path / "bad.wav"
    soundfile.write(other, np.tile(stereo[0], (20, 1)), SAMPLE_RATE)
    bad.write_text("no sound")
    flags = [f"--model={model}", "--format=vtt", "--top=1", f"--out={tmp_path / 'labels'}"]
    capsys.readouterr()
    assert commands.run("recognize", *flags, path, str(bad), str(other), path) == 1
    said = capsys.readouterr()
    assert "bad.wav" in said.err
    names = ["stereo.vtt", "stereo-2.vtt"]
    assert [line.split(":")[0] for line in said.out.splitlines()] == [
        f"wrote {tmp_path / 'labels' / name}" for name in names
    ]
    assert sorted(p.name for p in (tmp_path / "labels").iterdir()) == sorted(names)
    for name, source in zip(names, (path, str(other)), strict=True):
        content = (tmp_path / "labels" / name).read_text("utf-8")
        heard = recognize_file(source, model)
        assert content.startswith("WEBVTT\n\n00:00:00.000 --> ")
        lines = [line for line in content.splitlines() if "%" in line]
        assert lines and all(line.count("%") == 1 for line in lines)  # --top=1
        assert f" --> 00:00:{heard.duration_secs:06.3f}\n" in content
        best = heard.top("objects", 1)[0][0][0]
        assert f"\n{best} " in content


def test_recognize_prints_labels_of_one_recording(model, stereo, capsys):
    capsys.readouterr()
    flags = [f"--model={model}", "--format=audacity", "--top=1"]
    assert commands.run("recognize", *flags, stereo[1]) == 0
    begin, end, _ = capsys.readouterr().out.rstrip("\n").split("\t")
    assert (float(begin), float(end)) == (0.0, 2.0)


def test_recognize_cuts_segments(model, stereo, tmp_path, capsys):
    """One step, whose first object is known: all 2 s, both channels, as floats; of the others
    nothing. The table goes to stdout as ever, what was cut to stderr."""
    sound, path = stereo
    ((best, probability),) = recognize_file(path, model).top_overall("objects", 1)
    other = next(name for name in LABELS["objects"] if name != best)
    for wanted, folder in ((best, "cut"), (other, "none")):
        capsys.readouterr()
        flags = [f"--segments={tmp_path / folder}", f"--segment_label={wanted}", "--top=1"]
        assert commands.run("recognize", f"--model={model}", "--format=json", *flags, path) == 0
        said = capsys.readouterr()
        assert len(json.loads(said.out)) == 1
        start = "cut 1 segment, 2.0 s" if wanted == best else f"nothing cut: nowhere is {other} "
        assert said.err.splitlines()[-1].startswith(start)
    found, rate = soundfile.read(tmp_path / "cut" / "stereo_0.000-2.000.wav", dtype="float32")
    assert rate == SAMPLE_RATE
    np.testing.assert_array_equal(found, sound)
    rows = (tmp_path / "cut" / "segments.csv").read_text("utf-8").splitlines()
    assert rows == [
        "path,begin,end,head,label,probability,recording",
        f"stereo_0.000-2.000.wav,0.000,2.000,objects,{best},{probability:.6f},{path}",
    ]
    assert [p.name for p in (tmp_path / "none").iterdir()] == ["segments.csv"]


def test_recognize_cuts_of_the_stream_that_was_heard(model, tmp_path, capsys):
    path = str(odd_media.write_two_sounds(tmp_path / "two.mkv"))
    for number in (0, 1):
        with open_channels(path, 0.0, 100.0, audio_stream=number) as sound:
            whole = np.concatenate(list(sound.blocks))
        folder = tmp_path / f"cut{number}"
        flags = [f"--segments={folder}", "--segment_label=*", f"--audio_stream={number}"]
        assert commands.run("recognize", f"--model={model}", *flags, path) == 0
        (cut,) = folder.glob("*.wav")
        found, _ = soundfile.read(cut, dtype="float32", always_2d=True)
        np.testing.assert_array_equal(found, whole[: len(found)])
        assert len(found) > 0.99 * len(whole)


def test_recognize_refuses_a_class_that_is_not_there(model, stereo, tmp_path, capsys):
    flags = [f"--segments={tmp_path / 'cut'}", "--segment_label=dgo"]
    assert commands.run("recognize", f"--model={model}", *flags, stereo[1]) == 1
    assert "recognize.py: no class is called 'dgo'; " in capsys.readouterr().err
    assert not (tmp_path / "cut").exists()


def test_recognize_hears_another_sound_by_each_choice(network, stereo):
    """So that the test above can tell them apart: 1e-2 and more, of 1e-4."""
    heard = []
    for channel, short in (("mean", "loop"), ("first", "loop"), ("mean", "pad")):
        waveform = lengthened(stereo[0], channel, short)[None]
        heard.append(softmax(network(waveform, endpoints=["objects"])["objects"].numpy()[0]))
    means = [steps.mean(axis=0) for steps in heard]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(means[one] - means[other]).max() > 1e-2


def extract(model, path, out, *flags):
    return commands.run("extract", f"--model={model}", f"--inputs={path}", f"--out={out}", *flags)


@pytest.mark.parametrize("pooling", ["meanstd", "max", "none"])
def test_extract_of_a_layer_of_the_first_channel(model, network, stereo, tmp_path, pooling):
    """meanstd is all means, then all deviations."""
    sound, path = stereo
    out = str(tmp_path / "x.npz")
    flags = ["--layer=conv3", f"--pooling={pooling}", "--channel=first"]
    assert extract(model, path, out, *flags) == 0
    steps = network(sound[None, :, 0], endpoints=["conv3"])["conv3"].numpy()[0].astype(np.float64)
    expected = {
        "meanstd": np.concatenate([steps.mean(axis=0), steps.std(axis=0)])[None],
        "max": steps.max(axis=0)[None],
        "none": steps,
    }[pooling]
    found = feature_file.load_features(out).embeddings
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("short", ["loop", "pad"])
def test_extract_of_short_sound(model, network, stereo, tmp_path, short):
    """Of both channels; what the head gives of 20 s is one row, the mean of its steps."""
    sound, path = stereo
    out = str(tmp_path / "x.npz")
    flags = ["--layer=scenes", f"--short={short}"]
    assert extract(model, path, out, *flags) == 0
    waveform = lengthened(sound, "mean", short)[None]
    logits = network(waveform, endpoints=["scenes"])["scenes"].numpy()[0]
    expected = softmax(logits).mean(axis=0)[None]
    np.testing.assert_allclose(feature_file.load_features(out).embeddings, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("flags", "which"), [([], "last"), (["--which=best"], "best"), (["--which=last"], "last")]
)
def test_export_of_a_run(run_folder, tmp_path, flags, which):
    out = str(tmp_path / "out")
    flags = [f"--run={run_folder}", f"--out={out}", "--format=keras", *flags]
    assert commands.run("export", *flags) == 0
    exported, labels = pretrained.load(out)
    assert labels == LABELS
    expected, _ = checkpoint.load_student(str(run_folder / which))
    for ours, theirs in zip(exported.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
