"""Drawings of a plan, as text alone: for a terminal, for machines, for Mermaid and for Graphviz."""

from __future__ import annotations

__all__ = ["FORMATS", "draw", "reads_of", "step_title", "uses_of"]

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from greenlang.agents.syntax import canonical_literal
from greenlang.errors import InputError, nearest
from greenlang.gcel.compiled import Compiled
from greenlang.gcel.shapes import shape_of
from greenlang.gcel.steps import (
    AgentStep,
    BuiltinStep,
    ChooseStep,
    ConstantStep,
    FilterStep,
    GroupStep,
    MapStep,
    Modifier,
    RecordStep,
    RouteStep,
    Step,
    inputs_of,
    modifiers_of,
    programs_of,
)
from greenlang.gcel.types import type_text

if TYPE_CHECKING:
    from greenlang.gcel.passes import Stage


#: Steps that a pass changed, told one by one; a plan may have a hundred thousand.
SHOWN_STEPS = 20


def draw(plan: Compiled, form: str, *, planned: bool = False) -> str:
    """The plan as written, or `planned` as it runs, in one of `FORMATS`; InputError for another."""
    if form not in FORMATS:
        close = nearest(form, FORMATS)
        fix = f"did you mean {close[0]}?" if close else f"write one of {', '.join(FORMATS)}"
        raise InputError(f"a plan cannot be drawn as '{form}'", fix=fix)
    return FORMATS[form](plan.as_it_runs if planned else plan)


def step_title(plan: Compiled, step: Step) -> str:
    """A step as a program writes it, with the version that was chosen and what covers it."""
    return " >> ".join([_barestep_title(plan, step), *map(_modifier, modifiers_of(step))])


def _modifier(modifier: Modifier) -> str:
    return f"{modifier.name}{_options(modifier.options)}"


def _barestep_title(plan: Compiled, step: Step) -> str:
    if isinstance(step, AgentStep):
        spec = plan.agents[step.agent]
        files = {
            name: canonical_literal(plan.resources[number].name) for name, number in step.resources.items()
        }
        return f"{spec.name}@{spec.version}{_options({**step.options, **files})}"
    if isinstance(step, BuiltinStep):
        return f"{step.name}{_options(step.options)}"
    if isinstance(step, ConstantStep):
        return step.value
    if isinstance(step, MapStep) and step.columnar:
        return "map by columns"
    if isinstance(step, RecordStep):
        return f"branch {', '.join(map(canonical_literal, step.names))}"
    return plan.label(step)


def _options(options: dict[str, str]) -> str:
    return f"({', '.join(f'{name}={text}' for name, text in sorted(options.items()))})" if options else ""


def reads_of(step: Step) -> list[tuple[int, str]]:
    """The slots that a step reads, with what each is to it where that is not plain."""
    if isinstance(step, ChooseStep):
        return [(step.test, "test"), (step.input, "")]
    if isinstance(step, RouteStep):
        return [(step.key, "key"), (step.input, "")]
    if isinstance(step, RecordStep):
        return list(zip(step.inputs, step.names, strict=True))
    return [(slot, "") for slot in inputs_of(step)]


def uses_of(step: Step) -> list[tuple[int, str]]:
    """The programs that a step runs, with when."""
    handlers = [(each.handler, "on error") for each in modifiers_of(step) if each.handler is not None]
    if isinstance(step, MapStep | FilterStep):
        return [(step.program, "each item"), *handlers]
    if isinstance(step, GroupStep):
        return [(step.program, "as one step"), *handlers]
    if isinstance(step, ChooseStep):
        return [(step.yes, "if true"), (step.no, "if false")]
    if isinstance(step, RouteStep):
        return list(zip(programs_of(step), (*step.names, "default"), strict=False))
    return handlers


def _text(plan: Compiled) -> str:
    lines = [f"plan {plan.hash}", f"takes {type_text(plan.input_type)}, gives {type_text(plan.output_type)}"]
    if not plan.portable:
        lines.append(f"not portable: the code of {', '.join(plan.loose_agents)} cannot be told")
    conversions: dict[tuple[int, int], list[str]] = {}
    for each in plan.types.conversions:
        told = f"{each.given} converted to {each.wanted}"
        conversions.setdefault((each.program, each.slot), []).append(told)
    lines += _listing(plan, conversions)
    lines += _planning(plan)
    lines += [f"\nwarning: {warning}" for warning in plan.warnings]
    return "\n".join(lines)


def _listing(plan: Compiled, conversions: Mapping[tuple[int, int], list[str]]) -> Iterator[str]:
    """The steps of all programs, and what each reads."""
    for number, program in enumerate(plan.programs):
        yield "" if number == 0 else f"\nprogram {number}"
        titles = [step_title(plan, step) for step in program.steps]
        width = min(100, max(map(len, titles), default=0))
        for slot, (step, title) in enumerate(zip(program.steps, titles, strict=True), start=1):
            parts = [f"{label}: {_slot(read)}" if label else _slot(read) for read, label in reads_of(step)]
            parts += [f"{when}: program {named}" for named, when in uses_of(step)]
            parts += conversions.get((number, slot), [])
            yield f"{slot:>4}  {title:<{width}}  <- {', '.join(parts)}" if parts else f"{slot:>4}  {title}"
        yield f"      gives {_slot(program.result)}"


def _planning(plan: Compiled) -> Iterator[str]:
    """What each pass made of the plan, what runs in the end, and how wide and how long it is."""
    stages = plan.planned.stages
    changed = any(stage.before.programs != stage.after.programs for stage in stages)
    yield "\nplanned"
    for stage in stages:
        before, after = stage.before.step_count, stage.after.step_count
        same = stage.before.programs == stage.after.programs
        counts = "changes nothing" if same else f"{before:,} -> {after:,} steps"
        yield f"      {stage.name:<18}  {counts}"
        yield from _rewritten(plan, stage)
    if changed:
        yield "\nas it runs"
        yield from list(_listing(plan.as_it_runs, {}))[1:]
    shape = shape_of(plan.planned.wiring.programs[0])
    widths = " ".join(f"{width:,}" for width in shape.widths[:20]) + (" …" if len(shape.widths) > 20 else "")
    yield f"\nwidths by depth  {widths or 'none'}"
    path = [plan.label(plan.planned.wiring.programs[0].steps[slot - 1]) for slot in shape.critical_path]
    shown = path if len(path) <= 12 else [*path[:6], "…", *path[-5:]]
    yield f"critical path    {' > '.join(shown) or 'none'} ({len(path):,} steps)"


def _rewritten(plan: Compiled, stage: Stage) -> Iterator[str]:
    """The steps that a pass took away and those that it put in their place."""
    before, after = (
        Counter(step_title(plan, step) for program in wiring.programs for step in program.steps)
        for wiring in (stage.before, stage.after)
    )
    for sign, titles in (("-", before - after), ("+", after - before)):
        for title, count in list(titles.items())[:SHOWN_STEPS]:
            yield f"        {sign} {title}{f' ({count:,} times)' if count > 1 else ''}"
        if len(titles) > SHOWN_STEPS:
            yield f"        {sign} and {len(titles) - SHOWN_STEPS:,} more"


def _slot(slot: int) -> str:
    return str(slot) if slot else "input"


def _json(plan: Compiled) -> str:
    document: dict[str, Any] = {
        "hash": plan.hash,
        "portable": plan.portable,
        "input_type": type_text(plan.input_type),
        "output_type": type_text(plan.output_type),
        **msgspec.to_builtins(plan.form()),
        "warnings": [str(warning) for warning in plan.warnings],
        "conversions": msgspec.to_builtins(plan.types.conversions),
        "step_keys": plan.step_keys,
        "planned": _planned_json(plan),
    }
    document["resources"] = [{"name": file.name, "sha256": file.sha256} for file in plan.resources]
    return json.dumps(document, indent=2, ensure_ascii=False)


def _planned_json(plan: Compiled) -> dict[str, Any]:
    planned = plan.planned
    shape = shape_of(planned.wiring.programs[0])
    stages = [
        {
            "name": stage.name,
            "steps_before": stage.before.step_count,
            "steps_after": stage.after.step_count,
            "programs": msgspec.to_builtins(stage.after.programs)
            if stage.before.programs != stage.after.programs
            else None,
        }
        for stage in planned.stages
    ]
    return {
        "stages": stages,
        "programs": msgspec.to_builtins(planned.wiring.programs),
        "widths": shape.widths,
        "critical_path": shape.critical_path,
    }


def _mermaid(plan: Compiled) -> str:
    lines = ["flowchart TD"]
    for number, program in enumerate(plan.programs):
        indent = "    "
        if number:
            lines.append(f'    subgraph program{number}["program {number}"]')
            indent = "        "
        lines.append(f"{indent}{_node(number, 0)}([input])")
        for slot, step in enumerate(program.steps, start=1):
            lines.append(f'{indent}{_node(number, slot)}["{_mermaid_text(step_title(plan, step))}"]')
        lines.append(f"{indent}{_node(number, 'out')}([output])")
        for source, target, label in _arrows(plan, number):
            arrow = f'-->|"{_mermaid_text(label)}"|' if label else "-->"
            lines.append(f"{indent}{source} {arrow} {target}")
        if number:
            lines.append("    end")
    lines += [f'    {source} -. "{_mermaid_text(when)}" .-> {target}' for source, target, when in _uses(plan)]
    return "\n".join(lines)


def _mermaid_text(text: str) -> str:
    """Text inside Mermaid's quotes: what ends them or is read as markup becomes a character's number."""
    return "".join(f"#{ord(sign)};" if sign in '"#<>&`\\' or ord(sign) < 32 else sign for sign in text)


def _graphviz(plan: Compiled) -> str:
    lines = ["digraph plan {", "    compound=true;", "    node [shape=box];"]
    for number, program in enumerate(plan.programs):
        indent = "    "
        if number:
            lines += [f"    subgraph cluster_{number} {{", f'        label="program {number}";']
            indent = "        "
        lines.append(f'{indent}{_node(number, 0)} [label="input", shape=oval];')
        for slot, step in enumerate(program.steps, start=1):
            lines.append(f"{indent}{_node(number, slot)} [label={_quoted(step_title(plan, step))}];")
        lines.append(f'{indent}{_node(number, "out")} [label="output", shape=oval];')
        for source, target, label in _arrows(plan, number):
            lines.append(f"{indent}{source} -> {target}{f' [label={_quoted(label)}]' if label else ''};")
        if number:
            lines.append("    }")
    for source, target, when in _uses(plan):
        lines.append(f"    {source} -> {target} [style=dashed, label={_quoted(when)}];")
    return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'


def _node(number: int, slot: int | str) -> str:
    return f"p{number}_{slot}"


def _arrows(plan: Compiled, number: int) -> Iterator[tuple[str, str, str]]:
    program = plan.programs[number]
    for slot, step in enumerate(program.steps, start=1):
        for read, label in reads_of(step):
            yield _node(number, read), _node(number, slot), label
    yield _node(number, program.result), _node(number, "out"), ""


def _uses(plan: Compiled) -> Iterator[tuple[str, str, str]]:
    for number, program in enumerate(plan.programs):
        for slot, step in enumerate(program.steps, start=1):
            for named, when in uses_of(step):
                yield _node(number, slot), _node(named, 0), when


def _drawing(plan: Compiled) -> str:
    from greenlang.gcel.drawings import drawing_of

    return msgspec.json.encode(drawing_of(plan)).decode()


FORMATS: dict[str, Callable[[Compiled], str]] = {
    "text": _text,
    "json": _json,
    "mermaid": _mermaid,
    "graphviz": _graphviz,
    "drawing": _drawing,
}
