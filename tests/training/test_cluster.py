"""Who is believed to say which workers there are, and what they agree on."""

import json

import pytest
import tensorflow as tf

from soundnet_tf.data.order import ALL, Share
from soundnet_tf.training import cluster
from soundnet_tf.training.settings import ClusterConfig

TWO = {"worker": ["a:1", "b:2"]}
VARIABLES = ("TF_CONFIG", "SLURM_STEP_NUM_TASKS")


@pytest.fixture(autouse=True)
def made(monkeypatch):
    """Names of strategies that would have been made, and what each was given."""
    found = []
    for name in ("MultiWorkerMirroredStrategy", "MirroredStrategy"):

        def make(*given, name=name):
            found.append((name, *(r.cluster_spec().as_dict()["worker"] for r in given)))
            return tf.distribute.get_strategy()

        monkeypatch.setattr(tf.distribute, name, make)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return found


@pytest.fixture
def tf_config(monkeypatch):
    def put(index, **tasks):
        task = {"type": next(iter(tasks)), "index": index}
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": tasks, "task": task}))

    return put


@pytest.fixture
def slurm(monkeypatch):
    """Four tasks on two machines, which Slurm sorts by number; this is the last of the first. None
    of them has the program nvidia-smi."""
    for name, value in {
        "SLURM_STEP_NUM_TASKS": "4",
        "SLURM_PROCID": "2",
        "SLURM_LOCALID": "2",
        "SLURMD_NODENAME": "n9",
        "SLURM_STEP_NODELIST": "n[9-10]",
        "SLURM_STEP_TASKS_PER_NODE": "3,1",
        "PATH": "",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def gpus(monkeypatch, count):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind] * count)


MULTI, MIRRORED = "MultiWorkerMirroredStrategy", "MirroredStrategy"


def test_the_flags_come_before_tf_config(tf_config, made):
    tf_config(0, worker=["x:1", "y:1"])
    built = cluster.build(ClusterConfig(hosts=("a:1", "b:2", "c:3"), task=1))
    assert built.share == Share(1, 3) and not built.is_chief
    assert made == [(MULTI, ["a:1", "b:2", "c:3"])]


def test_tf_config_comes_before_slurm(tf_config, slurm, made):
    tf_config(1, worker=["x:1", "y:1"])
    assert cluster.build(ClusterConfig()).share == Share(1, 2)
    assert made == [(MULTI, ["x:1", "y:1"])]


def test_slurm_tells_hosts_and_task(slurm, made, monkeypatch):
    """All processes number them alike, whatever their ranks are: TensorFlow sorts n10 before n9."""
    hosts = ["n10:8888", "n9:8888", "n9:8889", "n9:8890"]
    assert cluster.build(ClusterConfig(strategy="multiworker")).share == Share(3, 4)
    for name, value in {"PROCID": "3", "LOCALID": "0"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    monkeypatch.setenv("SLURMD_NODENAME", "n10")
    assert cluster.build(ClusterConfig()).share == Share(0, 4)
    assert made == [(MULTI, hosts)] * 2


@pytest.mark.parametrize(
    ("count", "bound", "seen"),
    [(0, False, None), (2, False, None), (6, False, [4, 5]), (7, False, [4, 5]), (3, True, None)],
)
def test_the_tasks_of_a_machine_divide_its_gpus(slurm, monkeypatch, count, bound, seen):
    """The third of three takes the third part; none, if Slurm has given each its own, or if there
    are fewer than tasks, which then are its own too."""
    taken = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(range(count)))
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda gpus, kind: taken.append(gpus))
    if bound:
        monkeypatch.setenv("SLURM_GPUS_PER_TASK", "3")
    cluster.build(ClusterConfig())
    assert taken == ([] if seen is None else [seen])


@pytest.mark.parametrize("hosts", [(), ("a:1", "b:2")])
def test_workers_compute_on_the_gpus_that_they_see(slurm, monkeypatch, hosts):
    """Of Slurm, and of the flags: TensorFlow's strategy asks the resolver how many there are."""
    asked = []
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [kind] * 2)
    monkeypatch.setattr(
        tf.distribute,
        MULTI,
        lambda resolver: asked.append(resolver.num_accelerators()) or tf.distribute.get_strategy(),
    )
    cluster.build(ClusterConfig(hosts=hosts, task=0 if hosts else None))
    assert asked == [{"GPU": 2}]


@pytest.mark.parametrize("strategy", ["auto", "none"])
def test_a_single_worker_is_none(tf_config, monkeypatch, made, strategy):
    """Of TF_CONFIG, as services set it also for one machine, and of Slurm."""
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "1")
    assert cluster.build(ClusterConfig(strategy=strategy)).share == ALL
    tf_config(0, worker=["x:1"])
    assert cluster.build(ClusterConfig(strategy=strategy)).share == ALL
    assert made == []


def test_a_single_worker_is_one_if_it_is_asked_for(tf_config, slurm, made, monkeypatch):
    tf_config(0, worker=["a:1"])
    assert cluster.build(ClusterConfig(strategy="multiworker")).share == Share(0, 1)
    monkeypatch.delenv("TF_CONFIG")
    for name, value in {"NUM_TASKS": "1", "NODELIST": "n9", "TASKS_PER_NODE": "1"}.items():
        monkeypatch.setenv(f"SLURM_STEP_{name}", value)
    monkeypatch.setenv("SLURM_LOCALID", "0")
    assert cluster.build(ClusterConfig(strategy="multiworker")).share == Share(0, 1)
    assert made == [(MULTI, ["a:1"]), (MULTI, ["n9:8888"])]


def test_a_task_that_slurm_does_not_place_is_refused(slurm, monkeypatch):
    monkeypatch.setenv("SLURMD_NODENAME", "n11")
    with pytest.raises(
        ValueError, match=r"SLURMD_NODENAME is n11, SLURM_LOCALID 2\); start it with"
    ):
        cluster.build(ClusterConfig())


@pytest.mark.parametrize("nothing", ["", "{}", "[]", '{"environment": "cloud"}'])
def test_a_tf_config_without_a_cluster_is_none(monkeypatch, made, nothing):
    monkeypatch.setenv("TF_CONFIG", nothing)
    assert cluster.build(ClusterConfig()).share == ALL and made == []


@pytest.mark.parametrize(
    "config",
    [
        "{",
        "3",
        json.dumps({"cluster": TWO}),
        json.dumps({"cluster": TWO, "task": {"type": "worker"}}),
        json.dumps({"cluster": TWO, "task": {"type": "worker", "index": 2}}),
        json.dumps({"cluster": TWO, "task": {"type": "worker", "index": -1}}),
        json.dumps({"cluster": TWO, "task": {"type": "worker", "index": "x"}}),
        json.dumps({"cluster": TWO, "task": {"type": "chief", "index": 0}}),
        json.dumps({"cluster": TWO | {"ps": ["c:1"]}, "task": {"type": "worker", "index": 0}}),
        json.dumps({"cluster": 5, "task": {"type": "worker", "index": 0}}),
    ],
)
def test_a_tf_config_that_cannot_be_understood_is_named(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match="TF_CONFIG"):
        cluster.build(ClusterConfig())


def test_other_tasks_than_workers_are_refused(tf_config):
    tf_config(0, chief=["x:1"], worker=["y:1"])
    with pytest.raises(ValueError, match=r"TF_CONFIG names \['chief', 'worker'\]; all tasks have"):
        cluster.build(ClusterConfig())


def test_workers_that_nobody_names_are_asked_for():
    with pytest.raises(ValueError, match="give --hosts and --task, or set TF_CONFIG"):
        cluster.build(ClusterConfig(strategy="multiworker"))


@pytest.mark.parametrize(("strategy", "expected"), [("none", []), ("mirrored", [(MIRRORED,)])])
def test_who_wants_no_workers_gets_none(tf_config, made, strategy, expected):
    """Though TF_CONFIG names some, for another job of the same machine."""
    tf_config(1, worker=["x:1", "y:1"])
    assert cluster.build(ClusterConfig(strategy=strategy)).share == ALL
    assert made == expected


@pytest.mark.parametrize(
    ("strategy", "count", "expected"),
    [("auto", 1, []), ("auto", 2, [(MIRRORED,)]), ("none", 2, []), ("mirrored", 1, [(MIRRORED,)])],
)
def test_all_gpus_of_a_machine_are_taken_if_there_are_several(
    monkeypatch, made, strategy, count, expected
):
    gpus(monkeypatch, count)
    assert cluster.build(ClusterConfig(strategy=strategy)).is_chief
    assert made == expected


def test_one_wish_of_several_is_enough():
    """The strategy here has one replica, so that the sum is its own wish: 1 or 0."""
    alone = cluster.Cluster(tf.distribute.get_strategy(), Share(0, 2))
    assert alone.any(True) is True and alone.any(False) is False
