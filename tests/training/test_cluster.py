"""Who trains together, by environment variables as clusters set them."""

import json

import pytest

from soundnet_tf.training import cluster
from soundnet_tf.training.settings import MULTIWORKER, ClusterConfig

TWO = {"worker": ["a:1", "b:2"]}


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch, tmp_path):
    """No GPU's tool is to be found either."""
    for name in ("TF_CONFIG", "SLURM_STEP_NUM_TASKS", "SLURMD_NODENAME", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


def found(strategy="auto"):
    """Addresses of the workers, and which of them this is."""
    resolver = cluster._resolver(ClusterConfig(strategy=strategy))
    return resolver and (resolver.cluster_spec().as_dict()["worker"], resolver.task_id)


def test_without_any_there_is_one():
    assert found() is None and found(MULTIWORKER) is None


def test_a_tf_config_says_who_the_workers_are(monkeypatch):
    config = {"cluster": TWO, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert found() == (["a:1", "b:2"], 1)


def test_a_single_worker_is_one_if_it_is_asked_for(monkeypatch):
    config = {"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert found() is None and found(MULTIWORKER) == (["a:1"], 0)


@pytest.mark.parametrize("nothing", ["", "{}", "[]", '{"environment": "cloud"}'])
def test_a_tf_config_without_a_cluster_is_none(monkeypatch, nothing):
    monkeypatch.setenv("TF_CONFIG", nothing)
    assert found() is None


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
        found()


def slurm(monkeypatch, nodes, tasks, procid, **others):
    variables = {"STEP_NODELIST": nodes, "STEP_TASKS_PER_NODE": tasks, "PROCID": procid}
    for name, value in (variables | {"STEP_NUM_TASKS": "3"}).items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    for name, value in others.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("gpus", [{}, {"CUDA_VISIBLE_DEVICES": "0"}])
def test_srun_tells_also_where_tasks_have_no_gpu_of_their_own(monkeypatch, gpus):
    """Two tasks on the first node and one on the second; ports count from TensorFlow's 8888."""
    slurm(monkeypatch, "n[1-2]", "2,1", "2", **gpus)
    assert found() == (["n1:8888", "n1:8889", "n2:8888"], 2)


def test_tasks_are_given_gpus_where_there_is_one_for_each(monkeypatch):
    slurm(monkeypatch, "n[1-2]", "2,1", "1", CUDA_VISIBLE_DEVICES="0,1")
    assert found() == (["n1:8888", "n1:8889", "n2:8888"], 1)
    assert cluster.os.environ["CUDA_VISIBLE_DEVICES"] == "1"


def test_nodes_that_are_not_in_the_order_of_their_names_are_refused(monkeypatch):
    """Slurm's first task is on n2; TensorFlow would take n10, before n2 as text, for its place."""
    slurm(monkeypatch, "n[2,10]", "2,1", "0", SLURMD_NODENAME="n2")
    with pytest.raises(ValueError, match="n10:8888 for Slurm's task 0, which is on n2"):
        found()
