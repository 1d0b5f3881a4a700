"""The pages for pack authors: the tutorial is walked through, the tables hold what the code has."""

import re
import shlex
from pathlib import Path

import msgspec

from greenlang.agents import PackManifest
from greenlang.packs import RULES

DOCS = Path(__file__).parents[2] / "docs"

_STEP = re.compile(r"(?:<!-- (append to|write to) (\S+) -->\n)?```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_KEY = re.compile(r"`([a-z_]+)`")


def test_the_tutorial_does_what_it_says(environment, tmp_path):
    here = tmp_path
    told = ""
    for how, name, language, text in _STEP.findall((DOCS / "tutorial-pack.md").read_text("utf-8")):
        if how == "append to":
            with (here / name).open("a") as file:
                file.write(text)
        elif how == "write to":
            (here / name).write_text(text)
        elif language == "sh":
            for line in text.splitlines():
                words = shlex.split(line)
                if words[0] == "cd":
                    here /= words[1]
                # pip and pytest are not ours; an update needs the pack in Git, which test_scaffold has.
                elif words[0] == "greenlang" and words[1:] != ["packs", "update"]:
                    offline = ["--no-isolation"] if words[1:3] == ["packs", "build"] else []
                    told = environment.greenlang(*words[1:], *offline, cwd=here)
    assert "East depot   15.36" in re.sub(r" {3,}", "   ", told), told
    environment.pip("uninstall", "--yes", "acme-pack")


def test_the_page_of_rules_lists_every_rule_in_its_words():
    table = re.findall(
        r"^\| `([\w.-]+)` \| (.*) \|$", (DOCS / "pack-rules.md").read_text("utf-8"), re.MULTILINE
    )
    assert dict(table) == RULES


def test_the_reference_of_pack_yaml_names_every_key():
    page = (DOCS / "packs.md").read_text("utf-8").partition("## Which code ran")[0]
    named = set(_KEY.findall(re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)))
    assert keys(PackManifest) <= named


def keys(struct: type[msgspec.Struct]) -> set[str]:
    """The keys of a part of the schema and of the parts in it."""
    found = set()
    pending = [msgspec.inspect.type_info(struct)]
    while pending:
        part = pending.pop()
        if isinstance(part, msgspec.inspect.StructType):
            found.update(field.name for field in part.fields)
            pending += [field.type for field in part.fields]
        elif isinstance(part, msgspec.inspect.VarTupleType):
            pending.append(part.item_type)
    return found


def test_the_glossary_is_in_order():
    terms = re.findall(r"^(.+)\n: ", (DOCS / "glossary.md").read_text("utf-8"), re.MULTILINE)
    assert len(terms) > 20
    assert terms == sorted(terms, key=str.casefold)
