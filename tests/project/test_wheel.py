"""The wheel, built and installed as users get it: with what it declares and nothing else, it works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from tests.shared import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    _run(
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(ROOT),
        cwd=ROOT,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment: the wheel, and links to the dependencies that it declares. Nothing is fetched."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    metadata = next(site.glob("policyjwt-*.dist-info/METADATA")).read_text(encoding="utf-8")
    for name in _declared(metadata):
        _link(name, site, seen=set())
    return folder


def _declared(metadata: str) -> list[str]:
    """The required dependencies; those of extras stay out."""
    lines = re.findall(r"^Requires-Dist: (.+)$", metadata, re.MULTILINE)
    return [re.split(r"[^A-Za-z0-9._-]", line)[0] for line in lines if "extra ==" not in line]


def _link(name: str, site: Path, seen: set[str]) -> None:
    """Link an installed distribution and all that it needs into `site`."""
    if name in seen:
        return
    seen.add(name)
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return  # for another platform or Python
    for top in {file.parts[0] for file in found.files or () if file.parts[0] != ".."}:
        target = site / top
        if not target.exists():
            target.symlink_to(Path(str(found.locate_file(top))))
    for requirement in found.requires or ():
        if "extra ==" not in requirement:
            _link(re.split(r"[^A-Za-z0-9._-]", requirement)[0], site, seen)


def _run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    run = subprocess.run(command, cwd=cwd, env=plain, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"{command}: {run.stdout}{run.stderr}"
    return run


def test_it_holds_what_it_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "policyjwt/py.typed",
        "policyjwt/_grammar/policy.lark",
        "policyjwt/_policies/github-actions.policy",
        "policyjwt/schemas/validate.schema.json",
        "policyjwt/schemas/evaluate.schema.json",
        "policyjwt/schemas/record.schema.json",
        "policyjwt/code_pages/audience.toml",
    ):
        assert needed in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "docs/"))]


def test_it_says_its_version(environment: Path, tmp_path: Path) -> None:
    run = _run(str(environment / "bin" / "python"), "-m", "policyjwt", "--version", cwd=tmp_path)
    assert re.fullmatch(r"policyjwt \d+\.\d+\.\d+ \(policy language 1\)\n", run.stdout)


def test_it_validates_a_bundled_policy(environment: Path, tmp_path: Path) -> None:
    (bundled,) = environment.glob("lib/python*/site-packages/policyjwt/_policies/github-actions.policy")
    policy = tmp_path / "github-actions.policy"
    policy.write_bytes(bundled.read_bytes())
    python = str(environment / "bin" / "python")
    run = _run(python, "-m", "policyjwt", "validate", str(policy), "--now", "2026-11-23", cwd=tmp_path)
    assert "no fault in 1 policy (1 file)" in run.stdout or "note" in run.stdout


def test_it_judges_tokens(environment: Path, tmp_path: Path) -> None:
    run = _run(str(environment / "bin" / "python"), "-m", "policyjwt", "demo", cwd=tmp_path)
    assert "TRUSTED by payments" in run.stdout
    assert "replay.seen" in run.stdout
    assert "Not shown: a key for decryption needs the extra `jwe`. install policyjwt[jwe]." in run.stdout
