"""Settings of a training run; without TensorFlow."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from soundnet_tf.data.batch_settings import AUTO, ONLINE, PipelineConfig, SourceConfig
from soundnet_tf.data.settings import check_teachers, teachers_by_head
from soundnet_tf.files import storage
from soundnet_tf.models.architecture import ARCHITECTURES
from soundnet_tf.models.settings import FLOAT32, PRECISIONS, check_student
from soundnet_tf.settings import Setting, Settings, by_head, setting
from soundnet_tf.sounds.settings import CSV, DATASETS, check_sounds
from soundnet_tf.training.board.settings import BoardConfig

KL, L2 = "kl", "l2"
MEAN, PAPER = "mean", "paper"
TIME, INDEX = "time", "index"
CONSTANT, COSINE = "constant", "cosine"
NONE, MIRRORED, MULTIWORKER = "none", "mirrored", "multiworker"


@dataclass(frozen=True)
class DistillConfig(Settings):
    """What is minimised.

    Attributes:
        loss: "kl" or "l2", see `losses`.
        reduction: "mean" or "paper", see `losses.head_loss`.
        alignment: "time" or "index", see `alignment.align`.
        temperature: softens teacher and student alike.
        weights: head name to the weight of its loss; a head that is not named weighs 1.
        mix_share: of the clips, that are heard and seen together with another one, see `mixing`.
        shuffled_pairs: train on the targets of other videos' clips, see `pairs`. What a network
            learns so, it does not owe to seeing.
    """

    loss: str = setting("What to minimise.", KL, choices=(KL, L2))
    reduction: str = setting(
        "Mean over steps, or as the released code weighed them.", MEAN, choices=(MEAN, PAPER)
    )
    alignment: str = setting(
        "Pair frames with outputs by time, or as the paper did.", TIME, choices=(TIME, INDEX)
    )
    temperature: float = setting("Softens teacher and student.", 1.0, above=0)
    weights: Mapping[str, float] = by_head(
        objects=Setting(
            "Weight of the objects head's loss.", 1.0, "objects_weight", bounds={"at_least": 0}
        ),
        scenes=Setting(
            "Weight of the scenes head's loss.", 1.0, "scenes_weight", bounds={"at_least": 0}
        ),
    )
    mix_share: float = setting(
        "Share of the clips that are mixed with another one, their targets too.",
        0.0,
        at_least=0,
        at_most=1,
    )
    shuffled_pairs: bool = setting(
        "A control: train each clip on the targets of another video's clip.", False
    )


@dataclass(frozen=True)
class OptimizerConfig(Settings):
    """How weights are moved.

    Attributes:
        learning_rate: at its highest. The student's kernels begin at N(0, 0.01), and Adam moves
            each weight by about the rate: the paper's 1e-3 is a tenth of a weight a step, after
            which a small run hears worse than an untrained network.
        schedule: "constant", or "cosine" down to 0 at the last step.
        warmup_steps: steps in which the learning rate rises linearly from 0.
        head_warmup_steps: steps in which only the heads move and the trunk stays as it is.
        trunk_scale: the trunk's learning rate as a share of the heads'.
        clip_norm: longest gradient over all weights; 0 leaves gradients as they are.
        ema_momentum: of an exponential moving average of the weights, which validation and the
            saved students then use; 0 for none.
    """

    learning_rate: float = setting(
        "Adam's learning rate (paper: 1e-3, for 100 000 steps of 64 clips).", 1e-4, at_least=0
    )
    schedule: str = setting("Of the learning rate.", CONSTANT, choices=(CONSTANT, COSINE))
    warmup_steps: int = setting("Steps in which the rate rises from 0.", 0, at_least=0)
    head_warmup_steps: int = setting(
        "Steps in which only the heads learn, for heads that start fresh.", 0, at_least=0
    )
    trunk_scale: float = setting("The trunk's rate as a share of the heads'.", 1.0, at_least=0)
    clip_norm: float = setting("Longest gradient over all weights; 0: any.", 0.0, at_least=0)
    ema_momentum: float = setting(
        "Average the weights with this momentum; 0: don't.", 0.0, at_least=0, below=1
    )


@dataclass(frozen=True)
class TrainConfig(Settings):
    """Everything that decides what a run learns, but its data.

    Attributes:
        teachers: head ("objects", "scenes") to a teacher's spec, see `models.teachers.teacher`.
            With cached targets they need not be given: they only say which heads are trained, and
            whose posteriors the shards should hold.
        epochs: so many times the student learns, is validated and saved.
        steps: if given, as many epochs as these steps need, instead of `epochs`.
        validate_every: steps of an epoch; None: as many as make up one pass over the clips.
        architecture: "soundnet8" or "soundnet5".
        init_from: None for random weights, "published", or a folder that training or export wrote.
        freeze_batch_norm: keep batch norms as they are.
        precision: of what the student computes, see `models.settings.PRECISIONS`; its weights,
            softmax and loss are float32. With float16 the loss is scaled, see `optimizer`.
        seed: of weights, shuffling and augmentation.
        baseline_clips: training clips that the constant baseline is the mean of.
    """

    teachers: Mapping[str, str] = teachers_by_head()
    epochs: int = setting("Times that it learns, validates and saves.", 10, at_least=1)
    steps: int | None = setting(
        "Train for so many steps, rounded up to whole epochs, instead of --epochs.",
        None,
        at_least=1,
    )
    validate_every: int | None = setting(
        "Steps of an epoch, after which it validates and saves; default: as many as see every clip "
        "once. More where clips are few, fewer where they are millions.",
        None,
        at_least=1,
    )
    architecture: str = setting(
        "The student.", "soundnet8", flag="model", choices=tuple(ARCHITECTURES)
    )
    init_from: str | None = setting(
        "Start from these weights: published, or RUN/best or the like.", None
    )
    freeze_batch_norm: bool = setting(
        "Keep batch norms as they are; for few clips or small batches.", False
    )
    precision: str = setting(
        "Of what the student computes; for GPUs and CPUs that multiply 16 bits faster.",
        FLOAT32,
        choices=PRECISIONS,
    )
    seed: int = setting("Of weights, shuffling and augmentation.", 0)
    baseline_clips: int = 2000
    pipeline: PipelineConfig = PipelineConfig()
    distill: DistillConfig = DistillConfig()
    optimizer: OptimizerConfig = OptimizerConfig()

    def __post_init__(self):
        super().__post_init__()
        minimum_secs = ARCHITECTURES[self.architecture].heads.minimum_secs
        if self.pipeline.crop_secs < minimum_secs:
            raise ValueError(
                f"a crop of {self.pipeline.crop_secs} s gives no output step; "
                f"{self.architecture} needs at least {minimum_secs:.2f} s"
            )
        if self.distill.shuffled_pairs and self.pipeline.batch_size == 1:
            raise ValueError(
                "shuffled_pairs gives a clip the targets of another one of its batch; batch_size "
                "has to be above 1"
            )

    def steps_per_epoch(self, clips: int) -> int:
        """After how many steps on so many training clips it is validated and saved."""
        return self.validate_every or clips // self.pipeline.batch_size

    def end(self, clips: int) -> int:
        """How many steps the run has: whole epochs."""
        steps_per_epoch = self.steps_per_epoch(clips)
        epochs = -(-self.steps // steps_per_epoch) if self.steps else self.epochs
        return epochs * steps_per_epoch

    def check_inputs(self) -> None:
        super().check_inputs()
        check_teachers(self.teachers)
        if self.init_from is not None:
            check_student(self.init_from)


def _may_be_labelled(data: str | None) -> bool:
    """Whether prepared clips have posteriors of some head; remote ones are left to the stage."""
    from soundnet_tf.data import cached, manifest

    if data is None:  # videos
        return False
    if storage.is_remote(data):
        return True
    splits = manifest.load_manifest(data).splits.values()
    return bool(cached.teachers_of(data, [shard for split in splits for shard in split.shards]))


def check_given(teachers: Mapping[str, str]) -> None:
    """ValueError if there is no teacher, of those that look at the frames in every step."""
    if not teachers:
        raise ValueError(
            "no teacher was given: at least one head needs one to learn from, or shards with "
            "posteriors (bin/label.py)"
        )


@dataclass(frozen=True)
class ProbeConfig(Settings):
    """Labelled sounds that tell, while a network learns, what its layers are worth.

    Attributes:
        data: folder or manifest of the set, see `sounds.esc_dcase.load`; None: there are none.
        dataset: "esc10", "esc50", "dcase" or "csv".
        every: epochs from one look to the next.
    """

    data: str | None = setting(
        "Labelled sounds to probe the student's layers with while it learns, as --data of "
        "bin/evaluate.py.",
        None,
        flag="probe_data",
    )
    dataset: str = setting("What --probe_data holds.", CSV, flag="probe_dataset", choices=DATASETS)
    every: int = setting(
        "Probe after every so many epochs, and after the last.", 5, flag="probe_every", at_least=1
    )

    def check_inputs(self) -> None:
        super().check_inputs()
        if self.data is not None:
            check_sounds(self.dataset, self.data)


@dataclass(frozen=True)
class ClusterConfig(Settings):
    """Who trains together. It decides nothing of what is learned: a run may go on with another.

    Attributes:
        strategy: "mirrored": all GPUs of this machine; "multiworker": processes, on as many
            machines as one likes, that are started with the same flags but for `task`; "none": one
            device; "auto": what there is.
        hosts: "host:port" of each worker; none: TF_CONFIG or Slurm tell.
        task: which of them this process is, from 0.
    """

    strategy: str = setting(
        "auto: the workers that --hosts, TF_CONFIG or Slurm name, else all GPUs, else one device.",
        AUTO,
        choices=(AUTO, NONE, MIRRORED, MULTIWORKER),
    )
    hosts: tuple[str, ...] = setting("Workers, host:port with commas; all read --data.", ())
    task: int | None = setting("Which of --hosts this process is, from 0.", None, at_least=0)

    def __post_init__(self):
        super().__post_init__()
        if (self.task is None) != (not self.hosts):
            raise ValueError("hosts and task go together: who the workers are, and which this is")
        if self.hosts and self.task >= len(self.hosts):
            raise ValueError(f"task {self.task} is none of {len(self.hosts)} hosts, from 0")


@dataclass(frozen=True)
class RunConfig(Settings):
    """A run with its data, its folder, who computes it and what looks on."""

    source: SourceConfig
    out: str = setting("Folder of the run.")
    cluster: ClusterConfig = ClusterConfig()
    checkpoint_every: int | None = setting(
        "Steps from one checkpoint to the next, from which a killed run goes on; default: as many "
        "as take five minutes. After every epoch there is one too.",
        None,
        at_least=1,
    )
    train: TrainConfig = TrainConfig()
    probe: ProbeConfig = ProbeConfig()
    board: BoardConfig = BoardConfig()

    def check_inputs(self) -> None:
        from soundnet_tf.training import claimed

        super().check_inputs()
        targets, data = self.train.pipeline.targets, self.source.data
        if targets == ONLINE or (targets == AUTO and not _may_be_labelled(data)):
            check_given(self.train.teachers)
        storage.check_folder(self.out)
        if not storage.is_remote(self.out):
            claimed.refuse_other_run(self.out, {"settings": dataclasses.asdict(self.train)})
