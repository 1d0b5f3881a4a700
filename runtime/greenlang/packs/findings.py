"""What speaks against a pack: the rule that it broke, where, and what would mend it."""

from __future__ import annotations

__all__ = ["RULES", "Finding", "refusal"]

from collections.abc import Iterable
from dataclasses import dataclass

from greenlang.errors import PackError

#: Every rule that a pack is held to, by name, and what it asks.
RULES = {
    "archive.readable": "A pack is one whole wheel: a zip file, not encrypted, named as wheels are.",
    "archive.size": "It has at most 10,000 files and 512 MiB, and none that unpacks to 200 times its size.",
    "archive.path": "Its files have plain relative names, each once; none is a link.",
    "archive.startup": "No file of it runs when Python starts: no .pth, no .start, no sitecustomize.",
    "archive.foreign": "Everything in it belongs to its own package or its metadata.",
    "archive.overlap": "No file of it lies where another distribution's or Python's own modules are.",
    "archive.command": "It brings no command that hides one that is there.",
    "archive.record": "Its RECORD lists every file with the SHA-256 and size that the file has.",
    "archive.metadata": "Its metadata name the release that its file name promises, and hook into no tool.",
    "archive.needs": "What it needs besides is installed: whatever pip would bring, nobody has looked at.",
    "manifest.schema": "Its pack.yaml keeps the schema.",
    "manifest.release": "Its pack.yaml, its project and its entry point tell of one release of one package.",
    "manifest.licence": "Its licence is an SPDX expression.",
    "agent.name": "No other distribution declares an agent of this name.",
    "factor.table": "Its factor files can be read: columns, units, gases, regions.",
    "factor.citation": "Every factor has a citation, and every factor set a licence.",
    "factor.float": "No figure shows the rounding error of a binary float.",
    "formula.text": "Every formula is text of the formula language, whose units agree.",
    "data.code": "No file hides code: no pickles, no compiled Python.",
    "agent.load": "Its agents load, and are what pack.yaml declares.",
    "agent.types": "Input, output and options of an agent are annotated, with types that hold no float.",
    "agent.result": "What an agent gives is of the type that it declares, and holds no float.",
    "agent.effects": "An agent uses files, sockets, processes, clock and chance only as its effects tell.",
    "agent.columns": "The columnar form of an agent gives for a column what the agent gives for its items.",
    "agent.needs-task": "An asynchronous agent that needs a task of its own says so.",
    "agent.example": "Every agent runs in an example, unless its effects reach outside.",
    "example.result": "Every example gives the result that stands beside it.",
    "example.documentation": "The >>> examples in an agent's docstring give what they show.",
    "example.deterministic": "Three runs in each of two processes give the same.",
    "example.speed": "An example runs within two seconds, and the agents load within ten.",
    "signature.present": "Where signatures are required, the pack has one.",
    "signature.holds": "The signature was made by its key over this very list of files.",
    "signature.files": "Every file is as it was when it was signed, and none was added.",
    "signature.trusted": "The key is one that this installation trusts.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that a pack breaks."""

    #: A key of `RULES`.
    rule: str
    message: str
    fix: str = ""
    #: File and line, agent or example.
    place: str = ""

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}" if self.place else self.message
        return f"[{self.rule}] {text}; {self.fix}" if self.fix else f"[{self.rule}] {text}"


def refusal(pack: str, findings: Iterable[Finding]) -> PackError:
    """The error that refuses a pack for what was found."""
    told = "\n".join(f"  {finding}" for finding in findings)
    return PackError(f"{pack} is refused:\n{told}")
