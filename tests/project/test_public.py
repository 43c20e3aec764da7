"""The public names: there, lazy, and no more than promised."""

from __future__ import annotations

import subprocess
import sys

import pytest

import policyjwt


@pytest.mark.parametrize("name", policyjwt.__all__)
def test_a_public_name_is_there(name: str) -> None:
    assert getattr(policyjwt, name) is not None
    assert name in dir(policyjwt)


def test_sub_packages_are_reached_through_the_package() -> None:
    code = "import policyjwt as p; p.tokens.verify; p.tokens.KeySet; p.replay.MemoryReplayStore"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match=r"module 'policyjwt' has no attribute 'Enigne'"):
        policyjwt.__getattr__("Enigne")


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys; old = set(sys.modules); import policyjwt; print(*sorted(set(sys.modules) - old))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name.split(".")[0] for name in run.stdout.split()} <= {"policyjwt", "importlib", "warnings", "__future__"}
    assert not [name for name in run.stdout.split() if name.startswith("policyjwt.")]


def test_importing_the_stores_imports_no_client() -> None:
    """Nor when the stores in Redis are named: a service that has none of them needs none of their extras."""
    code = (
        "import sys; from policyjwt import replay; first = set(sys.modules);"
        "replay.RedisReplayStore, replay.AsyncRedisReplayStore, replay.PostgresReplayStore;"
        "print(*[name for name in ('asyncio', 'redis', 'psycopg') if name in first]);"
        "print(*[name for name in ('redis', 'psycopg') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "\n\n"


def test_each_name_of_the_stores_is_there() -> None:
    from policyjwt import replay

    assert [name for name in replay.__all__ if getattr(replay, name, None) is None] == []
    assert set(replay.__all__) <= set(dir(replay))
    with pytest.raises(AttributeError, match=r"module 'policyjwt.replay' has no attribute 'ReddisReplayStore'"):
        replay.__getattr__("ReddisReplayStore")


def test_the_command_line_starts_without_the_engine() -> None:
    code = (
        "import sys; from policyjwt.cli.main import run; run(['rule', 'audience.mismatch']);"
        "heavy = {'lark', 'cryptography', 'jsonschema', 'yaml'};"
        "print(*[m for m in sys.modules if m.split('.')[0] in heavy])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == ""
