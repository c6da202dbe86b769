"""Every private name and module of Keras and TensorFlow that the package uses is on a list; what it
needs of each, `test_private_apis` tests. WORKSPACE.md has the table of both."""

import ast

from import_graph import all_imports, first_party

PRIVATE_NAMES = {
    ("soundnet_tf.training.monitor", "_initial_epoch"),
    ("soundnet_tf.training.distiller", "_maybe_symbolic_build"),
    ("soundnet_tf.training.optimizer", "_all_reduce_sum_gradients"),
    ("soundnet_tf.training.optimizer", "_get_variable_index"),
    ("soundnet_tf.training.optimizer", "_momentums"),
    ("soundnet_tf.training.optimizer", "_model_variables_moving_average"),
    ("soundnet_tf.training.optimizer", "_stateful_handle_non_finite_grads"),
    ("soundnet_tf.training.optimizer", "_velocities"),
}
PRIVATE_MODULES = {
    ("soundnet_tf.serving.export.litert", "tensorflow.lite.python"),
    ("soundnet_tf.serving.export.litert", "tensorflow.lite.tools"),
    ("soundnet_tf.data.audio_ops", "tensorflow_io.python.ops"),
}
OPEN = {"_asdict", "_replace", "_exit"}  # documented, of Python's own library


def private_names(code):
    """Names that begin with one underscore, are read of an object or defined as a method, and are
    neither made in this code nor called in it by its own objects only."""
    nodes = list(ast.walk(ast.parse(code)))
    made = {n.attr for n in nodes if isinstance(n, ast.Attribute) and _is_own(n, ast.Store)}
    methods = {n.name for n in nodes if isinstance(n, ast.FunctionDef)}
    used = {
        n.attr
        for n in nodes
        if isinstance(n, ast.Attribute)
        and not (_is_own(n, ast.Load | ast.Store | ast.Del) and n.attr in made | methods)
    }
    called = {n.attr for n in nodes if isinstance(n, ast.Attribute)}
    called |= {n.id for n in nodes if isinstance(n, ast.Name)}
    found = used | (methods - called)  # a method that nobody here calls overrides another's
    return {n for n in found if n.startswith("_") and not n.startswith("__")} - OPEN


def _is_own(node, context):
    of_self = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
    return of_self and isinstance(node.ctx, context)


def test_every_private_name_is_on_the_list():
    found = {
        (module, name)
        for module, path in first_party().items()
        for name in private_names(path.read_text("utf-8"))
    }
    assert found == PRIVATE_NAMES


def test_every_private_module_is_on_the_list():
    inner = ("tensorflow.python", "tensorflow.lite", "tensorflow_io.python", "keras.src")
    found = {(i.module, i.target) for i in all_imports() if i.target.startswith(inner)}
    assert found == PRIVATE_MODULES


def test_a_private_name_is_found():
    code = "class A(B):\n def _hook(self):\n  self._own = model._inner + self._theirs + self._own\n"
    assert private_names(code) == {"_hook", "_inner", "_theirs"}
