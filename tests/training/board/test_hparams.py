"""Settings of runs as TensorBoard compares them."""

import event_files
from absl import flags

from soundnet_tf.bin import stage_flags
from soundnet_tf.data.batch_settings import AugmentConfig, PipelineConfig
from soundnet_tf.training.board import hparams
from soundnet_tf.training.settings import DistillConfig, OptimizerConfig, TrainConfig

CONFIG = TrainConfig(
    teachers={"objects": "keras:X"},
    seed=7,
    pipeline=PipelineConfig(batch_size=3, augment=AugmentConfig(noise_db=12.5)),
    distill=DistillConfig(weights={"scenes": 2.0}, shuffled_pairs=True),
    optimizer=OptimizerConfig(learning_rate=0.25),
)


def test_every_setting_is_there_by_the_name_of_its_flag():
    """The flags of the same settings, and what no flag sets: `baseline_clips`."""
    values = flags.FlagValues()
    stage_flags.define(TrainConfig, values)
    assert set(hparams.of_settings(CONFIG)) == {*values, "baseline_clips"}


def test_values_are_those_that_were_set():
    found = hparams.of_settings(CONFIG)
    given = {
        "imagenet_teacher": "keras:X",
        "places_teacher": "none",
        "seed": 7,
        "batch_size": 3,
        "crop_seconds": 20.0,
        "noise_db": 12.5,
        "scenes_weight": 2.0,
        "shuffled_pairs": True,
        "learning_rate": 0.25,
        "model": "soundnet8",
        "init_from": "none",
        "baseline_clips": 2000,
    }
    assert {name: found[name] for name in given} == given


def test_they_stand_in_the_logs_once_however_often_a_run_begins(tmp_path):
    """Another start has another trial's name and another value in place of the first."""
    metrics = [("validation", "loss"), ("probe", "probe/pool5")]
    for seed in (1, 2):
        values = {"seed": seed, "model": "soundnet5", "flip": False}
        hparams.write(str(tmp_path), values, metrics, "run")
    assert event_files.hparams(tmp_path) == (values, metrics)
