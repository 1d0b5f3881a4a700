"""Every folder has one front door: what its `__init__` names in `__all__` is what can be imported from it."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = {
    "greenlang": ROOT / "runtime" / "greenlang",
    "greenlang_core": ROOT / "core_ext" / "greenlang_core",
}

#: The roots, and each folder in them; one that holds data alone has an empty `__init__`.
FOLDERS = sorted(
    ".".join((package, *path.parent.relative_to(folder).parts))
    for package, folder in SOURCES.items()
    for path in folder.rglob("__init__.py")
    if len(list(path.parent.glob("*.py"))) > 1
)

MODULES = sorted(
    path
    for folder in SOURCES.values()
    for path in folder.rglob("*.py")
    if path.name != "__main__.py" and path.read_text().strip()
)


def bound_names(tree: ast.Module, folder: str) -> set[str]:
    """Public names that a front door defines, or takes from the modules behind it."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names.update(target.id for target in targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.ImportFrom) and (node.level or f"{node.module}.".startswith(f"{folder}.")):
            names.update(alias.asname or alias.name for alias in node.names)
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("name", FOLDERS)
def test_all_is_what_can_be_imported(name):
    module = importlib.import_module(name)
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    listed = {attribute for attribute in module.__all__ if not attribute.startswith("_")}
    if hasattr(module, "__getattr__"):
        # It loads its names on first use: those in the list and no others.
        assert listed == {attribute for attribute in dir(module) if not attribute.startswith("_")}
        assert [attribute for attribute in listed if not hasattr(module, attribute)] == []
    else:
        assert bound_names(tree, name) == listed


@pytest.mark.parametrize("name", FOLDERS)
def test_a_front_door_says_what_is_behind_it(name):
    module = importlib.import_module(name)
    assert len(module.__doc__.splitlines()) > 2, f"{name} needs a paragraph: what goes in, what comes out"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_lists_its_public_names_and_has_them(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    listed = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(getattr(target, "id", "") == "__all__" for target in node.targets)
    ]
    assert len(listed) == 1, "write one __all__"
    folder = next(folder for folder in SOURCES.values() if path.is_relative_to(folder))
    parts = path.relative_to(folder.parent).with_suffix("").parts
    module = importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    missing = [name for name in module.__all__ if not hasattr(module, name)]
    assert missing == []
