"""What the flags of evaluate and finetune ask the library for."""

import commands
import pytest
from tone_manifest import write_tones

from soundnet_tf.evaluation import evaluate
from soundnet_tf.finetuning import run as finetuning


@pytest.fixture
def asked(monkeypatch):
    """The settings that the library got; then it stops."""
    found = []

    def stop(config, *rest):
        found.append(config)
        raise ValueError("stopped by the test")

    monkeypatch.setattr(evaluate, "evaluate", stop)
    monkeypatch.setattr(finetuning, "finetune", stop)
    return found


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], {"layer": "pool5", "protocol": "paper", "scales": (1.0, 2.0), "baselines": True}),
        (["--layer=conv6"], {"layer": "conv6"}),
        (["--protocol=modern"], {"protocol": "modern"}),
        (["--input_scale=0.5,3"], {"scales": (0.5, 3.0)}),
        (["--nobaselines"], {"baselines": False}),
        (["--dataset=esc50", "--model=M"], {"dataset": "esc50", "model": "M"}),
    ],
)
def test_evaluate(asked, capsys, flags, expected):
    assert commands.run("evaluate", "--data=D", "--out=O", *flags) == 1
    assert "stopped by the test" in capsys.readouterr().err
    (config,) = asked
    given = {
        "data": config.data,
        "out": config.out,
        "dataset": config.dataset,
        "model": config.model,
        "layer": config.layer,
        "protocol": config.protocol,
        "scales": tuple(config.input_scales),
        "baselines": config.baselines,
    }
    usual = {
        "data": "D", "out": "O", "dataset": "csv", "model": "published", "layer": "pool5",
        "protocol": "paper", "scales": (1.0, 2.0), "baselines": True,
    }  # fmt: skip
    assert given == usual | expected


FINETUNE = {
    "model": "M", "test_fold": "2", "val_share": 0.5, "layers": ("pool1", "conv2"),
    "freeze": "trunk", "learning_rate": 0.004, "trunk_scale": 0.25, "class_weights": "balanced",
    "augment": False, "epochs": 2, "patience": 1, "batch_size": 4, "seed": 3,
}  # fmt: skip


def test_finetune(asked, tmp_path, capsys):
    """Each setting that is not its default."""
    manifest = write_tones(tmp_path)
    flags = [
        f"--{name}={','.join(value) if isinstance(value, tuple) else value}"
        for name, value in FINETUNE.items()
    ]
    assert commands.run("finetune", f"--manifest={manifest}", "--out=O", *flags) == 1
    assert "stopped by the test" in capsys.readouterr().err
    (config,) = asked
    found = {name: getattr(config, name) for name in FINETUNE}
    assert found | {"layers": tuple(config.layers)} == FINETUNE
    unlike = finetuning.FinetuneConfig()
    assert all(getattr(unlike, name) != value for name, value in FINETUNE.items())
