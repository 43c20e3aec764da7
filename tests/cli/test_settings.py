"""Settings of the command line: found upwards, strict, and never about decisions."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyjwt.cli.failure import Failure
from policyjwt.cli.settings import Settings, find


def test_there_need_be_none(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert find(tmp_path) == Settings()


def test_they_are_found_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(
        "[tool.policyjwt]\npaths = ['rules']\nformat = 'concise'\ncolor = 'never'\n"
    )
    monkeypatch.chdir(below)
    found = find(below)
    assert found == Settings(paths=(str(tmp_path / "rules"),), format="concise", color="never")
    monkeypatch.chdir(tmp_path)
    assert find(tmp_path).paths == ("rules",)


def test_their_own_file_comes_first(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.policyjwt]\nformat = 'json'\n")
    (tmp_path / "policyjwt.toml").write_text("format = 'sarif'\n")
    assert find(tmp_path).format == "sarif"


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        ("colour = 'never'", "the settings in `{}` have an unknown key `colour`", "did you mean `color`?"),
        ("fail_level = 'error'", "the settings in `{}` have an unknown key `fail_level`", "known are "),
        ("ignore = ['PJ501']", "the settings in `{}` have an unknown key `ignore`", "known are "),
        ("paths = 'policies'", "the settings in `{}`: `paths` is a list of texts", None),
        ("paths = [1]", "the settings in `{}`: `paths` is a list of texts", None),
        ("format = 'xml'", "the settings in `{}`: `format` is one of text, concise, ", None),
        ("color = true", "the settings in `{}`: `color` is one of auto, always, never", None),
        ("color = ", "the settings file `{}` is no TOML: ", None),
        ("\udcff", "the settings file `{}` can't be read: it is not UTF-8", None),
    ],
)  # fmt: skip
def test_a_wrong_one_is_an_error(tmp_path: Path, text: str, message: str, help: str | None) -> None:
    file = tmp_path / "policyjwt.toml"
    file.write_bytes(text.encode("utf-8", errors="surrogateescape"))
    with pytest.raises(Failure) as caught:
        find(tmp_path)
    assert caught.value.message.startswith(message.format(file))
    assert (caught.value.help or "").startswith(help or "")
    assert caught.value.status == 2


def test_a_table_is_expected(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool]\npolicyjwt = 1\n")
    with pytest.raises(Failure, match=r"are no table$"):
        find(tmp_path)
