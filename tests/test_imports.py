"""Imports run one way: this test reads them all, those inside functions too."""

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUNTIME = ROOT / "runtime" / "greenlang"
CORE = ROOT / "core_ext" / "greenlang_core"

#: What stands on each level may import everything on the levels above its line, and itself.
LEVELS = (
    ("errors",),
    ("exact", "folders"),
    ("agents",),
    ("carbon", "channels"),
    ("gcel", "stores", "ledger", "queues", "caches"),
    ("observing",),
    ("engine",),
    ("packs", "service"),
    ("builtin",),
    ("cli",),
    ("__main__",),
)

#: `errors` and `exact` are words, so they lean on nothing compiled.
WITHOUT_CORE = {"errors", "exact"}

#: What the runtime may import of others; `_typeshed` exists for type checkers alone, and `asyncpg`, `build`,
#: `copier`, `cyclonedx`, `packageurl`, `pyarrow` and `pytest` come with extras, and `yarl` with aiohttp.
LIBRARIES = {
    "_typeshed",
    "aiohttp",
    "asyncpg",
    "build",
    "click",
    "copier",
    "cryptography",
    "cyclonedx",
    "httptools",
    "jwt",
    "msgspec",
    "numpy",
    "packageurl",
    "opentelemetry",
    "packaging",
    "pluggy",
    "prometheus_client",
    "pyarrow",
    "pytest",
    "redis",
    "rich",
    "uvloop",
    "yaml",
    "yarl",
}

#: Front doors for packs and plugins: the runtime itself, its folders, and these modules.
OPEN_MODULES = {"greenlang.errors", "greenlang.exact", "greenlang.agents.hooks", "greenlang.engine.batches"}


def allowed(unit: str) -> set[str]:
    """The parts of the runtime that `unit` may import."""
    below: set[str] = set()
    for level in LEVELS:
        if unit in level:
            return below | {unit}
        below.update(level)
    raise AssertionError(f"greenlang/{unit} has no place in LEVELS: put it there")


def modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "build" not in path.parts)


def imports(path: Path, package: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def unit_of(path: Path) -> str:
    return path.relative_to(RUNTIME).parts[0].removesuffix(".py")


def runtime_imports() -> Iterator[tuple[str, str, str]]:
    """Place, part of the runtime, and imported name."""
    for path in modules(RUNTIME):
        package = ("greenlang", *path.relative_to(RUNTIME).parts[:-1])
        for line, name in imports(path, package):
            yield f"{path.relative_to(ROOT)}:{line}", unit_of(path), name


def broken_rules(found: Iterator[tuple[str, str, str]]) -> list[str]:
    broken = []
    for place, unit, name in found:
        top, _, rest = name.partition(".")
        part = rest.partition(".")[0]
        if unit == "__init__":
            # The names that it loads on first use are imported under TYPE_CHECKING alone, which
            # `test_importing_the_runtime_loads_nothing_heavy` keeps so.
            fits = top in {"greenlang", *sys.stdlib_module_names}
        elif top == "greenlang":
            fits = part in allowed(unit) or name == "greenlang.__version__"
        elif top == "greenlang_core":
            fits = unit not in WITHOUT_CORE
        else:
            fits = top in LIBRARIES or top in sys.stdlib_module_names
        if not fits:
            broken.append(f"{place}: {unit} imports {name}")
    return broken


def test_the_runtime_imports_downwards_only():
    assert broken_rules(runtime_imports()) == []


@pytest.mark.parametrize(
    ("unit", "name", "fits"),
    [
        ("carbon", "greenlang.agents.agent", True),
        ("agents", "greenlang.carbon.units.definitions", False),
        ("gcel", "greenlang.ledger", False),
        ("ledger", "greenlang.stores.sqlite", False),
        ("engine", "greenlang.gcel.compile", True),
        ("gcel", "greenlang.engine.runner", False),
        ("engine", "greenlang.cli", False),
        ("builtin", "greenlang.service", True),
        ("exact", "greenlang_core.decimals", False),
        ("carbon", "greenlang_core.decimals", True),
        ("carbon", "requests", False),
        ("carbon", "greenlang.Quantity", False),
    ],
)
def test_the_rule_refuses_what_it_should(unit, name, fits):
    assert (broken_rules(iter([("here", unit, name)])) == []) == fits


def test_the_core_imports_nothing_of_the_runtime():
    statement = re.compile(r"^\s*(?:from|c?import)\s+([A-Za-z_]\w*)", re.MULTILINE)
    known = {"greenlang_core", "numpy", "cython", "cpython", "libc", *sys.stdlib_module_names}
    sources = [path for path in CORE.rglob("*") if path.suffix in {".py", ".pyx", ".pxd"}]
    assert sources
    for path in sources:
        # A docstring may begin a line with "from"; only import statements name a module after it.
        code = re.sub(r'"""(?s:.*?)"""', "", path.read_text(encoding="utf-8"))
        strange = set(statement.findall(code)) - known
        assert not strange, f"{path.relative_to(ROOT)} imports {', '.join(sorted(strange))}"


def test_packs_use_public_names_only():
    for path in (path for folder in ("agent_packs", "plugins") for path in modules(ROOT / folder)):
        for line, name in imports(path, ()):
            module, _, attribute = name.rpartition(".")
            if name.partition(".")[0] != "greenlang" or name == "greenlang":
                continue
            open_door = module in OPEN_MODULES or module.count(".") <= 1
            assert open_door, f"{path.relative_to(ROOT)}:{line}: {module} is not a front door"
            assert attribute in importlib.import_module(module).__all__, f"{path}:{line}: {name} is private"


HEAVY = (
    "asyncio",
    "click",
    "cryptography",
    "msgspec",
    "numpy",
    "opentelemetry",
    "packaging",
    "pluggy",
    "prometheus_client",
    "pyarrow",
    "rich",
    "uvloop",
    "yaml",
    "yarl",
)


def loaded_by(statement: str) -> set[str]:
    program = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    # What the interpreter loads by itself is nobody's doing: editable installs bring finders.
    return set(done.stdout.split())


def test_importing_the_runtime_loads_nothing_heavy():
    loaded = loaded_by("import greenlang")
    assert loaded.isdisjoint(HEAVY)
    assert {name for name in loaded if name.startswith("greenlang.")} == set()


def test_an_agent_costs_neither_pluggy_nor_numpy():
    loaded = loaded_by("import greenlang as gl; gl.agent; gl.Registry")
    assert loaded.isdisjoint(set(HEAVY) - {"msgspec"})


def test_exact_rounding_costs_nothing_else():
    loaded = loaded_by("import greenlang as gl; gl.round; gl.divide")
    assert loaded.isdisjoint(HEAVY)
    assert {name for name in loaded if name.startswith("greenlang.")} == {
        "greenlang.errors",
        "greenlang.exact",
    }
