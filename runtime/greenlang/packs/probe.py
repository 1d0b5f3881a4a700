"""Runs a pack's agents and examples in a process of its own and tells what happened.

The kit starts it as `python -P -m greenlang.packs.probe`, with a `Request` as JSON on standard input, and
reads an `Answer` from standard output; what the pack prints goes to standard error.  A pack that exits, hangs
or crashes takes only this process with it.
"""

from __future__ import annotations

__all__ = ["Answer", "ExampleRun", "Request", "main"]

import inspect
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from types import CodeType
from typing import Any

import msgspec

from greenlang.agents import Agent, AgentSpec, Discovery, Example, Registry, discover
from greenlang.agents.manifest import ExampleDeclaration
from greenlang.errors import GreenLangError
from greenlang.packs.columnar import columnar_findings
from greenlang.packs.documentation import documentation_findings
from greenlang.packs.findings import Finding
from greenlang.packs.source import open_directory
from greenlang.packs.values import find_float, holds_float, value_fits
from greenlang.packs.watching import Sight, Watch


class Request(msgspec.Struct):
    """Which pack to run."""

    distribution: str
    version: str
    package: str
    #: Stands on the path while it runs.
    root: str
    runs: int


class ExampleRun(msgspec.Struct):
    """What one example did."""

    title: str
    #: Canonical JSON of the result of each run.
    results: list[str]
    #: Seconds that the quickest run took.
    seconds: float
    #: Agents of the pack that ran.
    agents: list[str]
    #: True where an agent declares that its result may differ from run to run.
    varies: bool


class Answer(msgspec.Struct):
    """All that was seen."""

    findings: list[Finding]
    examples: list[ExampleRun]
    #: Seconds that importing the agents took.
    load_seconds: float


_VARYING = {"io", "llm", "random", "clock"}


def main() -> None:
    """Answer one request."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    # What the pack prints must not stand between the lines of the answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answer = _Probe(request).run()
    answers.write(msgspec.json.encode(answer))
    answers.flush()
    # At once: threads and exit handlers of the pack have nothing to say here.
    os._exit(0)


class _Probe:
    """One pack, loaded and watched."""

    def __init__(self, request: Request) -> None:
        sys.path.insert(0, request.root)
        self._runs = request.runs
        self._pack = open_directory(
            Path(request.root), request.package, request.distribution, request.version
        )
        others = tuple(one for one in discover().plugins if one.distribution != request.distribution)
        self._registry = Registry(discovery=Discovery((*others, self._pack.plugin), ()))
        self._specs: dict[str, AgentSpec] = {}
        #: Names of the agents that ran in the example at hand.
        self._given: set[str] = set()
        #: What gives an agent's output; its columnar form gives a column, and `setup` nothing.
        self._giving: set[CodeType] = set()
        #: How often each agent's code has given something, its columnar form and methods too.
        self._runs_of: Counter[CodeType] = Counter()
        self._findings: dict[Finding, None] = {}
        self._watch = Watch(self._pack.folder, self._returned)

    def run(self) -> Answer:
        _load_what_runs_need()
        started = time.perf_counter()
        with self._watch:
            loaded = self._load()
        load_seconds = time.perf_counter() - started
        self._watch.know(loaded)
        examples = [run for declared in self._pack.manifest.examples if (run := self._example(declared))]
        for name, spec in self._specs.items():
            numbered = enumerate(spec.examples, start=1)
            examples += [run for number, one in numbered if (run := self._own_example(name, number, one))]
        for name, spec in self._specs.items():
            self._compare_columns(name, spec)
            with self._watch:
                self._findings.update(dict.fromkeys(documentation_findings(name, spec)))
        self._findings.update(dict.fromkeys(self._sights()))
        return Answer(list(self._findings), examples, load_seconds)

    def _load(self) -> dict[CodeType, str]:
        codes: dict[CodeType, str] = {}
        for declared in self._pack.manifest.agents:
            try:
                spec = self._registry.resolve(declared.name, f"=={declared.version}")
            except GreenLangError as error:
                self._find("agent.load", str(error), place=f"{declared.name} {declared.version}")
                continue
            name = f"{spec.name} {spec.version}"
            self._specs[name] = spec
            # A class agent's function is the runtime's own; what the pack wrote are its methods.
            is_class = inspect.isclass(spec.definition)
            methods = vars(spec.definition).values() if is_class else (spec.function,)
            codes.update({each.__code__: name for each in methods if inspect.isfunction(each)})
            giving = vars(spec.definition)["__call__"] if is_class else spec.function
            self._giving.add(giving.__code__)
            if spec.columns is not None:
                # Seen as the agent, but what it gives is a column.
                codes[spec.columns.function.__code__] = name
            self._check_types(name, spec)
        return codes

    def _check_types(self, name: str, spec: AgentSpec) -> None:
        kinds = [("its input", spec.input_type), ("its output", spec.output_type)]
        kinds += [(f"its option {option.name}", option.type) for option in spec.options]
        for what, kind in kinds:
            if kind is Any:
                self._find("agent.types", f"{what} has no type", "annotate it", name)
            elif holds_float(kind):
                self._find("agent.types", f"{what} is or holds a float", "take Decimal", name)

    def _returned(self, name: str, code: CodeType, value: object) -> None:
        spec = self._specs[name]
        self._given.add(name)
        self._runs_of[code] += 1
        if code not in self._giving:
            return
        if (place := find_float(value)) is not None:
            self._find("agent.result", f"it gave a float, at {place}", "compute with Decimal", name)
        elif not value_fits(value, spec.output_type):
            told = getattr(spec.output_type, "__name__", str(spec.output_type))
            self._find(
                "agent.result",
                f"it gave a {type(value).__name__}, and declares {told}",
                "declare what it gives",
                name,
            )

    def _example(self, declared: ExampleDeclaration) -> ExampleRun | None:
        """Run an example of pack.yaml, and compare it with the file of its result."""
        partly = False

        def once() -> str:
            nonlocal partly
            result, partly = self._run(declared)
            return result

        made = self._repeat(declared.title, declared.program, once)
        if made is not None:
            self._compare(declared, made.results[0], partly=partly)
        return made

    def _own_example(self, name: str, number: int, example: Example) -> ExampleRun | None:
        """Run an example that stands at the agent itself."""
        from greenlang.gcel import compile as compile_program
        from greenlang.ledger import canonical_bytes

        agent = Agent(self._specs[name])
        plan = compile_program(
            agent(**example.options) if example.options else agent, registry=self._registry
        )

        def once() -> str:
            return canonical_bytes(plan.run(example.input)).decode()

        place = f"{name}, example {number}"
        made = self._repeat(place, place, once)
        if made is not None:
            expected = canonical_bytes(example.output).decode()
            if made.results[0] != expected:
                message = f"it gives {_cut(made.results[0])}, and {_cut(expected)} is expected"
                self._find("example.result", message, "mend the agent or the example", place)
        return made

    def _compare_columns(self, name: str, spec: AgentSpec) -> None:
        if spec.columns is not None:
            code = spec.columns.function.__code__
            with self._watch:
                found = columnar_findings(name, spec, self._registry, lambda: self._runs_of[code])
                self._findings.update(dict.fromkeys(found))

    def _repeat(self, title: str, place: str, once: Callable[[], str]) -> ExampleRun | None:
        """Run an example as often as was asked, the first time watched; None, and a finding, if it fails."""
        self._given = set()
        results: list[str] = []
        times: list[float] = []
        try:
            for number in range(self._runs):
                started = time.perf_counter()
                with self._watch if number == 0 else nullcontext():
                    results.append(once())
                times.append(time.perf_counter() - started)
        except Exception as error:  # foreign code may raise anything, and the kit tells of it
            message = str(error) if isinstance(error, GreenLangError) else f"{type(error).__name__}: {error}"
            self._find("example.result", f"it fails: {message}", place=place)
            return None
        used = [self._specs[name] for name in sorted(self._given)]
        return ExampleRun(
            title,
            results,
            # The first run is watched, which takes its time.
            min(times[1:] or times),
            [f"{spec.name} {spec.version}" for spec in used],
            any(spec.effects & _VARYING for spec in used),
        )

    def _run(self, declared: ExampleDeclaration) -> tuple[str, bool]:
        """The canonical result of one run, and whether it is an inventory's."""
        from greenlang.carbon import AccountingPolicy
        from greenlang.engine import gather_evidence, load_program, read_input
        from greenlang.ledger import canonical_bytes

        plan = load_program(self._pack.folder / declared.program, registry=self._registry)
        path = None if declared.input is None else self._pack.folder / declared.input
        given = read_input(plan, path, AccountingPolicy())
        value = plan.run(given)
        evidence = gather_evidence(plan, given, value, registry=self._registry)
        return canonical_bytes(evidence.record.result).decode(), evidence.inventory is not None

    def _compare(self, declared: ExampleDeclaration, result: str, *, partly: bool) -> None:
        from greenlang.ledger import plain

        path = self._pack.folder / declared.output
        try:
            expected = plain(msgspec.json.Decoder(float_hook=Decimal).decode(path.read_bytes()))
        except (OSError, msgspec.DecodeError) as error:
            self._find("example.result", f"it cannot be read: {error}", place=declared.output)
            return
        given = msgspec.json.decode(result)
        place = _difference(expected, given, partly=partly)
        if place is not None:
            where, wanted, found = place
            self._find(
                "example.result",
                f"{declared.program} gives {_short(found)} at {where}, and {_short(wanted)} is expected",
                "mend the agent or the expected result",
                declared.output,
            )

    def _sights(self) -> Sequence[Finding]:
        found = []
        for sight in sorted(self._watch.sights):
            spec = self._specs.get(sight.agent)
            if sight.effect == "task":
                if spec is not None and spec.is_async and not spec.needs_task:
                    fix = "declare needs_task=True"
                    found.append(Finding("agent.needs-task", f"it {sight.what}", fix, sight.agent))
            elif spec is None or sight.effect not in spec.effects:
                found.append(Finding("agent.effects", f"it {sight.what}", _declare(sight), _who(sight)))
        return found

    def _find(self, rule: str, message: str, fix: str = "", place: str = "") -> None:
        self._findings[Finding(rule, message, fix, place)] = None


def _declare(sight: Sight) -> str:
    if not sight.agent:
        return "do it inside an agent that declares it, not when the module is imported"
    return f"declare the effect {sight.effect}, or leave it to an agent that does"


def _who(sight: Sight) -> str:
    return sight.agent or "importing the pack"


def _short(value: object) -> str:
    return "nothing" if value is _ABSENT else _cut(msgspec.json.encode(value).decode())


def _cut(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


_ABSENT = object()


def _difference(
    expected: Any, given: Any, *, partly: bool, place: str = "$"
) -> tuple[str, object, object] | None:
    """Where two values first differ, what was expected there and what is given.

    `partly`: of an object, only the keys that are expected are compared.
    """
    if isinstance(expected, dict) and isinstance(given, dict):
        keys = expected if partly else {**expected, **given}
        pairs = [(f"{place}.{key}", expected.get(key, _ABSENT), given.get(key, _ABSENT)) for key in keys]
    elif isinstance(expected, list) and isinstance(given, list) and len(expected) == len(given):
        pairs = [(f"{place}[{index}]", *both) for index, both in enumerate(zip(expected, given, strict=True))]
    else:
        return None if expected == given and type(expected) is type(given) else (place, expected, given)
    found = (_difference(one, other, partly=partly, place=where) for where, one, other in pairs)
    return next((difference for difference in found if difference), None)


def _load_what_runs_need() -> None:
    """Import and run once what the runtime itself loads late: it is not the pack's doing."""
    import greenlang.carbon
    import greenlang.engine
    import greenlang.gcel

    greenlang.gcel.compile("identity").run(None)


if __name__ == "__main__":
    main()
