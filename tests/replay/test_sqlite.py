"""The store in a file: each key once, among threads, processes, restarts, forks, faults and clocks."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread

import pytest

from policyjwt.errors import StoreUnavailable
from policyjwt.replay import SqliteReplayStore
from policyjwt.replay import sqlite as module
from policyjwt.replay.sqlite import GRACE
from tests.replay.test_memory import Clock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "replay.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteReplayStore]:
    with SqliteReplayStore(path) as opened:
        yield opened


def test_the_first_use_is_true_and_every_later_one_false(store: SqliteReplayStore, path: Path) -> None:
    assert store.consume(b"a", 60, b"first") is True
    assert store.consume(b"a", 60, b"second") is False
    assert store.consume(b"b", 60, b"") is True
    assert store.first(b"a") == b"first"
    assert store.first(b"c") is None
    assert repr(store) == f"<SqliteReplayStore at {path}>"


def test_a_restart_forgets_nothing(path: Path) -> None:
    with SqliteReplayStore(path) as store:
        assert store.consume(b"a", 60, b"first")
    with SqliteReplayStore(path) as store:
        assert store.consume(b"a", 60, b"") is False
        assert store.first(b"a") == b"first"


def test_the_file_is_for_its_owner_alone_and_survives_a_power_cut(store: SqliteReplayStore, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store.consume(b"a", 60, b"")
    for beside in path.parent.iterdir():
        assert stat.S_IMODE(beside.stat().st_mode) == 0o600, beside.name
    connection = store._connection
    assert connection is not None
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA application_id").fetchone() == (module._APPLICATION,)
    assert connection.execute("PRAGMA user_version").fetchone() == (module._VERSION,)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(path: Path, mode: int) -> None:
    path.touch()
    path.chmod(mode)
    with pytest.raises(StoreUnavailable, match="others may write to the replay store's file"):
        SqliteReplayStore(path)


def test_what_is_no_replay_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is no database, but it is long enough to be one" * 50)
    with pytest.raises(StoreUnavailable, match="does not answer"):
        SqliteReplayStore(tmp_path / "text")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE nonces (key)")
    other.close()
    with pytest.raises(StoreUnavailable, match="the file is no replay store of this version"):
        SqliteReplayStore(tmp_path / "other.db")
    newer = sqlite3.connect(tmp_path / "newer.db")
    newer.executescript(f"PRAGMA application_id = {module._APPLICATION}; PRAGMA user_version = 2")
    newer.close()
    with pytest.raises(StoreUnavailable, match="the file is no replay store of this version"):
        SqliteReplayStore(tmp_path / "newer.db")
    with pytest.raises(StoreUnavailable):
        SqliteReplayStore(tmp_path)
    with pytest.raises(StoreUnavailable):
        SqliteReplayStore(tmp_path / "missing" / "replay.db")
    with pytest.raises(StoreUnavailable, match="the replay store's path is no file"):
        SqliteReplayStore("/dev/null")


def test_a_closed_store_gives_no_answer(store: SqliteReplayStore) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreUnavailable, match="the replay store is closed"):
        store.consume(b"a", 60, b"")
    with pytest.raises(StoreUnavailable):
        store.first(b"a")


def test_a_busy_file_gives_no_answer(path: Path) -> None:
    with SqliteReplayStore(path, timeout=0.01) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            store.consume(b"a", 60, b"")
        other.execute("ROLLBACK")
        other.close()
        assert store.consume(b"a", 60, b"") is True


@pytest.mark.parametrize(
    "statement", ["DROP TABLE nonces", "DROP TABLE horizon", "DELETE FROM horizon", "UPDATE horizon SET at = 'x'"]
)
def test_a_damaged_file_gives_no_answer(path: Path, store: SqliteReplayStore, statement: str) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(statement)
    other.close()
    with pytest.raises(StoreUnavailable):
        store.consume(b"a", 60, b"")


def test_a_failed_commit_gives_no_answer_and_keeps_nothing(store: SqliteReplayStore, path: Path) -> None:
    connection = store._connection
    assert connection is not None
    connection.execute("PRAGMA max_page_count = 1")  # the disk is full
    with pytest.raises(StoreUnavailable, match="full"):
        store.consume(b"a", 60, b"x" * 100_000)
    assert not connection.in_transaction
    connection.execute("PRAGMA max_page_count = 1000000")
    assert store.first(b"a") is None
    assert store.consume(b"a", 60, b"") is True


def test_a_clock_set_forward_and_back_forgets_nothing_that_lives(path: Path) -> None:
    clock = Clock()
    start = clock.now
    with SqliteReplayStore(path, clock=clock) as store:
        assert store.consume(b"a", 600, b"")
        clock.now = start + 86_400
        assert store.consume(b"b", 600, b"")  # forgets `a`
    with SqliteReplayStore(path, clock=clock) as store:  # nor does a restart
        for now in (start, start + 300, start + 599):
            clock.now = now
            with pytest.raises(StoreUnavailable, match="the clock was set back"):
                store.consume(b"a", 600, b"")
        clock.now = start + 600
        assert store.consume(b"c", 600, b"") is True


def test_keys_are_held_past_their_time_and_then_forgotten(path: Path) -> None:
    clock = Clock()
    with SqliteReplayStore(path, clock=clock) as store:
        assert store.consume(b"a", 10, b"")
        clock.now += 10 + GRACE - 1
        assert store.consume(b"a", 10, b"") is False
        clock.now += 1
        assert store.consume(b"a", 10, b"") is True
        assert store._connection is not None
        assert store._connection.execute("SELECT count(*) FROM nonces").fetchone() == (1,)


def test_forgetting_is_done_in_small_steps(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_FORGOTTEN", 10)
    clock = Clock()
    with SqliteReplayStore(path, clock=clock) as store:
        for number in range(25):
            clock.now += 0.5
            assert store.consume(b"%d" % number, 10, b"")
        clock.now += 1000
        left = []
        for number in range(4):
            store.consume(b"new %d" % number, 10, b"")
            assert store._connection is not None
            left += store._connection.execute("SELECT count(*) FROM nonces").fetchone()
        assert left == [16, 7, 3, 4]


def test_a_clock_without_time_is_no_answer(path: Path) -> None:
    with SqliteReplayStore(path, clock=lambda: float("nan")) as store, pytest.raises(StoreUnavailable):
        store.consume(b"a", 10, b"")


@pytest.mark.parametrize("stores", [1, 4])
def test_of_many_threads_one_is_first(path: Path, stores: int) -> None:
    rounds, threads = 10, 64
    opened = [SqliteReplayStore(path, timeout=60) for _ in range(stores)]
    barrier = Barrier(threads)
    answers: list[list[bool]] = [[] for _ in range(rounds)]

    def work(store: SqliteReplayStore) -> None:
        for number in range(rounds):
            barrier.wait()
            answers[number].append(store.consume(b"%d" % number, 60, b""))

    workers = [Thread(target=work, args=(opened[number % stores],)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for store in opened:
        store.close()
    assert [(each.count(True), len(each)) for each in answers] == [(1, threads)] * rounds


_PROCESS = """
import sys
from policyjwt.replay import SqliteReplayStore
print("ready", flush=True)
sys.stdin.readline()
with SqliteReplayStore(sys.argv[1], timeout=60) as store:
    for number in range(int(sys.argv[2])):
        print(int(store.consume(b"%d" % number, 600, b"")))
"""


def test_of_two_processes_one_is_first(path: Path) -> None:
    """Both make the file at once, too."""
    rounds = 200
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, str(path), str(rounds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    answers = [worker.communicate()[0].split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert [sorted(pair) for pair in zip(*answers, strict=True)] == [["0", "1"]] * rounds


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_after_a_fork_parent_and_child_share_the_file(store: SqliteReplayStore) -> None:
    assert store.consume(b"a", 60, b"")
    with store._lock:  # held by another thread when the fork comes
        child = os.fork()
        if child == 0:
            answers = (store.consume(b"a", 60, b""), store.consume(b"b", 60, b""))
            os._exit(0 if answers == (False, True) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.consume(b"b", 60, b"") is False
    assert store.consume(b"c", 60, b"") is True
