"""What the figures were measured on."""

import importlib.metadata
import os
import pathlib
import platform
import shutil
import subprocess


def facts() -> dict[str, str]:
    """`machine.*`: processor, cores, memory, GPUs, system, and versions of what computes."""
    memory_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "machine.processor": _processor(),
        "machine.cores": str(os.cpu_count()),
        "machine.memory": f"{memory_bytes / 2**30:.0f} GB",
        "machine.accelerator": _accelerator(),
        "machine.system": f"{platform.system()} {platform.machine()}",
        "machine.python": platform.python_version(),
        **{f"machine.{name}": importlib.metadata.version(name) for name in ("tensorflow", "keras")},
    }


def sentence(facts: dict[str, str]) -> str:
    """The facts for people, in one line."""
    return (
        "{processor}, {cores} cores, {memory} of memory, {accelerator}, {system}; Python {python}, "
        "TensorFlow {tensorflow}, Keras {keras}"
    ).format(**{name.removeprefix("machine."): value for name, value in facts.items()})


def _processor() -> str:
    if platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    for line in pathlib.Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()  # ARM's cpuinfo names no model


def _accelerator() -> str:
    """The GPUs that NVIDIA's driver tells of."""
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    if shutil.which(command[0]) is None:
        return "no GPU"
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return ", ".join(told.stdout.splitlines()) or "no GPU"
