"""What the figures were measured on."""

import os
import platform

import keras
import tensorflow as tf

from benchmark import machine


def test_facts_are_those_of_this_machine():
    facts = machine.facts()
    assert all(isinstance(value, str) and value for value in facts.values())
    assert facts["machine.cores"] == str(os.cpu_count())
    assert facts["machine.python"] == platform.python_version()
    assert facts["machine.tensorflow"] == tf.__version__
    assert facts["machine.keras"] == keras.__version__
    assert f"{facts['machine.processor']}, {os.cpu_count()} cores, " in machine.sentence(facts)


def test_gpus_are_those_that_the_driver_tells_of(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.facts()["machine.accelerator"] == "no GPU"
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA X1'\necho 'NVIDIA X2'\n")
    program.chmod(0o755)
    assert machine.facts()["machine.accelerator"] == "NVIDIA X1, NVIDIA X2"
    program.write_text("#!/bin/sh\necho 'no driver' >&2\nexit 9\n")
    assert machine.facts()["machine.accelerator"] == "no GPU"
