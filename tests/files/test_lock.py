"""Who holds a place, where kernels keep locks and where none does: one at a time, none for ever."""

import contextlib
import errno
import fcntl
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys

import pytest

from soundnet_tf.files import lease, lock, storage

HOLD_AND_WAIT = """
import errno, fcntl, sys
from soundnet_tf.files import lock
def no_locks(*_):
    raise OSError(errno.ENOLCK, "no locks available")
if sys.argv[2] == "lease":
    fcntl.flock = no_locks
with lock.hold_folder(sys.argv[1], "prepare"):
    print("holds it", flush=True)
    sys.stdin.read()
"""


def refuse_to_lock(*_):
    raise OSError(errno.ENOLCK, "no locks available")


@pytest.fixture(params=["local", "without locks", "memory", "s3"])
def folder(request, tmp_path, monkeypatch):
    if request.param == "without locks":
        monkeypatch.setattr(fcntl, "flock", refuse_to_lock)
    if request.param == "memory":
        return f"memory://lock-{secrets.token_hex(4)}"
    if request.param == "s3":
        return f"s3://{request.getfixturevalue('bucket')}"
    return str(tmp_path)


@pytest.fixture
def leases(tmp_path, monkeypatch):
    """A local folder in which there are leases only."""
    monkeypatch.setattr(fcntl, "flock", refuse_to_lock)
    return tmp_path


def write(path, content=b""):
    storage.make_folder(os.path.dirname(path))
    with storage.open_file(path, "wb") as file:
        file.write(content)


def assert_free(folder, hold=lock.hold_folder, **more):
    with hold(folder, "train", **more):
        pass


def test_the_second_is_refused_and_told_who_was_first(folder):
    place = f"{folder}/shards"
    with lock.hold_folder(place, "prepare"):
        for _ in range(2):  # it left nothing that would help it
            with pytest.raises(lock.HeldError) as refused, lock.hold_folder(place, "label"):
                raise AssertionError("it should not come to this")
        write(f"{place}/x")
    told = (
        rf"{re.escape(place)} is in use: prepare is writing there \(process {os.getpid()} on "
        rf"{re.escape(socket.gethostname())}, since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)\. Wait "
        rf"until it ends, end it \(.*kill {os.getpid()}\), or choose another folder"
    )
    assert re.match(told, str(refused.value))
    assert_free(place)
    assert storage.list_folder(place) == ["x"]


def test_while_it_is_held_there_are_hidden_files_and_then_none(folder):
    with pytest.raises(KeyError), lock.hold_folder(folder, "prepare"):
        names = storage.list_folder(folder)
        assert names and all(re.fullmatch(r"\.soundnet_tf.*\.lock", name) for name in names)
        assert storage.glob(f"{folder}/*-of-*") == storage.glob(f"{folder}/train-*") == []
        raise KeyError
    assert storage.list_folder(folder) == []


def test_a_file_and_a_folder_that_is_replaced_are_held_beside(folder):
    write(f"{folder}/model/x")
    with lock.hold_file(f"{folder}/model/", "export"):
        assert storage.list_folder(f"{folder}/model") == ["x"]
        with lock.hold_file(f"{folder}/x.npz", "extract"):
            names = [n for n in storage.list_folder(folder) if n != "model"]
            assert all(re.fullmatch(r"\.(model|x\.npz)(-[0-9a-f]{8})?\.lock", n) for n in names)
            with pytest.raises(lock.HeldError, match=r"/x\.npz is in use: extract"):
                assert_free(f"{folder}/x.npz", lock.hold_file)
        with pytest.raises(lock.HeldError, match="/model is in use: export"):
            assert_free(f"{folder}/model", lock.hold_file)
        assert_free(f"{folder}/x.npz", lock.hold_file)
    assert storage.list_folder(folder) == ["model"]


def test_different_parts_of_one_division_go_together(folder):
    with lock.hold_folder(folder, "label", (0, 3)):
        with lock.hold_folder(folder, "label", (2, 3)):
            for part in ((0, 3), (2, 3), (1, 2), None):
                refused = pytest.raises(lock.HeldError, match="label, part [02] of 3, is writing")
                with refused, lock.hold_folder(folder, "label", part):
                    raise AssertionError("it should not come to this")
            with pytest.raises(lock.HeldError), lock.hold_folder(folder, "prepare"):
                raise AssertionError("it should not come to this")
            with lock.hold_folder(folder, "label", (1, 3)):
                pass
        with lock.hold_folder(folder, "label", (2, 3)):
            pass
    refused = pytest.raises(lock.HeldError, match="prepare is writing")
    with lock.hold_folder(folder, "prepare"), refused, lock.hold_folder(folder, "label", (0, 3)):
        raise AssertionError("it should not come to this")
    assert storage.list_folder(folder) == []


def test_folders_that_were_made_go_again_if_nothing_came_into_them(tmp_path):
    with pytest.raises(ValueError), lock.hold_folder(f"{tmp_path}/a/b/c", "prepare"):
        raise ValueError
    assert os.listdir(tmp_path) == []
    with lock.hold_folder(f"{tmp_path}/a/b/c", "prepare"):
        write(f"{tmp_path}/a/x")
    assert storage.list_folder(f"{tmp_path}/a") == ["x"]
    os.mkdir(tmp_path / "empty")
    assert_free(f"{tmp_path}/empty")
    assert (tmp_path / "empty").is_dir()


def test_a_file_is_no_folder(tmp_path):
    write(f"{tmp_path}/x")
    with pytest.raises(FileExistsError, match=r"x: cannot be made a folder .* choose another"):
        assert_free(f"{tmp_path}/x")


def test_a_folder_that_goes_away_meanwhile_is_no_error(folder):
    with lock.hold_folder(f"{folder}/x", "prepare"):
        storage.remove_folder(f"{folder}/x")
    assert not storage.exists(f"{folder}/x")


@pytest.mark.parametrize("kind", ["lock", "lease"])
def test_what_a_killed_process_held_is_free_at_once(tmp_path, monkeypatch, kind):
    if kind == "lease":
        monkeypatch.setattr(fcntl, "flock", refuse_to_lock)
    command = [sys.executable, "-c", HOLD_AND_WAIT, str(tmp_path), kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(lock.HeldError, match=f"process {process.pid} on"):
            assert_free(str(tmp_path))
        process.kill()
        process.wait()
        assert os.listdir(tmp_path)
        assert_free(str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_a_processs_number_may_be_anothers_now(tmp_path):
    """Here ours: the kernel's lock is what counts."""
    left = lease.Holder.of_this_process("prepare").as_json()
    (tmp_path / ".soundnet_tf-0123abcd.lock").write_bytes(left)
    assert_free(str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_the_gate_is_tried_again_when_its_file_was_removed(tmp_path, monkeypatch):
    """The one who was there before removes the file when it leaves; then a lock on it is none."""
    gate = tmp_path / ".soundnet_tf.lock"
    with contextlib.ExitStack() as other:
        file = other.enter_context(open(gate, "w"))
        fcntl.flock(file, fcntl.LOCK_EX)
        pauses = []

        def leave(_):
            pauses.append(os.stat(gate).st_ino)
            gate.unlink()
            other.close()

        monkeypatch.setattr(lock.time, "sleep", leave)
        with lock.hold_folder(str(tmp_path), "prepare"):
            assert len(pauses) == 1
            with pytest.raises(lock.HeldError):
                assert_free(str(tmp_path))


def test_a_lock_on_a_file_without_a_name_is_none(tmp_path, monkeypatch):
    """Removed between opening and locking: another one takes its place."""
    gate, flock, opened = tmp_path / ".soundnet_tf.lock", fcntl.flock, []

    def meanwhile(file, kind):
        if file.name == str(gate) and not opened:
            opened.append(file)
            gate.unlink()
        flock(file, kind)

    monkeypatch.setattr(fcntl, "flock", meanwhile)
    monkeypatch.setattr(lock.time, "sleep", lambda _: None)
    with lock.hold_folder(str(tmp_path), "prepare"):
        assert gate.exists()
        with pytest.raises(lock.HeldError):
            assert_free(str(tmp_path))


def test_somebody_who_stands_in_the_gate_is_not_waited_for_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "_GATE_SECS", -1.0)
    with open(tmp_path / ".soundnet_tf.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(lock.HeldError, match="has been locked for .* choose another --out"):
            assert_free(str(tmp_path))


def write_lease(folder, name="7fffffff", state="held", **changes):
    """Of a run elsewhere, written just now."""
    me = lease.Holder.of_this_process("prepare")
    fields = json.loads(me.as_json(state=state, beat=lease.time.time()))
    fields |= {"host": "elsewhere", "machine": "elsewhere"} | changes
    path = folder / f".soundnet_tf-{name}.lock"
    path.write_text(json.dumps(fields))
    return path


def test_a_lease_of_another_machine_holds_until_it_is_old(leases, monkeypatch):
    path = write_lease(leases)
    with pytest.raises(lock.HeldError, match="on elsewhere.*killed elsewhere, it ends after 5 min"):
        assert_free(str(leases))
    now = os.stat(path).st_mtime
    os.utime(path, (now, now - lease.STALE_SECS - 60))
    assert_free(str(leases))
    assert os.listdir(leases) == []


def test_where_no_times_are_kept_the_leases_own_counts(leases, monkeypatch):
    monkeypatch.setattr(storage, "modified_ns", lambda path: 0)
    beat = lease.time.time() - lease.STALE_SECS
    write_lease(leases, beat=beat + 60)
    with pytest.raises(lock.HeldError):
        assert_free(str(leases))
    write_lease(leases, beat=beat - 60)
    assert_free(str(leases))


@pytest.mark.skipif(lease._machine() is None, reason="needs /proc, to tell processes apart")
def test_a_lease_of_this_machine_ends_with_its_process(leases):
    """No process has so high a number; ours began at another time than one of the same number."""
    mine = {"machine": lease._machine()}
    write_lease(leases, **mine)
    with pytest.raises(lock.HeldError):
        assert_free(str(leases))
    for gone in ({"process": 99_999_999, "started": None}, {"started": 1}):
        write_lease(leases, **mine | gone)
        assert_free(str(leases))


def test_half_a_lease_holds(leases):
    (leases / ".soundnet_tf-00000000.lock").write_bytes(b'{"stage": "pre')
    with pytest.raises(lock.HeldError, match="a run is writing there"):
        assert_free(str(leases))


@pytest.mark.parametrize(
    ("name", "then", "is_ours"),
    [("ffffffff", None, True), ("ffffffff", "held", False), ("00000000", None, False)],
)
def test_of_two_that_want_it_at_once_one_gets_it(leases, monkeypatch, name, then, is_ours):
    """Of a higher name: it gives way, or had looked before. Of a lower: we give way."""
    monkeypatch.setattr(lease.secrets, "token_hex", lambda _: "7fffffff")
    rival = write_lease(leases, name, "wanted")
    monkeypatch.setattr(
        lease.time, "sleep", lambda _: write_lease(leases, name, then) if then else rival.unlink()
    )
    with contextlib.nullcontext() if is_ours else pytest.raises(lock.HeldError):
        assert_free(str(leases))
    assert os.listdir(leases) == ([] if is_ours else [rival.name])


class Beats:
    """In the place of an Event: so many beats, then the end."""

    def __init__(self, count):
        self._left = count

    def wait(self, seconds):
        assert 10 * seconds <= lease.STALE_SECS
        self._left -= 1
        return self._left < 0


def test_a_lease_is_written_again_at_every_beat(folder):
    me, path = lease.Holder.of_this_process("prepare"), f"{folder}/.soundnet_tf-00000000.lock"
    write(path, me.as_json(state="held", beat=1.0))
    lease._beat(path, me, Beats(1))
    assert json.loads(storage.read_bytes(path))["beat"] > 1e9
    assert lease.Holder.from_json(storage.read_bytes(path)) == me


def test_a_run_whose_lease_was_taken_is_interrupted(leases, monkeypatch):
    interrupted = []
    monkeypatch.setattr(lease.signal, "raise_signal", interrupted.append)
    path = str(leases / ".soundnet_tf-00000000.lock")
    lease._beat(path, lease.Holder.of_this_process("prepare"), Beats(3))
    assert interrupted == [signal.SIGINT] and os.listdir(leases) == []


def test_a_beat_that_cannot_be_written_is_told(leases, monkeypatch, caplog):
    path = write_lease(leases)
    monkeypatch.setattr(lease, "_write", refuse_to_lock)
    lease._beat(str(path), lease.Holder.of_this_process("prepare"), Beats(1))
    assert "could not be renewed" in caplog.text
