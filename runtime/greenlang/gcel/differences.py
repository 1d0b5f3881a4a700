"""What changed between two plans, and which steps run again because of it."""

from __future__ import annotations

__all__ = ["differences"]

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

from greenlang.gcel.changes import form_changes
from greenlang.gcel.outlines import Outline, StepOutline

#: Steps that are told one by one; the rest is counted.
SHOWN_STEPS = 200


def differences(before: Outline, after: Outline) -> list[str]:
    """Lines that say what changed, and why each step runs again that does; empty if nothing changed."""
    if [step.key for step in before.steps] == [step.key for step in after.steps]:
        if before.hash == after.hash:
            return []
        if before.form == after.form:
            return ["the results come from other steps than before"]
        return [f"nothing that runs: the plans are written in forms {before.form} and {after.form}"]
    pairs: dict[int, StepOutline] = {}
    told = [*_agents(before, after), *_files(before, after), *_steps(before, after, pairs)]
    again = {step.place for step in after.steps} - _kept(before, after)
    told.append(f"{len(again):,} of {len(after.steps):,} steps run again" + (":" if again else ""))
    shown = sorted(again)[:SHOWN_STEPS]
    told += [f"  {after.steps[place].label}: {_reason(place, after, pairs, again)}" for place in shown]
    if len(again) > len(shown):
        told.append(f"  and {len(again) - len(shown):,} more")
    return told


def _agents(before: Outline, after: Outline) -> Iterator[str]:
    for name in sorted({name for name, _ in (*before.agents, *after.agents)}):
        was = sorted(version for of, version in before.agents if of == name)
        now = sorted(version for of, version in after.agents if of == name)
        if was and now and was != now:
            yield f"agent '{name}': version {', '.join(was)} became {', '.join(now)}"
        for version in was:
            if version in now and before.agents[name, version] != after.agents[name, version]:
                yield f"agent '{name}' {version}: its code changed"


def _files(before: Outline, after: Outline) -> Iterator[str]:
    for name in sorted(before.files.keys() | after.files.keys()):
        if name not in after.files:
            yield f"file '{name}' is no longer used"
        elif name not in before.files:
            yield f"file '{name}' is new"
        elif before.files[name] != after.files[name]:
            yield f"file '{name}': its content changed"


def _steps(before: Outline, after: Outline, pairs: dict[int, StepOutline]) -> Iterator[str]:
    """What became of the steps; notes in `pairs` what each of the later ones was before."""
    old, new = ([step.title for step in plan.steps] for plan in (before, after))
    for kind, first, last, from_, to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal" or (kind == "replace" and last - first == to - from_):
            pairs.update(zip(range(from_, to), before.steps[first:last], strict=True))
        if kind == "equal":
            continue
        gone, come = old[first:last], new[from_:to]
        if len(gone) == len(come):
            yield from (f"step {was} became {now}" for was, now in zip(gone, come, strict=True))
        else:
            yield from (f"step {title} was removed" for title in gone)
            yield from (f"step {title} was added" for title in come)


def _kept(before: Outline, after: Outline) -> set[int]:
    known = {step.key for step in before.steps}
    return {step.place for step in after.steps if step.key in known}


def _reason(place: int, after: Outline, pairs: Mapping[int, StepOutline], again: set[int]) -> str:
    """Why a step runs again: itself, what it runs, or what comes before it."""
    step = after.steps[place]
    if place not in pairs:
        return "it is new"
    if own := form_changes(pairs[place].form, step.form):
        return "; ".join(own)
    for words, places in (("inside it", step.inside), ("comes after", step.before)):
        if changed := [after.steps[each].label for each in places if each in again]:
            return f"{words} {', '.join(dict.fromkeys(changed))}"
    return "it reads from other steps, or runs others, than before"
