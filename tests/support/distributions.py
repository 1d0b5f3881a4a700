"""Distributions that a process sees as installed, made of a few lines of source."""

_METADATA = """Metadata-Version: 2.1
Name: {name}
Version: 1.0.0
Requires-Dist: greenlang-runtime>=0.1,<0.2
"""


def write_distribution(folder, module, source):
    """Install a module of agents into a folder, which is to be on the path of whoever is to see it."""
    name = module.replace("_", "-")
    metadata = folder / f"{module}-1.0.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / f"{module}.py").write_text(source)
    (metadata / "METADATA").write_text(_METADATA.format(name=name))
    (metadata / "entry_points.txt").write_text(f"[greenlang]\n{name} = {module}\n")
    (metadata / "RECORD").write_text(f"{module}.py,,\n")
