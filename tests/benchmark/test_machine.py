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
