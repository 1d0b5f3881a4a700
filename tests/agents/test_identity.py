import functools
import hashlib
import linecache
from pathlib import Path

import greenlang
import greenlang_core
from greenlang.agents import default_registry
from greenlang.agents.identity import definition_identity, package_identity


def double(value):
    return value * 2


def closed_over(factor):
    def scale(value):
        return value * factor

    return scale


class Scope:
    @staticmethod
    def double(value):
        return value * 2


def test_a_loose_function_is_its_source_text():
    source = "def double(value):\n    return value * 2\n"
    assert definition_identity(double) == "sha256:" + hashlib.sha256(source.encode()).hexdigest()


def test_indentation_of_the_place_does_not_count():
    lines = "@staticmethod\ndef double(value):\n    return value * 2\n"
    assert definition_identity(Scope.double) == "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


def compiled(source, file):
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    namespace = {}
    exec(compile(source, file, "exec"), namespace)  # noqa: S102 - a function of a file of its own
    return namespace["double"]


def test_line_ends_do_not_count():
    unix = "def double(value):\n    return value * 2\n"
    windows = unix.replace("\n", "\r\n")
    assert definition_identity(compiled(windows, "<windows>")) == definition_identity(
        compiled(unix, "<unix>")
    )


def test_what_its_text_does_not_determine_has_no_identity():
    namespace = {}
    exec("def double(value): return value * 2", namespace)  # noqa: S102 - a function without a source
    assert definition_identity(namespace["double"]) is None
    assert definition_identity(closed_over(2)) is None
    assert definition_identity(functools.partial(double)) is None
    assert definition_identity(len) is None


def lay(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


CODE = {"__init__.py": b"", "a.py": b"x = 1\n", "data/b.csv": b"1\n"}


def test_a_package_is_its_files_by_name_and_content(tmp_path):
    identities = {
        package_identity(lay(tmp_path / "one" / "acme", CODE)),
        package_identity(lay(tmp_path / "two" / "acme", CODE)),
    }
    assert len(identities) == 1
    for number, change in enumerate(({"a.py": b"x = 2\n"}, {"c.py": b""}, {"data/b.csv": b"2\n"})):
        identities.add(package_identity(lay(tmp_path / str(number) / "acme", CODE | change)))
    identities.add(package_identity(lay(tmp_path / "named" / "other", CODE)))
    assert len(identities) == 5


def test_what_a_machine_makes_of_the_files_does_not_count(tmp_path):
    made = {
        "__pycache__/a.cpython-311.pyc": b"\0",
        "a.cpython-311-x86_64-linux-gnu.so": b"\0",
        "a.c": b"int x;",
        "data/.DS_Store": b"\0",
        ".hidden/a.py": b"",
    }
    clean = package_identity(lay(tmp_path / "one" / "acme", CODE))
    assert package_identity(lay(tmp_path / "two" / "acme", CODE | made)) == clean


def test_several_packages_have_one_identity(tmp_path):
    one, core = lay(tmp_path / "acme", CODE), lay(tmp_path / "core" / "acme_core", {"kernel.pyx": b"1\n"})
    together = package_identity(one, core)
    assert together == package_identity(core, one)
    lay(core, {"kernel.pyx": b"2\n"})
    assert len({together, package_identity(one, core), package_identity(one)}) == 3


def test_the_runtimes_own_agents_are_identified_with_the_compiled_core():
    registry = default_registry()
    runtime, core = Path(greenlang.__file__).parent, Path(greenlang_core.__file__).parent
    identity = registry.code_identity(registry.resolve("ghg.intake"))
    assert identity == package_identity(runtime, core) != package_identity(runtime)


def test_a_module_alone_is_its_file(tmp_path):
    (tmp_path / "acme.py").write_bytes(b"x = 1\n")
    digest = hashlib.sha256(f"acme.py\0{hashlib.sha256(b'x = 1' + bytes([10])).hexdigest()}\n".encode())
    assert package_identity(tmp_path / "acme.py") == "sha256:" + digest.hexdigest()


def test_a_place_without_files_has_no_identity(tmp_path):
    assert package_identity(tmp_path / "pack.zip" / "acme") is None


def test_built_code_that_names_a_file_it_is_not_from_has_no_identity(tmp_path):
    (tmp_path / "page.md").write_text("# A page\n\nit says: `nothing` \\ of the kind\n")
    namespace: dict[str, object] = {}
    exec(compile("def twice(x):\n    return 2 * x\n", str(tmp_path / "page.md"), "exec"), namespace)  # noqa: S102  built on purpose
    assert definition_identity(namespace["twice"]) is None
