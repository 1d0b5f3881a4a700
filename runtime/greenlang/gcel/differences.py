"""What changed between two plans, and which steps give other keys because of it."""

from __future__ import annotations

__all__ = ["differences"]

from collections.abc import Iterator
from difflib import SequenceMatcher

from greenlang.gcel.compiled import Compiled
from greenlang.gcel.pictures import step_title
from greenlang.gcel.steps import AgentStep, inputs_of, programs_of


def differences(before: Compiled, after: Compiled) -> list[str]:
    """Lines that say what changed, and which steps run again because of it; empty if nothing did."""
    if before == after:
        return []
    told = [*_agents(before, after), *_files(before, after), *_steps(before, after)]
    known = {key for keys in before.step_keys for key in keys}
    steps = [key for keys in after.step_keys for key in keys]
    again = sum(key not in known for key in steps)
    told.append(f"{again:,} of {len(steps):,} steps run again: {_reasons(before, after)}")
    return told


def _agents(before: Compiled, after: Compiled) -> Iterator[str]:
    old = {(spec.name, spec.version): code for spec, code in zip(before.agents, before.codes, strict=True)}
    new = {(spec.name, spec.version): code for spec, code in zip(after.agents, after.codes, strict=True)}
    for name in sorted({name for name, _ in (*old, *new)}):
        was = sorted(version for of, version in old if of == name)
        now = sorted(version for of, version in new if of == name)
        if was and now and was != now:
            yield f"agent '{name}': version {', '.join(was)} became {', '.join(now)}"
        for version in was:
            if version in now and old[name, version] != new[name, version]:
                yield f"agent '{name}' {version}: its code changed"


def _files(before: Compiled, after: Compiled) -> Iterator[str]:
    old = {file.name: file.sha256 for file in before.resources}
    new = {file.name: file.sha256 for file in after.resources}
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"file '{name}' is no longer used"
        elif name not in old:
            yield f"file '{name}' is new"
        elif old[name] != new[name]:
            yield f"file '{name}': its content changed"


def _steps(before: Compiled, after: Compiled) -> Iterator[str]:
    old, new = _titles(before), _titles(after)
    same = True
    for kind, first, last, from_, to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        same = False
        gone, come = old[first:last], new[from_:to]
        if kind == "replace" and len(gone) == len(come):
            yield from (f"step {was} became {now}" for was, now in zip(gone, come, strict=True))
        else:
            yield from (f"step {title} was removed" for title in gone)
            yield from (f"step {title} was added" for title in come)
    if same and _wires(before) != _wires(after):
        yield "steps read from other steps than before"


def _titles(plan: Compiled) -> list[str]:
    """Every step as a program writes it; agents without their versions, which are told apart from it."""
    titles = []
    for program in plan.programs:
        for step in program.steps:
            title = step_title(plan, step)
            if isinstance(step, AgentStep):
                title = title.replace(f"@{plan.agents[step.agent].version}", "", 1)
            titles.append(title)
    return titles


def _wires(plan: Compiled) -> list[object]:
    return [
        [(inputs_of(step), programs_of(step)) for step in program.steps] + [program.result]
        for program in plan.programs
    ]


def _reasons(before: Compiled, after: Compiled) -> str:
    """Of the steps that run again, those that changed themselves; the others come after them."""
    old = {form for forms in before.own_forms for form in forms}
    changed = [
        after.label(step)
        for program, forms in zip(after.programs, after.own_forms, strict=True)
        for step, form in zip(program.steps, forms, strict=True)
        if form not in old
    ]
    names = list(dict.fromkeys(changed))
    if not names:
        return "what they read changed" if after.step_keys != before.step_keys else "none changed"
    shown = ", ".join(f"'{name}'" for name in names[:5]) + (", …" if len(names) > 5 else "")
    return f"{shown} changed, and the others come after"
