"""The conformance kit: holds a pack to the rules, those that need none of its code first.

In: a pack.  Out: a `ConformanceReport`.  Only a pack that passes the static rules is imported and run: in two
processes whose hashes are seeded differently, three times in each.
"""

from __future__ import annotations

__all__ = ["ConformanceReport", "check_pack"]

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec

from greenlang.packs.findings import RULES, Finding, refusal
from greenlang.packs.inspection import agents_of_others
from greenlang.packs.probe import Answer, Request
from greenlang.packs.source import PackSource
from greenlang.packs.static_checks import static_findings

#: Runs of each example in each process.
RUNS = 3

#: Seeds of the hashes of texts; sets of texts come in another order under each.
HASH_SEEDS = (1, 2)

#: What the rule example.speed allows, in seconds: a smoke test, not a benchmark.
EXAMPLE_SECONDS = 2.0
LOAD_SECONDS = 10.0

#: A pack that takes longer in one process is stopped.
TIMEOUT_SECONDS = 120

#: Effects of agents that no example has to run, for what they do cannot be had everywhere.
_OUTWARD = {"io", "llm"}

#: Rules that need the pack's code.
DYNAMIC_RULES = tuple(
    rule for rule in RULES if rule.partition(".")[0] in ("agent", "example") and rule != "agent.name"
)

#: Rules that are asked of what it says and of its data.
STATIC_RULES = tuple(
    rule
    for rule in RULES
    if rule.partition(".")[0] in ("manifest", "factor", "formula") or rule in ("agent.name", "data.code")
)


@dataclass(frozen=True, slots=True)
class ConformanceReport:
    """What the kit found."""

    pack: str
    findings: tuple[Finding, ...]
    #: Rules that were asked; the others wait until the findings are mended.
    asked: tuple[str, ...]
    #: Titles of the examples that ran, and the seconds that each took.
    examples: tuple[tuple[str, float], ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the pack keeps every rule."""
        return not self.findings

    def refuse(self) -> None:
        """Raise a PackError if anything was found."""
        if self.findings:
            raise refusal(self.pack, self.findings)


def check_pack(pack: PackSource) -> ConformanceReport:
    """Hold a pack to every rule; its code is imported only if it keeps those that need none of it."""
    findings = static_findings(pack, agents_of_others(pack.distribution))
    if findings:
        return ConformanceReport(str(pack), tuple(findings), STATIC_RULES)
    asked = (*STATIC_RULES, *DYNAMIC_RULES)
    with ThreadPoolExecutor(len(HASH_SEEDS)) as threads:
        told = list(threads.map(lambda seed: _probe(pack, seed), HASH_SEEDS))
    answers = [answer for answer in told if isinstance(answer, Answer)]
    if len(answers) < len(told):
        failures = dict.fromkeys(answer for answer in told if isinstance(answer, Finding))
        return ConformanceReport(str(pack), tuple(failures), asked)
    found = dict.fromkeys(finding for answer in answers for finding in answer.findings)
    found.update(dict.fromkeys(_across(pack, answers)))
    return ConformanceReport(
        str(pack),
        tuple(found),
        asked,
        tuple((example.title, example.seconds) for example in answers[0].examples),
    )


def _probe(pack: PackSource, seed: int) -> Answer | Finding:
    request = Request(pack.distribution, pack.version, pack.package, str(pack.root), RUNS)
    with tempfile.TemporaryDirectory(prefix="greenlang-check-") as home:
        # A home of its own, and none of this process's secrets.
        environment = {
            "HOME": home,
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": str(seed),
            # Where this process has its modules from.
            **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
        }
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "greenlang.packs.probe"],
                input=msgspec.json.encode(request),
                capture_output=True,
                timeout=TIMEOUT_SECONDS,
                env=environment,
                cwd=home,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Finding(
                "example.speed", f"it did not end within {TIMEOUT_SECONDS} seconds", "make it quicker"
            )
    if done.returncode or not done.stdout:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        return Finding("agent.load", f"its process ended with code {done.returncode}: {last}", "mend it")
    return msgspec.json.decode(done.stdout, type=Answer)


def _across(pack: PackSource, answers: list[Answer]) -> Iterator[Finding]:
    """What only the answers of all processes together tell."""
    for examples in zip(*(answer.examples for answer in answers), strict=False):
        title, varies = examples[0].title, any(example.varies for example in examples)
        results = {result for example in examples for result in example.results}
        if len(results) > 1 and not varies:
            message = f"{len(results)} different results in {RUNS} runs of {len(HASH_SEEDS)} processes"
            fix = "compute from the input alone, in a fixed order; sets have none"
            yield Finding("example.deterministic", message, fix, title)
        seconds = min(example.seconds for example in examples)
        if seconds > EXAMPLE_SECONDS and not varies:
            message = f"it takes {seconds:.1f} s, and {EXAMPLE_SECONDS:g} s are allowed"
            yield Finding("example.speed", message, "make the example smaller, or the agents quicker", title)
    load_seconds = min(answer.load_seconds for answer in answers)
    if load_seconds > LOAD_SECONDS:
        message = f"importing its agents takes {load_seconds:.1f} s, and {LOAD_SECONDS:g} s are allowed"
        yield Finding("example.speed", message, "import what is large inside the agents that need it")
    ran = {agent for answer in answers for example in answer.examples for agent in example.agents}
    for declared in pack.manifest.agents:
        name = f"{declared.name} {declared.version}"
        if name not in ran and not _OUTWARD.intersection(declared.effects):
            message, fix = "no example runs it", "add one to `examples` in pack.yaml"
            yield Finding("agent.example", message, fix, name)
