"""Files: roots, discovery, imports, what may be read, and what is said about the rest."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import LoadError, PolicyJwtError
from policyjwt.language.files import FileFault, path_fault, read_file, strings_below
from policyjwt.language.limits import POLICY_BYTES
from policyjwt.language.load import Loaded, load_paths, load_text

HEAD = "policyjwt 1\n"


def policy(name: str = "p", rule: str = 'a == "x"') -> str:
    return f'{HEAD}policy "{name}" {{\n  require {rule}\n}}\n'


def put(root: Path, path: str, text: str | bytes) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def codes(loaded: Loaded) -> list[tuple[str, int]]:
    return [(diagnostic.code, diagnostic.span.line) for diagnostic in loaded.diagnostics]


def names(loaded: Loaded) -> list[str]:
    return [block.name for document in loaded.documents for block in document.blocks]


# ------------------------------------------------------------------------------ which files


def test_a_file_is_read_with_its_root(tmp_path: Path) -> None:
    put(tmp_path, "policyjwt.toml", "")
    file = put(tmp_path, "a/one.policy", policy("one"))
    put(tmp_path, "b/c/two.policy", policy("two"))
    put(tmp_path, "b/notes.txt", "no policy")
    loaded = load_paths([file])
    assert sorted(names(loaded)) == ["one", "two"]
    assert loaded.asked == {str(file)}
    assert set(loaded.roots.values()) == {str(tmp_path.resolve())}


def test_hidden_folders_and_other_roots_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, "pyproject.toml", "")
    put(tmp_path, "a.policy", policy("a"))
    put(tmp_path, ".git/b.policy", policy("b"))
    put(tmp_path, "sub/pyproject.toml", "")
    put(tmp_path, "sub/c.policy", policy("c"))
    put(tmp_path, "other/policyjwt.toml", "")
    put(tmp_path, "other/deep/d.policy", policy("d"))
    assert names(load_paths([tmp_path])) == ["a"]
    assert names(load_paths([tmp_path / "sub"])) == ["c"]
    assert load_paths([tmp_path / "other"]).roots == {
        str(tmp_path / "other/deep/d.policy"): str((tmp_path / "other").resolve())
    }


def test_without_a_root_file_the_root_is_the_file_s_own_folder(tmp_path: Path) -> None:
    put(tmp_path, "a.policy", policy("a"))
    put(tmp_path, "sub/b.policy", policy("b"))
    loaded = load_paths([tmp_path / "a.policy"])
    assert names(loaded) == ["a", "b"]
    assert names(load_paths([tmp_path / "sub/b.policy"])) == ["b"]


def test_paths_are_shown_as_people_gave_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "policyjwt.toml", "")
    put(tmp_path, "policies/a.policy", f'{HEAD}import "lib/c.policy"\n')
    put(tmp_path, "policies/b.policy", policy("b"))
    put(tmp_path, "lib/c.policy", HEAD)
    monkeypatch.chdir(tmp_path)
    assert set(load_paths(["policies/a.policy"]).sources) == {"policies/a.policy", "policies/b.policy", "lib/c.policy"}
    assert set(load_paths(["./policies/"]).asked) == {"policies/a.policy", "policies/b.policy"}
    monkeypatch.chdir(tmp_path / "policies")
    assert set(load_paths(["a.policy"]).sources) == {"a.policy", "b.policy", "../lib/c.policy"}
    absolute = str(tmp_path / "policies" / "a.policy")
    assert str(tmp_path.resolve() / "lib" / "c.policy") in load_paths([absolute]).sources


def test_a_file_named_twice_is_one(tmp_path: Path) -> None:
    file = put(tmp_path, "a.policy", policy("a"))
    loaded = load_paths([file, tmp_path, file])
    assert loaded.diagnostics == ()
    assert names(loaded) == ["a"]
    assert len(loaded.asked) == 1


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.policy", "can't be read: no such file or directory"),
        ("missing/", "can't be read: no such file or directory"),
        ("notes.txt", "can't be read: its name does not end in .policy"),
        ("empty", "no policy found: policies are files whose names end in `.policy`"),
        ("a\0b", "is no path"),
        ("link.policy", "can't be read: no such file or directory"),
    ],
)
def test_what_a_caller_names_and_is_not_there(path: str, message: str, tmp_path: Path) -> None:
    put(tmp_path, "notes.txt", "secret")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link.policy").symlink_to("nowhere")
    with pytest.raises(LoadError) as raised:
        load_paths([f"{tmp_path}/{path}"])
    assert isinstance(raised.value, PolicyJwtError)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "\0" not in str(raised.value)


# ------------------------------------------------------------------------------ which names


def test_names_are_unique_in_a_root(tmp_path: Path) -> None:
    put(tmp_path, "policyjwt.toml", "")
    put(tmp_path, "a.policy", policy("x"))
    put(tmp_path, "b/b.policy", policy("x"))
    loaded = load_paths([tmp_path])
    assert codes(loaded) == [("PJ260", 2)]
    assert loaded.diagnostics[0].span.file == str(tmp_path / "b/b.policy")
    assert loaded.diagnostics[0].related[0].span.file == str(tmp_path / "a.policy")


def test_names_are_unique_below_a_folder_without_a_root_file(tmp_path: Path) -> None:
    put(tmp_path, "a.policy", policy("x"))
    put(tmp_path, "b/b.policy", policy("x"))
    assert codes(load_paths([tmp_path])) == [("PJ260", 2)]


def test_two_roots_may_use_one_name(tmp_path: Path) -> None:
    for root in ("one", "two"):
        put(tmp_path, f"{root}/policyjwt.toml", "")
        put(tmp_path, f"{root}/a.policy", policy("x"))
    assert load_paths([tmp_path / "one", tmp_path / "two"]).diagnostics == ()


# ------------------------------------------------------------------------------ what an import brings


def test_an_import_brings_lets_and_baselines_but_not_its_imports(tmp_path: Path) -> None:
    put(tmp_path, "deep.policy", f'{HEAD}let deep = ["a"]\nbaseline "deep" {{ }}\n')
    put(
        tmp_path,
        "common.policy",
        f'{HEAD}import "deep.policy"\nlet corp = ["a"]\nbaseline "org" extends "deep" {{ }}\n'
        'policy "c" { require x in deep }\n',
    )
    file = put(
        tmp_path, "a.policy", f'{HEAD}import "common.policy"\npolicy "a" extends "org" {{\n  require x in corp\n}}\n'
    )
    loaded = load_paths([file])
    assert loaded.diagnostics == ()
    assert set(loaded.baselines[str(file)]) == {"org"}
    assert set(loaded.baselines[str(tmp_path / "common.policy")]) == {"org", "deep"}
    put(tmp_path, "a.policy", f'{HEAD}import "common.policy"\npolicy "a" {{\n  require x in deep\n}}\n')
    assert codes(load_paths([file])) == [("PJ210", 4)]


def test_cycles_are_harmless(tmp_path: Path) -> None:
    put(
        tmp_path,
        "a.policy",
        f'{HEAD}import "b.policy"\nimport "a.policy"\nlet a = "x"\npolicy "a" {{ require x == b }}\n',
    )
    put(tmp_path, "b.policy", f'{HEAD}import "a.policy"\nlet b = "x"\npolicy "b" {{ require x == a }}\n')
    loaded = load_paths([tmp_path])
    assert loaded.diagnostics == ()
    assert names(loaded) == ["a", "b"]


def test_faults_of_imports(tmp_path: Path) -> None:
    put(tmp_path, "bad.policy", f"{HEAD}let x = 2027-02-30\n")
    put(tmp_path, "notes.txt", "secret")
    file = put(
        tmp_path,
        "a.policy",
        f'{HEAD}import "missing.policy"\nimport "bad.policy"\nimport "notes.txt"\nimport "../x.policy"\n'
        'import "bad.policy"\n'
        'policy "a" {\n  require y in z\n}\n',
    )
    loaded = load_paths([file])
    told = [(d.code, d.span.line) for d in loaded.diagnostics if d.span.file == str(file)]
    # What `z` is can't be known while imports are missing: no fault is made of it, but the rule is not there.
    assert told == [("PJ251", 2), ("PJ258", 3), ("PJ257", 4), ("PJ250", 5), ("PJ259", 6)]
    block = next(block for document in loaded.documents for block in document.blocks)
    assert block.rules == ()
    assert block.broken == {"rules", "file"}
    assert str(file) in loaded.incomplete


def test_what_comes_through_a_file_with_errors_breaks_what_uses_it(tmp_path: Path) -> None:
    put(tmp_path, "base.policy", f'{HEAD}baseline "base" {{ signature {{ algorithms none }} }}\n')
    put(tmp_path, "middle.policy", f'{HEAD}import "base.policy"\nbaseline "middle" extends "base" {{ }}\n')
    put(tmp_path, "top.policy", f'{HEAD}import "middle.policy"\npolicy "p" extends "middle" {{ }}\n')
    loaded = load_paths([tmp_path])
    assert [d.code for d in loaded.diagnostics] == ["PJ220", "PJ258", "PJ258"]
    assert all(block.broken for document in loaded.documents for block in document.blocks)


def test_clashes_of_lets_and_baselines(tmp_path: Path) -> None:
    put(tmp_path, "one.policy", f'{HEAD}let x = "1"\nbaseline "b" {{ }}\n')
    put(tmp_path, "two.policy", f'{HEAD}let x = "2"\nbaseline "b" {{ }}\n')
    file = put(
        tmp_path, "a.policy", f'{HEAD}import "one.policy"\nimport "two.policy"\nlet x = "3"\nbaseline "b" {{ }}\n'
    )
    loaded = load_paths([file])
    assert codes(loaded) == [("PJ225", 3), ("PJ261", 3), ("PJ225", 4), ("PJ261", 5)]
    assert all(diagnostic.related[0].span.line == 2 for diagnostic in loaded.diagnostics)


def test_an_imported_let_named_like_a_claim(tmp_path: Path) -> None:
    put(tmp_path, "one.policy", f'{HEAD}let tenant = "1"\n')
    file = put(tmp_path, "a.policy", f'{HEAD}import "one.policy"\npolicy "p" {{ require tenant == "1" }}\n')
    assert codes(load_paths([file])) == [("PJ224", 2)]


# ------------------------------------------------------------------------------ let … from


def test_let_from_reads_an_array_of_strings(tmp_path: Path) -> None:
    put(tmp_path, "lists/tenants.json", '["a", "b", "a"]')
    file = put(tmp_path, "a.policy", f'{HEAD}let tenants = ["x"]\nlet others from "lists/tenants.json"\n')
    loaded = load_paths([file])
    assert loaded.diagnostics == ()
    assert loaded.documents[0].lets[1].value == ("a", "b")
    (path, digest), *_ = loaded.documents[0].used
    assert path == "lists/tenants.json"
    assert len(digest) == 64


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1}', "the file is not an array of strings"),
        (b'["a", 1]', "the file is not an array of strings"),
        (b"[]", "the array is empty"),
        (b"not json: hunter2", "the file is not JSON in UTF-8"),
        (b'["\xff"]', "the file is not JSON in UTF-8"),
        (b'["\\ud800"]', "the file holds half of a surrogate pair"),
        (b"[" * 100_000, "the file is not JSON in UTF-8"),
        (b'["a"]' + b" " * POLICY_BYTES, "the file is larger than 1048576 bytes"),
    ],
)
def test_let_from_refuses_other_files_without_quoting_them(content: bytes, message: str, tmp_path: Path) -> None:
    put(tmp_path, "t.json", content)
    loaded = load_paths([put(tmp_path, "a.policy", f'{HEAD}let tenants from "t.json"\n')])
    assert [diagnostic.message for diagnostic in loaded.diagnostics] == [f"`t.json`: {message}"]
    assert codes(loaded)[0][1] == 2
    assert "hunter2" not in repr(loaded)


# ------------------------------------------------------------------------------ what may be read


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "..",
        "../x",
        "a/../../x",
        "a/..",
        "C:\\x",
        "c:/x",
        "a\\..\\x",
        "a\0b",
        "a\nb",
        "",
        ".",
        "./",
        "//x",
    ],
)
def test_paths_that_lead_out_are_refused_by_their_text(path: str, tmp_path: Path) -> None:
    assert path_fault(path) is not None
    with pytest.raises(FileFault):
        read_file(tmp_path, path, limit=10)


@given(st.text(st.sampled_from("./\\ab\0:"), max_size=10))
def test_no_path_reads_outside(path: str) -> None:
    here = Path(__file__).resolve().parent
    try:
        read_file(here, path, limit=10)
    except FileFault:
        return
    raise AssertionError("there are no such files")


def test_links_within_the_root_are_followed_and_others_are_not(tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(root, "real.txt", "inside")
    put(root, "folder/x.txt", "inside")
    outer = put(tmp_path, "outer.txt", "outside")
    (root / "within").symlink_to("real.txt")
    (root / "deep").symlink_to("folder")
    (root / "out").symlink_to(outer)
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to("loop")
    assert read_file(root, "within", limit=10) == b"inside"
    assert read_file(root, "deep/x.txt", limit=10) == b"inside"
    for path in ("out", "up/outer.txt", "loop", "up"):
        with pytest.raises(FileFault):
            read_file(root, path, limit=10)


def test_a_link_put_in_while_a_file_is_looked_at_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    put(root, "a/x.txt", "inside")
    put(tmp_path, "b/x.txt", "outside")
    real = os.path.realpath
    looked = 0

    def swap(path: str, **options: bool) -> str:
        nonlocal looked
        looked += 1
        found = real(path, **options)
        if looked == 2:  # the root first, then the file
            (root / "a").rename(root / "old")
            (root / "a").symlink_to(tmp_path / "b")
        return found

    monkeypatch.setattr("policyjwt.language.files.os.path.realpath", swap)
    with pytest.raises(FileFault):
        read_file(root, "a/x.txt", limit=10)
    assert looked == 2


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.policy")
    (tmp_path / "folder.policy").mkdir()
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "sock"))
    for path in ("pipe.policy", "folder.policy", "sock"):
        with pytest.raises(FileFault) as raised:
            read_file(tmp_path, path, limit=10)
        assert raised.value.kind == "unreadable"
    server.close()
    loaded = load_paths([tmp_path / "pipe.policy"])
    assert [diagnostic.message for diagnostic in loaded.diagnostics] == ["it is no regular file"]
    put(tmp_path, "a.policy", f'{HEAD}import "pipe.policy"\nlet x from "sock"\n')
    assert ("PJ252", 3) in codes(load_paths([tmp_path / "a.policy"]))


def test_reading_stops_at_the_limit(tmp_path: Path) -> None:
    put(tmp_path, "x", "a" * 11)
    assert read_file(tmp_path, "x", limit=11) == b"a" * 11
    with pytest.raises(FileFault) as raised:
        read_file(tmp_path, "x", limit=10)
    assert raised.value.kind == "too_large"


def test_a_policy_linked_from_outside_is_not_read(tmp_path: Path) -> None:
    outer = put(tmp_path, "outer.policy", policy("outer"))
    root = tmp_path / "root"
    put(root, "policyjwt.toml", "")
    (root / "a.policy").symlink_to(outer)
    loaded = load_paths([root])
    assert [diagnostic.code for diagnostic in loaded.diagnostics] == ["PJ250"]
    assert loaded.documents == ()


# ------------------------------------------------------------------------------ what is no policy


@pytest.mark.parametrize("content", ["-----BEGIN KEY-----\nhunter2\n", "hunter2", "", "policyjwtx hunter2\n"])
def test_what_is_no_policy_is_never_quoted(content: str, tmp_path: Path) -> None:
    put(tmp_path, "a.policy", content)
    loaded = load_paths([tmp_path])
    assert codes(loaded) == [("PJ110", 1)]
    assert "hunter2" not in repr(loaded)
    assert all(source.text == "" for source in loaded.sources.values())
    assert codes(load_text(content)) == [("PJ110", 1)]


def test_a_policy_may_begin_with_comments(tmp_path: Path) -> None:
    assert load_text(f"# one\n\n  # two\n{HEAD}").diagnostics == ()
    assert load_text("# one\npolicyjwt 1\n").diagnostics == ()


def test_bytes_that_are_not_utf8_have_their_place(tmp_path: Path) -> None:
    put(tmp_path, "a.policy", HEAD.encode() + b'let x = "caf\xe9"\n')
    put(tmp_path, "b.policy", b"hunter2 \xff")
    loaded = load_paths([tmp_path])
    assert [(d.code, d.span.line, d.span.column, d.message) for d in loaded.diagnostics] == [
        ("PJ254", 2, 13, "the byte 0xe9 here is not UTF-8"),
        ("PJ254", 1, 1, "the byte 0xff here is not UTF-8"),
    ]
    assert [source.text for source in loaded.sources.values() if "hunter2" in source.text] == []


def test_a_text_with_half_a_surrogate_pair() -> None:
    assert codes(load_text(f'{HEAD}let x = "\ud800"\n')) == [("PJ254", 1)]


def test_a_policy_has_a_limit(tmp_path: Path) -> None:
    comment = "#" + "a" * (POLICY_BYTES - len(HEAD) - 2) + "\n"
    put(tmp_path, "a.policy", HEAD + comment)
    assert load_paths([tmp_path]).diagnostics == ()
    put(tmp_path, "a.policy", HEAD + "#" + comment)
    assert codes(load_paths([tmp_path])) == [("PJ253", 1)]
    assert codes(load_text(HEAD + "#" + comment)) == [("PJ253", 1)]


def test_a_policy_cut_anywhere_is_refused_or_whole() -> None:
    text = policy("p", 'a == "x" and b == "y"')
    whole = load_text(text).documents[0].blocks[0].rules[0].test
    for end in range(len(text)):
        loaded = load_text(text[:end])
        if not any(diagnostic.stops_loading for diagnostic in loaded.diagnostics):
            rules = [rule.test for document in loaded.documents for block in document.blocks for rule in block.rules]
            assert rules in ([], [whole])
            assert rules or not loaded.documents[0].blocks


# ------------------------------------------------------------------------------ texts and digests


def test_a_text_without_a_root_names_no_file() -> None:
    loaded = load_text(f'{HEAD}import "a.policy"\nlet x from "x.json"\n')
    assert codes(loaded) == [("PJ256", 2), ("PJ256", 3)]


def test_a_text_with_a_root(tmp_path: Path) -> None:
    put(tmp_path, "lib/a.policy", f'{HEAD}let corp from "x.json"\n')
    put(tmp_path, "x.json", '["a"]')
    loaded = load_text(f'{HEAD}import "lib/a.policy"\npolicy "p" {{ require hd in corp }}\n', root=tmp_path)
    assert loaded.diagnostics == ()
    assert loaded.asked == {"<policy>"}
    assert set(loaded.sources) == {"<policy>", "lib/a.policy"}
    assert set(loaded.roots.values()) == {str(tmp_path.resolve())}


def test_a_text_may_go_by_the_name_of_a_file(tmp_path: Path) -> None:
    put(tmp_path, "a.policy", f'{HEAD}let corp = ["a"]\n')
    text = f'{HEAD}import "a.policy"\npolicy "p" {{ require hd in corp }}\n'
    loaded = load_text(text, "a.policy", tmp_path)
    assert loaded.diagnostics == ()
    assert loaded.sources["a.policy"].text == text
    assert len(loaded.sources) == 2


def test_the_digest_covers_all_that_a_policy_is_made_of(tmp_path: Path) -> None:
    put(tmp_path, "deep.policy", f'{HEAD}baseline "deep" {{ }}\n')
    put(tmp_path, "common.policy", f'{HEAD}import "deep.policy"\nlet corp from "x.json"\n')
    file = put(tmp_path, "a.policy", f'{HEAD}import "common.policy"\n')
    other = put(tmp_path, "b.policy", HEAD)
    put(tmp_path, "x.json", '["a"]')
    seen = {load_paths([file]).digests[str(file)]}
    for path, text in (
        ("deep.policy", f'{HEAD}baseline "deep" {{ use "x" }}\n'),
        ("x.json", '["b"]'),
        ("a.policy", f'{HEAD}import "common.policy"\n# more\n'),
    ):
        put(tmp_path, path, text)
        seen.add(load_paths([file]).digests[str(file)])
    assert len(seen) == 4
    before = load_paths([file]).digests[str(file)]
    other.write_text(HEAD + "# more\n")
    assert load_paths([file]).digests[str(file)] == before


def test_the_reader_of_strings_gives_the_digest_of_the_file(tmp_path: Path) -> None:
    put(tmp_path, "x.json", '["a"]')
    assert strings_below(tmp_path)("x.json") == (("a",), hashlib.sha256(b'["a"]').hexdigest())
