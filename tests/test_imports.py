"""Which module may import which: the arrows of the architecture point one way.

Read from the source of all modules (`import_graph`), so a new module is held to its room's rules;
what needs a running Python is at the end.
"""

import ast
import graphlib
import subprocess
import sys

import pytest
from import_graph import all_imports, first_party, imports_of, way_to

# What every room may use: numbers, names, the version, and how settings are written down.
BASE = {"soundnet_tf", "version", "constants", "labels", "settings"}

# A room is a folder of the package, or a module beside them. Each names the rooms that it may
# import besides itself and BASE; whatever is not named is an arrow that points the wrong way.
MAY_IMPORT = {
    "soundnet_tf": set(),
    "version": set(),
    "constants": set(),
    "settings": set(),
    "labels": set(),
    "files": set(),
    "pages": {"files"},
    "media": {"files"},
    "models": {"media", "files"},
    "data": {"media", "files"},
    "serving": {"models", "media", "pages", "files"},
    "inspection": {"serving", "data", "models", "media", "pages", "files"},
    "sounds": {"files", "media"},
    "training": {"evaluation", "sounds", "data", "models", "files"},
    "evaluation": {"sounds", "serving", "models", "media", "files"},
    "finetuning": {"training", "data", "sounds", "serving", "models", "files"},
    "simulation": {"sounds", "data", "media", "files"},
    "ablations": {"evaluation", "simulation", "sounds", "serving", "models", "data", "files"},
    "visualization": {
        "evaluation", "sounds", "serving", "data", "models", "media", "pages", "files",
    },
    "reporting": {
        "visualization", "evaluation", "training", "sounds", "serving", "models", "media", "pages",
        "files",
    },
    "hear": {"serving", "models", "media"},
    "demo_settings": {"files"},
    "demo": {
        "demo_settings", "reporting", "training", "serving", "data", "models", "media", "files",
    },
    "benchmark": {"training", "serving", "data", "models", "media", "files"},
    "bin": {
        "ablations", "benchmark", "data", "demo", "demo_settings", "evaluation", "files",
        "finetuning", "inspection", "models", "reporting", "serving", "sounds", "training",
        "visualization",
    },
}  # fmt: skip

EXCEPTIONS = {
    ("soundnet_tf.data.panel", "soundnet_tf.models.teachers.teacher"): (
        "labelling is a stage of data, in which teachers look at shards"
    ),
}

TENSORFLOW = {"tensorflow", "keras", "tensorflow_io", "tensorflow_hub", "tf_keras", "tensorboard"}
# Whole rooms, and modules elsewhere, that are imported by processes which decode, by the commands
# before they know their flags, or by people who only read labels.
WITHOUT_TENSORFLOW = {
    *("soundnet_tf", *BASE, "bin", "demo_settings", "files", "media", "pages", "sounds"),
}
MODULES_WITHOUT_TENSORFLOW = {
    "soundnet_tf.data.beam_pipeline",
    "soundnet_tf.data.claimed",
    "soundnet_tf.data.clips",
    "soundnet_tf.data.codecs",
    "soundnet_tf.data.manifest",
    "soundnet_tf.data.on_beam",
    "soundnet_tf.data.planning",
    "soundnet_tf.data.reasons",
    "soundnet_tf.data.videos",
    "soundnet_tf.data.workers",
    "soundnet_tf.evaluation.folder",
    "soundnet_tf.evaluation.linear",
    "soundnet_tf.evaluation.modern",
    "soundnet_tf.evaluation.probe",
    "soundnet_tf.evaluation.results",
    "soundnet_tf.evaluation.squared_hinge",
    "soundnet_tf.evaluation.svm",
    "soundnet_tf.finetuning.folder",
    "soundnet_tf.inspection.films",
    "soundnet_tf.inspection.page",
    "soundnet_tf.inspection.run",
    "soundnet_tf.inspection.stored",
    "soundnet_tf.models.architecture",
    "soundnet_tf.models.filters",
    "soundnet_tf.models.weights.packages",
    "soundnet_tf.serving.extraction.feature_file",
    "soundnet_tf.serving.extraction.parts",
    "soundnet_tf.serving.file_names",
    "soundnet_tf.training.claimed",
    "soundnet_tf.visualization.placing",
}
KNOWN = first_party()
IMPORTS = all_imports()


def room(module):
    """The folder or top module of the package that a first-party module is in."""
    parts = module.split(".")
    return parts[1] if parts[0] == "soundnet_tf" and len(parts) > 1 else parts[0]


def is_ours(module):
    return module.split(".")[0] in ("soundnet_tf", "benchmark")


def is_settings(module):
    return module.split(".")[-1] in ("settings", "batch_settings", "demo_settings")


def wrong_arrows(imports):
    """Imports from one room to another that the table does not allow. Settings may be made of other
    rooms' settings."""
    return [
        (found.module, found.target)
        for found in imports
        if is_ours(found.target)
        and room(found.target) not in {room(found.module), *BASE, *MAY_IMPORT[room(found.module)]}
        and not (is_settings(found.module) and is_settings(found.target))
    ]


def test_every_room_is_known():
    assert len(KNOWN) > 100
    unknown = sorted({room(module) for module in KNOWN} - MAY_IMPORT.keys())
    assert not unknown, f"give {unknown} a line in MAY_IMPORT: what may it import?"


def test_the_table_has_no_circle():
    """There is an order of rooms in which each imports only those before it."""
    graphlib.TopologicalSorter(MAY_IMPORT).prepare()


def test_arrows_point_one_way():
    assert sorted(set(wrong_arrows(IMPORTS))) == sorted(EXCEPTIONS)


def test_what_is_used_knows_nothing_of_how_it_was_trained():
    """The table itself: nothing right of the export reaches training code through any room."""
    for start in ("models", "serving", "sounds", "evaluation", "hear"):
        reached, waiting = set(), [start]
        while waiting:
            reached.add(waiting.pop())
            waiting += {target for r in reached for target in MAY_IMPORT[r]} - reached
        assert not reached & {"training", "data", "finetuning", "ablations", "bin", "benchmark"}


def test_a_wrong_arrow_is_found_wherever_it_stands():
    """In a function, and relative: `..training` of soundnet_tf.models.student."""
    code = (
        "from soundnet_tf import data\n"
        "def f():\n"
        "    from ..training import loop\n"
        "    import benchmark.run\n"
    )
    found = wrong_arrows(imports_of(code, "soundnet_tf.models.student", False, KNOWN))
    assert [target for _, target in found] == [
        "soundnet_tf.data",
        "soundnet_tf.training.loop",
        "benchmark.run",
    ]


def test_no_import_is_hidden_from_these_tests():
    """Modules are found by their names only by the top of the package, for its public names, which
    the package itself does not use, by the binaries' entry, and by the benchmark's processes."""
    for module, path in KNOWN.items():
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        names = {getattr(node, "attr", getattr(node, "id", None)) for node in nodes}
        if room(module) not in ("soundnet_tf", "bin", "benchmark"):
            assert not names & {"import_module", "__import__", "run_module", "run_path"}, module
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module == "soundnet_tf":
                for alias in node.names:
                    assert f"soundnet_tf.{alias.name}" in KNOWN, f"{module}: {alias.name}"


def test_binaries_import_a_stage_only_when_they_run_it():
    """Of our own at module level: settings, and what binaries share."""
    eager = [found for found in IMPORTS if room(found.module) == "bin" and not found.is_lazy]
    others = [i for i in eager if is_ours(i.target) and room(i.target) not in ("bin", *BASE)]
    assert not [found for found in others if not is_settings(found.target)]


def should_be_without_tensorflow():
    return sorted(
        module
        for module in KNOWN
        if room(module) in WITHOUT_TENSORFLOW
        or module in MODULES_WITHOUT_TENSORFLOW
        or is_settings(module)
    )


def test_decoding_labels_and_settings_need_no_tensorflow():
    """Nor does anything that they import at module level."""
    assert KNOWN.keys() >= MODULES_WITHOUT_TENSORFLOW
    ways = {m: way_to(m, TENSORFLOW, IMPORTS) for m in should_be_without_tensorflow()}
    assert not [" > ".join(way) for way in ways.values() if way]


def test_the_way_to_tensorflow_is_found_through_other_modules():
    assert way_to("soundnet_tf.data.pipeline", TENSORFLOW, IMPORTS)[-1] == "tensorflow"
    assert way_to("soundnet_tf.demo", {"h5py"}, IMPORTS)[-1] == "h5py"


def modules_after(statement):
    script = f"{statement}; import sys; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement", ["import soundnet_tf", "import soundnet_tf.data.clips, soundnet_tf.labels"]
)
def test_python_itself_finds_no_tensorflow_there(statement):
    """Nor does any package that these import."""
    assert not TENSORFLOW & modules_after(statement)


def test_using_a_student_loads_no_training_code():
    """Everything that serves, in one process."""
    loaded = modules_after(
        "import soundnet_tf.hear, soundnet_tf.serving.export.run, "
        "soundnet_tf.serving.extraction.run, soundnet_tf.serving.recognition_report"
    )
    assert not {m for m in loaded if m.startswith(("soundnet_tf.training", "soundnet_tf.data"))}


def test_public_names_are_found_on_first_use():
    import soundnet_tf

    assert soundnet_tf.SoundNet8.__module__ == "soundnet_tf.models.student"
    with pytest.raises(AttributeError, match="SoundNet9"):
        soundnet_tf.SoundNet9  # noqa: B018
