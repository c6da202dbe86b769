"""Each flag of each command changes exactly the field that it should, and no other."""

import dataclasses
from collections.abc import Mapping

import pytest
from absl import flags

from benchmark.settings import BenchmarkRunConfig
from soundnet_tf.ablations.settings import ReproduceConfig
from soundnet_tf.bin import stage_flags
from soundnet_tf.data.batch_settings import SourceConfig
from soundnet_tf.data.settings import LabelConfig, PrepareConfig
from soundnet_tf.demo_settings import DemoConfig
from soundnet_tf.evaluation.settings import EvaluateConfig
from soundnet_tf.finetuning.settings import FinetuneRunConfig
from soundnet_tf.inspection.settings import InspectConfig
from soundnet_tf.reporting.settings import ReportConfig
from soundnet_tf.serving.export.settings import ExportConfig
from soundnet_tf.serving.extraction.settings import ExtractConfig
from soundnet_tf.serving.settings import RecognizeConfig
from soundnet_tf.settings import Settings, setting
from soundnet_tf.training.settings import RunConfig, TrainConfig
from soundnet_tf.visualization.settings import FiltersConfig, MapConfig, UnitsConfig

# Of each command: its settings, flags that it cannot do without, and for each flag what it changes.
# A flag in place of one that it cannot stand beside says which (`instead of`).
COMMANDS = {
    "inspect": (
        InspectConfig,
        ["--data=D", "--out=O"],
        {
            "--data=E": {"data": "E"},
            "--videos=V instead of --data": {"videos": "V", "data": None},
            "--out=P": {"out": "P"},
            "--clip_seconds=12": {"clip_secs": 12.0},
            "--channel=loudest": {"channel": "loudest"},
            "--audio_stream=1": {"audio_stream": 1},
            "--video_stream=2": {"video_stream": 2},
            "--video_timeout_secs=60": {"limits.task_secs": 60.0},
            "--video_memory_gb=2": {"limits.task_gb": 2.0},
            "--most_megapixels=10": {"limits.most_megapixels": 10.0},
            "--val_fraction=0.25": {"val_fraction": 0.25},
            "--workers=3": {"workers": 3},
            "--model=M": {"model": "M"},
            "--still_levels=0.6": {"still_levels": 0.6},
            "--still_share=0.6": {"still_share": 0.6},
            "--silent_dbfs=-50": {"silent_dbfs": -50.0},
            "--silent_share=0.5": {"silent_share": 0.5},
            "--clipped_share=0.5": {"clipped_share": 0.5},
            "--picture_bits=5": {"picture_bits": 5},
            "--sound_bits=6": {"sound_bits": 6},
            "--copied_share=0.5": {"copied_share": 0.5},
            "--delay_peak=4": {"delay_peak": 4.0},
        },
    ),
    "report": (
        ReportConfig,
        ["--inputs=I", "--out=O"],
        {
            "--out=P": {"out": "P"},
            "--run=R": {"run": "R"},
            "--which=best_probe": {"which": "best_probe"},
            "--model=M": {"model": "M"},
            "--inputs=J": {"inputs": "J"},
            "--labels=L": {"labels": "L"},
            "--labels=L --dataset=esc10": {"labels": "L", "dataset": "esc10"},
            "--evaluation=E,F": {"evaluations": ("E", "F")},
            "--imagenet_teacher=keras:VGG16": {"teachers.objects": "keras:VGG16"},
            "--places_teacher=file:M": {"teachers.scenes": "file:M"},
            "--recordings=3": {"recordings": 3},
            "--units=4": {"units": 4},
            "--channel=first": {"channel": "first"},
            "--audio_stream=1": {"audio_stream": 1},
            "--short=pad": {"short": "pad"},
        },
    ),
    "prepare": (
        PrepareConfig,
        ["--videos=V", "--out=O"],
        {
            "--videos=W": {"videos": "W"},
            "--out=P": {"out": "P"},
            "--clip_seconds=12.5": {"cutting.clip_secs": 12.5},
            "--frame_every=0.5": {"cutting.frame_every_secs": 0.5},
            "--channel=loudest": {"cutting.channel": "loudest"},
            "--audio_stream=1": {"cutting.audio_stream": 1},
            "--video_stream=2": {"cutting.video_stream": 2},
            "--video_timeout_secs=60": {"cutting.limits.task_secs": 60.0},
            "--video_memory_gb=2": {"cutting.limits.task_gb": 2.0},
            "--most_megapixels=10": {"cutting.limits.most_megapixels": 10.0},
            "--num_shards=3": {"num_shards": 3},
            "--val_fraction=0.25": {"val_fraction": 0.25},
            "--workers=3": {"workers": 3},
            "--audio_codec=flac": {"audio_codec": "flac"},
            "--strict": {"strict": True},
            "--checksum": {"checksum": True},
            "--runner=DirectRunner": {"beam.runner": "DirectRunner"},
            "--runner=SparkRunner --pipeline_options=--a=1": {
                "beam.runner": "SparkRunner",
                "beam.pipeline_options": "--a=1",
            },
        },
    ),
    "label": (
        LabelConfig,
        ["--data=D", "--imagenet_teacher=keras:VGG16", "--parts=4"],
        {
            "--data=E": {"data": "E"},
            "--imagenet_teacher=hub:H": {"teachers.objects": "hub:H"},
            "--places_teacher=places:vgg16@F": {"teachers.scenes": "places:vgg16@F"},
            "--batch_frames=7": {"batch_frames": 7},
            "--precision=mixed_float16": {"precision": "mixed_float16"},
            "--part=2": {"part": 2},
            "--parts=5": {"parts": 5},
            "--runner=FlinkRunner": {"beam.runner": "FlinkRunner"},
            "--runner=DataflowRunner --pipeline_options=--a=1": {
                "beam.runner": "DataflowRunner",
                "beam.pipeline_options": "--a=1",
            },
        },
    ),
    "train": (
        RunConfig,
        ["--data=D", "--out=O"],
        {
            "--data=E": {"source.data": "E"},
            "--videos=V instead of --data": {"source.videos": "V", "source.data": None},
            "--val_fraction=0.25": {"source.val_fraction": 0.25},
            "--clip_seconds=12": {"source.cutting.clip_secs": 12.0},
            "--frame_every=0.5": {"source.cutting.frame_every_secs": 0.5},
            "--channel=first": {"source.cutting.channel": "first"},
            "--audio_stream=1": {"source.cutting.audio_stream": 1},
            "--video_stream=2": {"source.cutting.video_stream": 2},
            "--video_timeout_secs=60": {"source.cutting.limits.task_secs": 60.0},
            "--video_memory_gb=2": {"source.cutting.limits.task_gb": 2.0},
            "--most_megapixels=10": {"source.cutting.limits.most_megapixels": 10.0},
            "--workers=3": {"source.workers": 3},
            "--out=P": {"out": "P"},
            "--imagenet_teacher=hub:H": {"train.teachers.objects": "hub:H"},
            "--places_teacher=file:M": {"train.teachers.scenes": "file:M"},
            "--epochs=3": {"train.epochs": 3},
            "--validate_every=4": {"train.validate_every": 4},
            "--checkpoint_every=5": {"checkpoint_every": 5},
            "--strategy=mirrored": {"cluster.strategy": "mirrored"},
            "--hosts=a:1,b:2 --task=1": {"cluster.hosts": ("a:1", "b:2"), "cluster.task": 1},
            "--steps=7": {"train.steps": 7},
            "--model=soundnet5": {"train.architecture": "soundnet5"},
            "--init_from=published": {"train.init_from": "published"},
            "--freeze_batch_norm": {"train.freeze_batch_norm": True},
            "--precision=mixed_float16": {"train.precision": "mixed_float16"},
            "--seed=5": {"train.seed": 5},
            "--batch_size=3": {"train.pipeline.batch_size": 3},
            "--crop_seconds=12": {"train.pipeline.crop_secs": 12.0},
            "--short=mask": {"train.pipeline.short": "mask"},
            "--norandom_crop": {"train.pipeline.random_crop": False},
            "--gain_db=3": {"train.pipeline.augment.gain_db": 3.0},
            "--polarity": {"train.pipeline.augment.polarity": True},
            "--resample_semitones=2": {"train.pipeline.augment.resample_semitones": 2.0},
            "--filter_db=4": {"train.pipeline.augment.filter_db": 4.0},
            "--noise_db=12": {"train.pipeline.augment.noise_db": 12.0},
            "--time_masks=2": {"train.pipeline.augment.time_masks": 2},
            "--flip": {"train.pipeline.flip": True},
            "--targets=cached": {"train.pipeline.targets": "cached"},
            "--loss=l2": {"train.distill.loss": "l2"},
            "--reduction=paper": {"train.distill.reduction": "paper"},
            "--alignment=index": {"train.distill.alignment": "index"},
            "--temperature=2": {"train.distill.temperature": 2.0},
            "--objects_weight=0.5": {"train.distill.weights.objects": 0.5},
            "--scenes_weight=0.25": {"train.distill.weights.scenes": 0.25},
            "--mix_share=0.5": {"train.distill.mix_share": 0.5},
            "--shuffled_pairs": {"train.distill.shuffled_pairs": True},
            "--probe_data=S": {"probe.data": "S"},
            "--probe_dataset=esc10": {"probe.dataset": "esc10"},
            "--probe_every=2": {"probe.every": 2},
            "--board_every=3": {"board.every": 3},
            "--profile_steps=10,20": {"board.profile_steps": (10, 20)},
            "--learning_rate=0.5": {"train.optimizer.learning_rate": 0.5},
            "--schedule=cosine": {"train.optimizer.schedule": "cosine"},
            "--warmup_steps=3": {"train.optimizer.warmup_steps": 3},
            "--head_warmup_steps=4": {"train.optimizer.head_warmup_steps": 4},
            "--trunk_scale=0.5": {"train.optimizer.trunk_scale": 0.5},
            "--clip_norm=6": {"train.optimizer.clip_norm": 6.0},
            "--ema_momentum=0.75": {"train.optimizer.ema_momentum": 0.75},
        },
    ),
    "export": (
        ExportConfig,
        ["--run=R", "--out=O"],
        {
            "--run=S": {"run": "S"},
            "--weights=W instead of --run": {"weights": "W", "run": None},
            "--out=P": {"out": "P"},
            "--which=best": {"which": "best"},
            "--format=keras,litert": {"formats": ("keras", "litert")},
            "--format=page --out=p.html": {"formats": ("page",), "out": "p.html"},
            "--data=D --format=webdataset instead of --run": {
                "data": "D",
                "formats": ("webdataset",),
                "run": None,
            },
        },
    ),
    "extract": (
        ExtractConfig,
        ["--inputs=I", "--out=O.npz"],
        {
            "--inputs=J": {"inputs": "J"},
            "--out=P.h5": {"out": "P.h5"},
            "--layer=conv6": {"layer": "conv6"},
            "--pooling=meanstd": {"pooling": "meanstd"},
            "--model=M": {"model": "M"},
            "--channel=first": {"channel": "first"},
            "--audio_stream=1": {"audio_stream": 1},
            "--short=pad": {"short": "pad"},
            "--checksum": {"checksum": True},
        },
    ),
    "recognize": (
        RecognizeConfig,
        [],
        {
            "--model=M": {"model": "M"},
            "--top=5": {"top": 5},
            "--format=csv": {"format": "csv"},
            "--format=srt --out=D": {"format": "srt", "out": "D"},
            "--segments=S --segment_label=rain": {"segments": "S", "segment_label": "rain"},
            "--channel=first": {"channel": "first"},
            "--audio_stream=1": {"audio_stream": 1},
            "--short=pad": {"short": "pad"},
        },
    ),
    "evaluate": (
        EvaluateConfig,
        ["--data=D", "--out=O"],
        {
            "--data=E": {"data": "E"},
            "--out=P": {"out": "P"},
            "--dataset=esc50": {"dataset": "esc50"},
            "--model=M": {"model": "M"},
            "--layer=all": {"layer": "all"},
            "--protocol=modern": {"protocol": "modern"},
            "--input_scale=0.5,3": {"input_scales": (0.5, 3.0)},
            "--checksum": {"checksum": True},
            "--nobaselines": {"baselines": False},
            "--modalities=sound": {"modalities": ("sound",)},
            "--modalities=both --teacher=T": {"modalities": ("both",), "teacher": "T"},
        },
    ),
    "finetune": (
        FinetuneRunConfig,
        ["--manifest=M", "--out=O"],
        {
            "--manifest=N": {"sounds.manifest": "N"},
            "--dataset=esc10 --data=D instead of --manifest": {
                "sounds.dataset": "esc10",
                "sounds.data": "D",
                "sounds.manifest": None,
            },
            "--out=P": {"out": "P"},
            "--model=soundnet5": {"finetune.model": "soundnet5"},
            "--test_fold=2": {"finetune.test_fold": "2"},
            "--val_share=0.5": {"finetune.val_share": 0.5},
            "--layers=conv5,conv7": {"finetune.layers": ("conv5", "conv7")},
            "--freeze=trunk": {"finetune.freeze": "trunk"},
            "--learning_rate=0.5": {"finetune.learning_rate": 0.5},
            "--schedule=cosine": {"finetune.schedule": "cosine"},
            "--trunk_scale=0.25": {"finetune.trunk_scale": 0.25},
            "--dropout=0.25": {"finetune.dropout": 0.25},
            "--class_weights=balanced": {"finetune.class_weights": "balanced"},
            "--clip_seconds=2": {"finetune.clip_secs": 2.0},
            "--noaugment": {"finetune.augment": False},
            "--crop_seconds=3": {"finetune.changes.crop_secs": 3.0},
            "--resample_semitones=2": {"finetune.changes.resample_semitones": 2.0},
            "--polarity": {"finetune.changes.polarity": True},
            "--mix_share=0.5": {"finetune.changes.mix_share": 0.5},
            "--epochs=3": {"finetune.epochs": 3},
            "--patience=4": {"finetune.patience": 4},
            "--batch_size=5": {"finetune.batch_size": 5},
            "--seed=6": {"finetune.seed": 6},
            "--checksum": {"checksum": True},
        },
    ),
    "reproduce": (
        ReproduceConfig,
        ["--table=loss", "--out=O", "--data=D", "--eval_data=E"]
        + ["--imagenet_teacher=A", "--places_teacher=B"],
        {
            "--table=depth": {"table": "depth"},
            "--sounds=S": {"sounds": "S"},
            "--out=P": {"out": "P"},
            "--data=F": {"data": "F"},
            "--eval_data=G": {"eval_data": "G"},
            "--dataset=esc10": {"dataset": "esc10"},
            "--imagenet_teacher=C": {"teachers.objects": "C"},
            "--places_teacher=C": {"teachers.scenes": "C"},
            "--seeds=3,4": {"seeds": (3, 4)},
            "--table=depth --folds=2": {"table": "depth", "folds": ("2",)},
            "--steps=7": {"steps": 7},
            "--batch_size=8": {"batch_size": 8},
            "--only=kl": {"only": ("kl",)},
            "--model=M": {"model": "M"},
            "--videos_manifest=V": {"videos_manifest": "V"},
            "--checksum": {"checksum": True},
        },
    ),
    "visualize filters": (
        FiltersConfig,
        ["--out=O.png"],
        {"--out=P.svg": {"out": "P.svg"}, "--model=M": {"model": "M"}},
    ),
    "visualize units": (
        UnitsConfig,
        ["--inputs=I", "--out=O"],
        {
            "--inputs=J": {"inputs": "J"},
            "--out=P": {"out": "P"},
            "--labels=L": {"labels": "L"},
            "--labels=L --dataset=esc50": {"labels": "L", "dataset": "esc50"},
            "--data=D instead of --inputs": {"data": "D", "inputs": None},
            "--model=M": {"model": "M"},
            "--layer=conv5": {"layer": "conv5"},
            "--units=3,17": {"units": ("3", "17")},
            "--top=4": {"top": 4},
            "--shown=5": {"shown": 5},
            "--channel=first": {"channel": "first"},
            "--audio_stream=1": {"audio_stream": 1},
        },
    ),
    "visualize map": (
        MapConfig,
        ["--inputs=I", "--out=O"],
        {
            "--inputs=J": {"inputs": "J"},
            "--out=P": {"out": "P"},
            "--labels=L": {"labels": "L"},
            "--labels=L --dataset=esc50": {"labels": "L", "dataset": "esc50"},
            "--label_column=C": {"label_column": "C"},
            "--data=D instead of --inputs": {"data": "D", "inputs": None},
            "--model=M": {"model": "M"},
            "--layer=conv5": {"layer": "conv5"},
            "--teacher=T": {"teacher": "T"},
            "--playable=5": {"playable": 5},
            "--noatlas": {"atlas": False},
            "--channel=first": {"channel": "first"},
            "--audio_stream=1": {"audio_stream": 1},
        },
    ),
    "benchmark": (
        BenchmarkRunConfig,
        ["--out=O"],
        {
            "--out=P": {"out": "P"},
            "--suite=step": {"suite": "step"},
            "--repeats=7": {"benchmark.rounds": 7},
            "--videos=V": {"benchmark.videos": "V"},
        },
    ),
    "demo": (
        DemoConfig,
        [],
        {
            "--videos=V": {"videos": "V"},
            "--out=P": {"out": "P"},
            "--imagenet_teacher=T": {"teachers.objects": "T"},
            "--places_teacher=U": {"teachers.scenes": "U"},
            "--epochs=3": {"epochs": 3},
            "--val_fraction=0.5": {"val_fraction": 0.5},
        },
    ),
}
CHANGES = [
    (command, given, changed)
    for command, (_, _, table) in COMMANDS.items()
    for given, changed in table.items()
]


def parsed(settings, given):
    values = flags.FlagValues()
    stage_flags.define(settings, values)
    assert values(["command", *given]) == ["command"]
    return stage_flags.read(settings, values)


def fields(settings, prefix=""):
    """All values by their dotted names."""
    flat = {}
    mapping = settings if isinstance(settings, Mapping) else vars(settings)
    for name, value in mapping.items():
        if dataclasses.is_dataclass(value) or isinstance(value, Mapping):
            flat |= fields(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


@pytest.mark.parametrize(("command", "given", "changed"), CHANGES)
def test_a_flag_changes_exactly_its_field(command, given, changed):
    settings, needed, _ = COMMANDS[command]
    given, _, left_out = given.partition(" instead of ")
    kept = [flag for flag in needed if flag.split("=")[0] != left_out]
    before = fields(parsed(settings, needed))
    after = fields(parsed(settings, [*kept, *given.split()]))
    names = before.keys() | after.keys()
    differing = {n: after.get(n) for n in names if before.get(n) != after.get(n)}
    assert differing == changed
    assert {type(v) for v in differing.values()} == {type(v) for v in changed.values()}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_stands_in_the_table(command):
    settings, _, table = COMMANDS[command]
    values = flags.FlagValues()
    own = {*values}
    stage_flags.define(settings, values)
    words = " ".join(table).replace(" instead of", "").split()
    named = {word.lstrip("-").split("=")[0] for word in words}
    named |= {name.removeprefix("no") for name in named if name.removeprefix("no") in values}
    assert {*values} - own == named & {*values}


@pytest.mark.parametrize("command", COMMANDS)
def test_without_flags_the_defaults_are_the_settings_own(command):
    """Only what has to be given is given to both."""
    settings, needed, _ = COMMANDS[command]
    values = flags.FlagValues()
    stage_flags.define(settings, values)
    for flag in values:
        default = values[flag].default
        assert values[flag].value == default and not values[flag].present
    found = parsed(settings, needed)
    for field in dataclasses.fields(settings):
        is_given = field.name in {flag.lstrip("-").split("=")[0] for flag in needed}
        if not is_given and field.default is not dataclasses.MISSING:
            assert getattr(found, field.name) == field.default


def test_flags_that_were_given_come_back_as_a_flagfile():
    values = flags.FlagValues()
    stage_flags.define(RunConfig, values)
    given = ["--data=D", "--out=O", "--gain_db=3", "--noflip", "--epochs=10"]
    values(["command", *given])
    text = stage_flags.as_text(SourceConfig, TrainConfig, values=values)
    assert text == "--data=D\n--epochs=10\n--noflip\n--gain_db=3.0\n"


@dataclasses.dataclass(frozen=True)
class _Numbers(Settings):
    numbers: tuple[int, ...] = setting("Some.", (1,))


def test_a_list_that_is_not_of_numbers_says_what_is():
    with pytest.raises(ValueError, match=r"--numbers=1,two; give numbers, such as 1 or 1,2"):
        parsed(_Numbers, ["--numbers=1,two"])


def test_a_flag_out_of_its_choices_or_missing_is_refused_while_parsing():
    with pytest.raises(flags.IllegalFlagValueError, match="loss=l3: .* one of <kl|l2>"):
        parsed(RunConfig, ["--data=D", "--out=O", "--loss=l3"])
    with pytest.raises(flags.IllegalFlagValueError, match="--out must have a value"):
        parsed(RunConfig, ["--data=D"])


def test_an_empty_flag_leaves_a_head_out():
    """Also the one that has a teacher by default."""
    assert parsed(DemoConfig, ["--imagenet_teacher=", "--places_teacher=P"]).teachers == {
        "scenes": "P"
    }
    assert parsed(RunConfig, ["--data=D", "--out=O", "--imagenet_teacher="]).train.teachers == {}
    with pytest.raises(ValueError, match="no teacher was given"):
        parsed(LabelConfig, ["--data=D", "--imagenet_teacher="])
