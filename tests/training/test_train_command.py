"""What bin/train.py gives to the run: training and held-out clips, settings, folder, flags."""

import commands

from soundnet_tf.data import sources
from soundnet_tf.training import loop, report
from soundnet_tf.training.board.settings import BoardConfig
from soundnet_tf.training.settings import RunConfig


def test_each_split_settings_and_folder_reach_the_run(monkeypatch, capsys):
    asked, trained = [], []

    def open_sources(config):
        asked.append(config)
        return "clips to train on", "held-out clips"

    def train(*arguments):
        trained.append(arguments)
        probed, verdict = {"rows": []}, ("learned", [])
        return loop.TrainResult(
            ["history"], {"constant": {}}, {"objects": "start"}, probed, verdict
        )

    monkeypatch.setattr(RunConfig, "check_inputs", lambda self: None)  # D is not there
    monkeypatch.setattr(sources, "open_sources", open_sources)
    monkeypatch.setattr(loop, "train", train)
    monkeypatch.setattr(report, "summary", lambda **given: f"told {given}")
    flags = ("--seed=3", "--batch_size=5", "--probe_data=S", "--checkpoint_every=9")
    looks = ("--board_every=4", "--profile_steps=2,3")
    code = commands.run("train", "--data=D", "--out=O", *flags, *looks)
    assert code == 0
    ((config, training, validation, out, flagfile, probing, workers, every, board),) = trained
    assert board == BoardConfig(every=4, profile_steps=(2, 3))
    assert (workers.is_chief, workers.replicas_here, every) == (True, 1, 9)
    assert probing.data == "S"
    assert (training, validation, out) == ("clips to train on", "held-out clips", "O")
    assert (config.seed, config.pipeline.batch_size) == (3, 5)
    assert flagfile == "--batch_size=5\n--data=D\n--probe_data=S\n--seed=3\n"
    assert [source.data for source in asked] == ["D"]
    told = {
        "history": ["history"],
        "baselines": {"constant": {}},
        "head_starts": {"objects": "start"},
        "probed": {"rows": []},
        "verdict": ("learned", []),
        "out": "O",
    }
    assert capsys.readouterr().out == f"told {told}\n"
