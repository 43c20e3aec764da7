"""Takes each check of certificates, evidence, holders, keys and encryption out, one at a time, and sees a test fail.

A check carries its id in a comment (`# check: S14`). `python -m tests.project.without_checks [ID…]` tries all, or
those that are named.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.shared import ROOT

PACKAGES = ("policyjwt", "policyjwt/tokens", "policyjwt/evidence", "policyjwt/keys")
_TAG = re.compile(r"# check: ([A-Z]\d+)")

REPLACED = {
    "alg = headers.check_algorithm(token.header, ASYMMETRIC)": 'alg = str(token.header.get("alg"))',
}
"""Statements that give a value: what stands in their place where they check nothing."""

TESTS = (
    (
        r"tokens/(decryption|content_key|inflate|private_keys)",
        ("tests/tokens/test_decryption_rows.py", "tests/encryption"),
    ),
    (r"policyjwt/[a-z_]+\.py", ("tests/encryption", "tests/keys")),
    (r"keys/", ("tests/keys",)),
    (r"evidence/crl", ("tests/evidence/test_crl.py", "tests/evidence/test_crl_openssl.py")),
    (r"evidence/short_lived", ("tests/evidence/test_short_lived.py",)),
    (r"evidence/status", ("tests/evidence/test_status_list.py", "tests/evidence/test_status_rows.py")),
    (r"evidence/dpop", ("tests/evidence/test_dpop.py", "tests/evidence/test_dpop_uri.py")),
    (r"evidence/mtls", ("tests/evidence/test_mtls.py",)),
    (r"evidence/confirmation", ("tests/holder", "tests/evidence/test_dpop.py", "tests/evidence/test_mtls.py")),
    (r"evidence/carriage", ("tests/evidence/test_carriage.py",)),
    (r"evidence/", ("tests/evidence",)),
    (r"tokens/(x5c|anchors|leaf_binding|path_faults|certificate)", ("tests/tokens",)),
    (r"tokens/flattened", ("tests/tokens/test_flattened.py",)),
    (r"tokens/", ("tests/tokens", "tests/integrations")),
)
"""Which tests are asked first, by the file of the check; whoever survives them meets all of these folders."""


@dataclass(frozen=True)
class Check:
    """One tagged check: its id, its file, and the text of the file without it."""

    id: str
    path: str
    line: int
    spoilt: str

    def __str__(self) -> str:
        return f"{self.id} {self.path}:{self.line}"


def checks() -> Iterator[Check]:
    """Every tagged check. A tag on a line that holds none is an error."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).glob("*.py")):
            yield from _of_file(path)


def _of_file(path: Path) -> Iterator[Check]:
    text = path.read_text(encoding="utf-8")
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)]
    for number, line in enumerate(text.splitlines(), start=1):
        tag = _TAG.search(line)
        if tag is None:
            continue
        name = path.relative_to(ROOT).as_posix()
        spoilt = _without(text, nodes, number)
        if spoilt is None:
            raise ValueError(f"{name}:{number}: no check stands on the line of this tag")
        yield Check(tag[1], name, number, spoilt)


def _without(text: str, nodes: Sequence[ast.stmt], line: int) -> str | None:
    """The text with the check on this line taken out: a condition becomes False, a statement nothing."""
    for node in nodes:
        if isinstance(node, ast.If) and node.test.lineno <= line < node.body[0].lineno + (node.test.lineno == line):
            return _replaced(text, node.test, "False")
    for node in nodes:
        if not hasattr(node, "body") and node.lineno <= line <= (node.end_lineno or 0):
            source = ast.get_source_segment(text, node) or ""
            return _replaced(text, node, REPLACED.get(source, "pass"))
    return None


def _replaced(text: str, node: ast.expr | ast.stmt, new: str) -> str:
    lines = text.splitlines(keepends=True)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    first, last = lines[node.lineno - 1].encode(), lines[node.end_lineno - 1].encode()
    joined = first[: node.col_offset] + new.encode() + last[node.end_col_offset :]
    kept = [*lines[: node.lineno - 1], joined.decode(), *lines[node.end_lineno :]]
    return "".join(kept)


def is_missed(check: Check, folder: Path) -> bool:
    """Whether some test fails without the check. `folder` holds a copy of the project."""
    target = folder / check.path
    whole = target.read_text(encoding="utf-8")
    target.write_text(check.spoilt, encoding="utf-8")
    try:
        first = next(tests for pattern, tests in TESTS if re.search(pattern, check.path))
        return _fails(folder, first) or _fails(
            folder, ("tests/holder", "tests/evidence", "tests/tokens", "tests/attacks")
        )
    finally:
        target.write_text(whole, encoding="utf-8")


def _fails(folder: Path, tests: Sequence[str]) -> bool:
    there = [each for each in tests if (folder / each).exists()]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-m",
        "not long",
        "-p",
        "no:cacheprovider",
        "-n",
        "0",
        *there,
    ]
    environment = {**os.environ, "POLICYJWT_SHARED": str(_shared()), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=900)
    if run.returncode not in (0, 1, 2):  # 2: the module does not even load, which is noticed, too
        raise RuntimeError(run.stdout + run.stderr)
    return run.returncode != 0


def _shared() -> Path:
    from tests.shared import folder

    return folder()


def copied(folder: Path) -> Path:
    """A copy of what the tests need."""
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    for name in ("policyjwt", "tests", "grammar", "policies"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def main(wanted: Sequence[str]) -> int:
    """Try the checks with these ids, or all; the status is 1 if one is missed by no test."""
    survived = 0
    with tempfile.TemporaryDirectory() as name:
        folder = copied(Path(name))
        for check in checks():
            if wanted and check.id not in wanted:
                continue
            missed = is_missed(check, folder)
            survived += not missed
            sys.stdout.write(f"{'missed' if missed else 'NOT MISSED'}  {check}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{survived} checks can be taken out without a test that fails\n")
    return int(survived > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
