"""A whole evaluation of tones that anybody can tell apart, and everything that stops one."""

import csv
import json
import os
import pathlib
import subprocess
import sys

import commands
import numpy as np
import pytest
import soundfile

from soundnet_tf.evaluation import evaluate, table
from soundnet_tf.evaluation.settings import EvaluateConfig
from soundnet_tf.models import checkpoint, student

RATE = 22050
HERTZ = {"hum": (150, 250), "tone": (700, 900), "whistle": (3000, 4500)}
PER_FOLD = 3
BINARY = pathlib.Path(__file__).parents[2] / "bin" / "evaluate.py"
TABLE = ["conv4", "conv5", "pool5", "conv6", "conv7", "conv8"]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """Three classes in two folds."""
    folder, rng, rows = tmp_path_factory.mktemp("tones"), np.random.default_rng(0), []
    for fold in ("1", "2"):
        for label, heights in HERTZ.items():
            for k in range(PER_FOLD):
                cycles = rng.uniform(*heights) * np.arange(RATE // 2) / RATE
                sound = rng.uniform(0.2, 0.5) * np.sin(2 * np.pi * cycles)
                soundfile.write(folder / f"{fold}{label}{k}.wav", sound, RATE)
                rows.append((f"{fold}{label}{k}.wav", label, fold))
    with open(folder / "tones.csv", "w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "fold"), *rows])
    return str(folder / "tones.csv")


def save_model(folder, network):
    heads = {"objects": ("dog", "rain", "sea"), "scenes": ("street", "park")}
    labels = {head: names for head, names in heads.items() if head in network.output_names}
    checkpoint.save_student(str(folder), network, labels)
    return str(folder)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small random SoundNet-8 whose norms keep activations alive."""
    network = student.SoundNet8(object_classes=3, scene_classes=2)
    for layer in network.layers:
        if layer.name.endswith("_bn"):
            layer.moving_variance.assign(0.02 * layer.moving_variance)
    return save_model(tmp_path_factory.mktemp("model"), network)


@pytest.fixture
def run(manifest, model, tmp_path):
    """Evaluates with these settings, checks what holds of all, and gives the results."""

    def evaluated(**settings):
        out = tmp_path / "out"
        settings = {"data": manifest, "dataset": "csv", "model": model} | settings
        content = evaluate.evaluate(EvaluateConfig(out=str(out), **settings), progress=False)
        with open(out / "results.json") as file:
            assert json.load(file) == json.loads(json.dumps(content)), "it is what was returned"
        check(content)
        pictures = ["confusion.png"] + ["layers.png"] * (len(content["rows"]) > 1)
        assert sorted(path.name for path in out.iterdir()) == [
            *pictures,
            "results.json",
            "rows.json",
        ]
        return content

    return evaluated


def check(content):
    """Every row's figures follow from its confusion, as all folds are of one size."""
    assert content["classes"] == list(HERTZ)
    floors = [figures for name, figures in content["baselines"].items() if name != "chance"]
    for row in [*content["rows"], *floors]:
        confusion = np.array(row["confusion"])
        np.testing.assert_array_equal(confusion.sum(axis=1), 2 * PER_FOLD)
        assert row["accuracy_mean"] == pytest.approx(confusion.trace() / confusion.sum())
        assert row["accuracy_mean"] == pytest.approx(np.mean(list(row["per_fold"].values())))
        assert list(row["per_class"].values()) == pytest.approx(confusion.diagonal() / 6)
    for name, value in content["rows"][0].items():
        assert name == "seconds" or content[name] == value
    assert content["baselines"]["chance"] == pytest.approx(1 / 3)
    assert content["seconds"] > sum(row["seconds"] for row in content["rows"])
    assert set(content["versions"]) == {"soundnet_tf", "tensorflow"}


def test_the_papers_protocol(run):
    content = run()
    assert [(row["layer"], row["input_scale"]) for row in content["rows"]] == [
        ("pool5", 1.0),
        ("pool5", 2.0),
    ]
    assert content["accuracy_mean"] > 0.8 and content["baselines"]["mfcc"]["accuracy_mean"] > 0.8
    assert content["details"] == [{"window_hop_steps": 1, "converged": True}] * 2
    assert content["baselines"]["untrained"]["layer"] == "pool5"
    assert content["protocol"] == "paper" and content["settings"]["layer"] == "pool5"
    rows = table.of_results(content).splitlines()
    assert rows[0] == "| layer | input scale | accuracy % | paper % |"
    names = [line.split(" | ")[0].removeprefix("| ") for line in rows[2:]]
    assert names == [
        "pool5",
        "pool5",
        "untrained network, pool5",
        "MFCC, mean and deviation",
        "most frequent class",
    ]
    mean, deviation = 100 * content["accuracy_mean"], 100 * content["accuracy_std"]
    assert rows[2] == f"| pool5 | 1 | {mean:.1f} ± {deviation:.1f} |  |"
    assert rows[-1] == "| most frequent class |  | 33.3 |  |"


def test_each_scale_is_heard(run):
    """Of a sound that is next to nothing this network, whose biases are 0, hears nothing: products
    of 1e-30 with weights as small are 0 in float32."""
    loud, silent = run(input_scales=(1.0, 1e-30))["rows"]
    assert loud["accuracy_mean"] > 0.8 and silent["accuracy_mean"] < 0.5


def test_all_layers(run):
    content = run(layer="all", input_scales=(1.0,))
    assert [row["layer"] for row in content["rows"]] == TABLE
    assert content["baselines"]["untrained"]["layer"] == "pool5"
    assert max(row["accuracy_mean"] for row in content["rows"]) > 0.8


def test_the_modern_protocol(run, monkeypatch):
    """It chooses among many layers, whatever `layer` is."""
    given, choose = [], evaluate.modern.cross_validate

    def recorded(data, steps, progress):
        given.append(set(steps))
        return choose(data, steps, progress)

    monkeypatch.setattr(evaluate.modern, "cross_validate", recorded)
    content = run(protocol="modern", input_scales=(1.0,))
    assert (
        given == [{"conv4", "conv5", "pool5", "conv6", "conv7"}] * 2
    )  # and of the untrained network
    (row,) = content["rows"]
    assert row["layer"] == "chosen" and row["accuracy_mean"] > 0.8 and row["paper"] is None
    for detail in row["details"]:
        assert set(detail) == {
            "layers", "pooling", "classifier", "regularisation", "loss_in_training_folds",
        }  # fmt: skip
        assert set(detail["layers"]) <= set(TABLE)
    assert content["baselines"]["untrained"]["layer"] == "chosen"


def test_the_linear_protocol(run):
    """All layers of both networks but the heads, and MFCC, by the same probe."""
    content = run(protocol="linear", layer="all", input_scales=(1.0,))
    assert [row["layer"] for row in content["rows"]] == TABLE[:-1]
    assert [row["layer"] for row in content["untrained"]] == TABLE[:-1]
    assert content["baselines"]["untrained"] == content["untrained"][TABLE.index("pool5")]
    assert max(row["accuracy_mean"] for row in content["rows"]) > 0.8
    assert content["baselines"]["mfcc"]["accuracy_mean"] > 0.8
    for row in content["rows"]:
        assert row["paper"] is None and [d["converged"] for d in row["details"]] == [True, True]
    assert table.of_results(content).count("untrained network, ") == 5


def without_seconds(content):
    """Results that do not hang on how long it took."""
    if isinstance(content, dict):
        return {k: without_seconds(v) for k, v in content.items() if k not in ("seconds", "out")}
    return [without_seconds(v) for v in content] if isinstance(content, list) else content


def test_a_stopped_evaluation_goes_on_behind_its_last_row(manifest, model, tmp_path, monkeypatch):
    """Stopped at the third of eight rows, it hears again only what lacks, says the whole table, and
    ends with the results of one that was never stopped."""
    fit, hear, fitted, heard, said = (
        evaluate.linear.cross_validate,
        evaluate.features.layer_features,
        [],
        [],
        [],
    )

    def fit_until(limit):
        def fitting(data, examples, **options):
            if len(fitted) == limit:
                raise KeyboardInterrupt
            fitted.extend(examples)
            return fit(data, examples, **options)

        monkeypatch.setattr(evaluate.linear, "cross_validate", fitting)

    def hearing(network, waveforms, layers, scale, progress):
        heard.append((scale, list(layers)))
        return hear(network, waveforms, layers, scale, progress)

    monkeypatch.setattr(evaluate.features, "layer_features", hearing)
    settings = {"model": model, "protocol": "linear", "layer": "conv6", "input_scales": (1.0, 2.0)}

    def config(name, **others):
        return EvaluateConfig(manifest, str(tmp_path / name), **settings | others)

    fit_until(None)
    whole = evaluate.evaluate(config("whole", layer="all"), progress=False)
    assert heard == [(1.0, TABLE[:-1]), (2.0, TABLE[:-1]), (1.0, TABLE[:-1])]
    del fitted[:], heard[:]
    fit_until(7)
    with pytest.raises(KeyboardInterrupt):
        evaluate.evaluate(config("stopped", layer="all"), progress=False)
    assert not (tmp_path / "stopped" / "results.json").exists()
    del fitted[:], heard[:]
    fit_until(None)
    again = evaluate.evaluate(config("stopped", layer="all"), progress=False, say=said.append)
    assert heard == [(2.0, ["pool5", "conv6", "conv7"]), (1.0, TABLE[:-1])]
    assert fitted == ["pool5", "conv6", "conv7", *TABLE[:-1], "mfcc"]
    assert without_seconds(again) == without_seconds(whole)
    assert "\n".join(said) == table.of_results(again)
    del fitted[:], heard[:]
    monkeypatch.setattr(evaluate, "read_clips", None)
    finished = evaluate.evaluate(config("stopped"), progress=False)
    assert (fitted, heard) == (["conv6"] * 0, []), "nothing is measured twice"
    assert [row["layer"] for row in finished["rows"]] == ["conv6", "conv6"]


def test_each_row_is_kept_when_its_line_is_said(manifest, model, tmp_path):
    """And no line is said before its row is safe."""
    kept = []

    def say(line):
        path = tmp_path / "rows.json"
        kept.append(len(json.loads(path.read_text())["rows"]) if path.exists() else 0)

    config = EvaluateConfig(manifest, str(tmp_path), model=model, protocol="linear", layer="all")
    evaluate.evaluate(config, progress=False, say=say)
    assert kept == [0, *range(1, 17), 16], "the head, ten rows, five floors and MFCC, chance"


def test_floors_can_be_left_out(run):
    with_floors = run(input_scales=(1.0,))
    content = run(baselines=False)
    assert list(content["baselines"]) == ["chance"]
    assert content["rows"][0]["confusion"] == with_floors["rows"][0]["confusion"]
    assert table.of_results(content).splitlines()[4:] == ["| most frequent class |  | 33.3 |  |"]


def test_conv8_is_compared_with_an_untrained_network_of_as_many_classes(run):
    content = run(layer="conv8", input_scales=(1.0,))
    assert content["baselines"]["untrained"]["layer"] == "conv8"
    assert content["baselines"]["untrained"]["accuracy_mean"] > 0.4


@pytest.mark.parametrize("protocol", ["paper", "modern"])
def test_the_five_layer_network_without_heads(run, tmp_path, protocol):
    network = student.SoundNet5(include_top=False)
    checkpoint.save_student(str(tmp_path / "five"), network, {})
    content = run(model=str(tmp_path / "five"), layer="all", protocol=protocol, input_scales=(1.0,))
    expected = ["chosen"] if protocol == "modern" else ["conv3", "pool3", "conv4"]
    assert [row["layer"] for row in content["rows"]] == expected
    untrained = content["baselines"]["untrained"]["layer"]
    assert untrained == ("chosen" if protocol == "modern" else "conv4")


def test_the_papers_figures_stand_beside_a_benchmarks():
    figures = {"accuracy_mean": 0.9, "accuracy_std": 0.02}
    content = {
        "rows": [figures | {"layer": "pool5", "input_scale": 1.0, "paper": 92.2}],
        "untrained": [figures | {"layer": "pool5"}],
        "baselines": {"mfcc": figures, "untrained": figures | {"layer": "pool5"}, "chance": 0.1},
        "dataset": "esc10",
    }
    rows = table.of_results(content).splitlines()
    assert rows[2] == "| pool5 | 1 | 90.0 ± 2.0 | 92.2 |"
    assert rows[4] == "| MFCC, mean and deviation |  | 90.0 ± 2.0 | 67.5 |"
    assert rows[-1] == "| humans |  |  | 95.7 |" and len(rows) == 10


class TestOthersFolders:
    @pytest.fixture
    def begun(self, manifest, model, tmp_path):
        """Settings of a finished evaluation of one row."""
        settings = {"data": manifest, "out": str(tmp_path / "out"), "model": model}
        settings |= {"protocol": "linear", "input_scales": (1.0,), "baselines": False}
        evaluate.evaluate(EvaluateConfig(**settings), progress=False)
        return settings

    def test_another_network_is_refused(self, begun, tmp_path):
        other = save_model(tmp_path / "other", student.SoundNet8(object_classes=3, scene_classes=2))
        config = EvaluateConfig(**begun | {"model": other})
        with pytest.raises(ValueError, match="made with other settings .weights_sha256 was .*out"):
            evaluate.evaluate(config, progress=False)

    def test_another_protocol_is_refused(self, begun):
        config = EvaluateConfig(**begun | {"protocol": "paper"})
        with pytest.raises(ValueError, match="protocol was linear, is paper.*choose another --out"):
            evaluate.evaluate(config, progress=False)

    def test_other_labels_are_refused(self, begun, tmp_path):
        """Of the same recordings."""
        rows = pathlib.Path(begun["data"]).read_text().replace("hum0.wav,hum", "hum0.wav,tone", 1)
        other = pathlib.Path(begun["data"]).parent / "other" / "tones.csv"
        other.parent.mkdir(exist_ok=True)
        other.write_text(rows.replace("\n1", "\n../1").replace("\n2", "\n../2"))
        config = EvaluateConfig(**begun | {"data": str(other)})
        with pytest.raises(ValueError, match="fingerprint was .*choose another --out"):
            evaluate.evaluate(config, progress=False)

    def test_recordings_that_have_changed_are_refused(self, begun):
        path = pathlib.Path(begun["data"]).parent / "1hum0.wav"
        before = path.stat()
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1000))
        try:
            with pytest.raises(ValueError, match="recordings that have changed since.*--out"):
                evaluate.evaluate(EvaluateConfig(**begun), progress=False)
        finally:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def test_by_checksum_the_contents_count(self, manifest, model, tmp_path):
        settings = {"data": manifest, "out": str(tmp_path), "model": model, "checksum": True}
        settings |= {"protocol": "linear", "input_scales": (1.0,), "baselines": False}
        first = evaluate.evaluate(EvaluateConfig(**settings), progress=False)
        path = pathlib.Path(manifest).parent / "1hum0.wav"
        content = path.read_bytes()
        path.write_bytes(content)
        again = evaluate.evaluate(EvaluateConfig(**settings), progress=False)
        assert without_seconds(again) == without_seconds(first)
        try:
            path.write_bytes(content[:-2] + b"ab")
            with pytest.raises(ValueError, match="recordings that have changed since"):
                evaluate.evaluate(EvaluateConfig(**settings), progress=False)
        finally:
            path.write_bytes(content)


class TestErrors:
    @pytest.mark.parametrize("layer", ["conv9", "objects", "heads", ""])
    def test_an_unknown_layer(self, run, layer):
        message = (
            f"no layer {layer} in this soundnet8; choose one of conv1, pool1, conv2, pool2, conv3, "
            "conv4, conv5, pool5, conv6, conv7, conv8, or all"
        )
        with pytest.raises(ValueError, match=f"^{message}$"):
            run(layer=layer)

    def test_conv8_of_a_network_without_heads(self, run, tmp_path):
        network = student.SoundNet8(include_top=False)
        checkpoint.save_student(str(tmp_path / "trunk"), network, {})
        with pytest.raises(ValueError, match="no layer conv8 in this soundnet8.*conv7, or all$"):
            run(model=str(tmp_path / "trunk"), layer="conv8")

    @pytest.mark.parametrize(
        ("settings", "error", "message"),
        [
            ({"data": "none.csv"}, FileNotFoundError, "^none.csv: no such manifest"),
            ({"data": "none", "dataset": "esc10"}, FileNotFoundError, "none: no such folder"),
            ({"dataset": "esc11"}, ValueError, "dataset 'esc11' is unknown; choose one of"),
            ({"model": "none"}, FileNotFoundError, "^none is no trained SoundNet; give published"),
            ({"protocol": "new"}, ValueError, "protocol 'new' is unknown; choose one of"),
            (
                {"input_scales": ()},
                ValueError,
                "is empty; give one or more numbers",
            ),
            ({"input_scales": (1.0, 0.0)}, ValueError, r"is \(1.0, 0.0\); it should be above 0"),
            ({"input_scales": (float("nan"),)}, ValueError, r"is \(nan,\); it should be above 0"),
            ({"input_scales": (float("inf"),)}, ValueError, r"is \(inf,\); it should be finite"),
        ],
    )
    def test_settings_that_cannot_be(self, run, settings, error, message):
        with pytest.raises(error, match=message):
            run(**settings)

    def test_a_folder_that_cannot_be_made_is_said_at_once(self, manifest, model, tmp_path):
        (tmp_path / "file").touch()
        config = EvaluateConfig(manifest, str(tmp_path / "file"), "csv", model)
        with pytest.raises(OSError, match=f"^{tmp_path}/file: cannot be made a folder"):
            evaluate.evaluate(config, progress=False)


def command(*flags):
    return subprocess.run(
        [sys.executable, BINARY, *flags], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_the_command_prints_the_table(manifest, model, tmp_path):
    out = tmp_path / "out"
    done = command(
        f"--model={model}", f"--data={manifest}", f"--out={out}", "--input_scale=1", "--nobaselines"
    )
    assert done.returncode == 0, done.stderr
    assert "MFCC" not in done.stdout
    assert "| pool5 | 1 | " in done.stdout
    assert done.stdout.endswith(f" s; details in {out}/results.json\n")
    assert (out / "results.json").exists()


@pytest.mark.slow
def test_the_command_says_in_one_sentence_what_is_wrong(tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("path,label\na.wav,dog\n")
    for flags, message in (
        ([], f"evaluate.py: {bad}: the first line lacks fold; it should name the columns"),
        (["--input_scale=1,loud"], "evaluate.py: --input_scale=1,loud; give numbers, such as"),
    ):
        done = commands.completed("evaluate", f"--data={bad}", f"--out={tmp_path}/out", *flags)
        assert done.returncode == 1 and done.stdout == ""
        assert message in done.stderr and "Traceback" not in done.stderr
