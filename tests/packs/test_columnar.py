"""A columnar form is another way to run its agent, never another agent: one pack of many is compared."""

import shutil

import pytest

from greenlang.packs import check_pack, open_pack

EXAMPLES = '[Example(Decimal("1.5"), Decimal("3.0")), Example(Decimal(2), Decimal(6), {"times": 3})]'

MORE = f"[Example(Decimal(7), Decimal(14)), {EXAMPLES[1:]}"

DIFFERS = "gives other values than the agent"

#: Name -> examples of the agent, what the column is annotated with, body of the form, and what is told of it.
FORMS = {
    "right": (EXAMPLES, "DecimalColumn", "return values * times", None),
    "right_list": (EXAMPLES, "list[Decimal]", "return [value * times for value in values]", None),
    "other": (EXAMPLES, "DecimalColumn", "return values * 2", DIFFERS),
    "neighbours": (MORE, "list[Decimal]", "return [max(values) * times for _ in values]", DIFFERS),
    "in_order": (MORE, "list[Decimal]", "return sorted(value * times for value in values)", DIFFERS),
    "short": (EXAMPLES, "list[Decimal]", "return values[1:]", "gives 1 items for 2"),
    "raises": (EXAMPLES, "DecimalColumn", "raise KeyError", "gives no column for 2 inputs"),
    "clock": (EXAMPLES, "DecimalColumn", "time.time(); return values * times", "reads the clock"),
    "unseen": ("[]", "DecimalColumn", "return values * times", "it has no examples"),
}

HEAD = """
import time
from decimal import Decimal

import greenlang as gl
from greenlang.agents import Example
from greenlang_core import DecimalColumn
"""


def written(name, examples, takes, body):
    return f"""
@gl.agent(name="acme.{name}", version="1.0.0", effects=["pure"], examples={examples})
def {name}(value: Decimal, *, times: int = 2) -> Decimal:
    'Multiply.'
    return value * times

@{name}.columns
def {name}_columns(values: {takes}, *, times: int = 2) -> {takes}:
    {body}
"""


@pytest.fixture(scope="module")
def findings(scaffold, tmp_path_factory):
    project = shutil.copytree(scaffold, tmp_path_factory.mktemp("columnar") / "acme")
    package = project / "src" / "acme_pack"
    code, agents = HEAD, "agents:\n"
    for name, (examples, takes, body, _) in FORMS.items():
        code += written(name, examples, takes, body)
        agents += f"  - {{name: acme.{name}, version: 1.0.0, entrypoint: 'acme_pack.agents:{name}', "
        agents += "summary: Multiplies., effects: [pure]}\n"
    (package / "agents.py").write_text(code)
    manifest = (package / "pack.yaml").read_text()
    start, end = manifest.index("agents:"), manifest.index("changelog:")
    (package / "pack.yaml").write_text(manifest[:start] + agents + manifest[end:])
    with open_pack(str(project)) as pack:
        return check_pack(pack).findings


@pytest.mark.parametrize("name", FORMS)
def test_a_form_that_gives_something_else_is_told(name, findings):
    told = [
        found for found in findings if found.place == f"acme.{name} 1.0.0" and found.rule != "agent.example"
    ]
    expected = FORMS[name][-1]
    if expected is None:
        assert told == []
    else:
        assert [found.rule for found in told] == [
            "agent.effects" if name == "clock" else "agent.columns"
        ] * len(told)
        assert any(expected in found.message for found in told), told
