"""`greenlang packs`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.text import Text

from greenlang.cli.console import output, table, working
from greenlang.cli.formats import format_option, print_json

__all__ = ["packs"]

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(
    epilog="""\b
Examples:
  greenlang packs list
  greenlang packs new acme --set author="Acme Ltd"
  greenlang packs check
  greenlang packs build
  greenlang packs install dist/acme_pack-0.1.0-py3-none-any.whl
"""
)
def packs() -> None:
    """Make, check, build, sign, install and look at packs."""


@packs.command(
    "list",
    epilog="""\b
Example:
  greenlang packs list --format json
""",
)
@format_option
def list_packs(form: str) -> None:
    """List the installed packs."""
    from greenlang.agents import default_registry, discover

    found = [plugin for plugin in discover().plugins if plugin.manifest is not None]
    entries = [
        {
            "name": plugin.distribution,
            "version": plugin.version,
            "agents": len({declared.name for declared in plugin.manifest.agents}),
            "factor_sets": len(plugin.manifest.factor_sets),
            "licence": plugin.manifest.licence,
            "summary": plugin.manifest.summary,
        }
        for plugin in found
        if plugin.manifest is not None
    ]
    if form == "json":
        print_json(entries)
        return
    listing = table("", "pack", "version", ">agents", ">factor sets", "licence", "what it is")
    for entry in entries:
        listing.add_row(*map(str, entry.values()))
    output().print(listing)
    for problem in default_registry().problems:
        click.echo(f"left out: {problem}", err=True)


@packs.command(
    epilog="""\b
Examples:
  greenlang packs show greenlang-fuels
  greenlang packs show dist/acme_pack-0.1.0-py3-none-any.whl
"""
)
@click.argument("pack")
def show(pack: str) -> None:
    """Show what PACK declares: a project's folder, a wheel, or the name of an installed pack."""
    from greenlang.packs import open_pack

    console = output()
    with open_pack(pack) as source:
        manifest = source.manifest
        console.print(Text.assemble((str(source), "bold"), f"  {manifest.licence}"))
        console.print(f"{manifest.summary}\nneeds greenlang {manifest.requires.greenlang}\n")
        agents = table("Agents", "agent", "version", "effects", "what it does")
        for declared in manifest.agents:
            effects = ", ".join(declared.effects) or "none"
            agents.add_row(declared.name, declared.version, effects, declared.summary)
        factors = table("Factor sets", "dataset", "edition", "licence", "citation")
        for factor_set in manifest.factor_sets:
            factors.add_row(factor_set.dataset, factor_set.edition, factor_set.licence, factor_set.citation)
        formulas = table("Formulas", "formula", "version", "text", "citation")
        for formula in manifest.formulas:
            formulas.add_row(formula.name, formula.version, formula.text, formula.citation)
        examples = table("Examples", "example", "program")
        for example in manifest.examples:
            examples.add_row(example.title, example.program)
        changes = table("Changes", "version", "date", "what changed")
        for release in manifest.changelog:
            changes.add_row(release.version, release.date, release.changes)
        for listing in (agents, factors, formulas, examples, changes):
            if listing.row_count:
                console.print(listing)


@packs.command(
    epilog="""\b
Examples:
  greenlang packs new acme
  greenlang packs new acme --set pack=acme --set author="Acme Ltd" --no-ask
"""
)
@click.argument("folder", type=_FOLDER)
@click.option(
    "--set",
    "answers",
    multiple=True,
    metavar="NAME=ANSWER",
    help="An answer: pack, distribution, package, summary, author or licence.",
)
@click.option("--ask/--no-ask", default=None, help="Ask for the other answers; by default on a terminal.")
def new(folder: Path, answers: tuple[str, ...], ask: bool | None) -> None:
    """Make a pack in FOLDER, complete and passing: agent, factors, example, tests."""
    from greenlang.packs import new_pack

    given = {}
    for text in answers:
        name, equals, answer = text.partition("=")
        if not equals:
            raise click.BadParameter(f"'{text}' is not NAME=ANSWER; write --set author=\"Acme Ltd\"")
        given[name] = answer
    new_pack(folder, given, ask=sys.stdin.isatty() if ask is None else ask)
    click.echo(f"{folder} is a pack; next: cd {folder}, and greenlang packs check")


@packs.command(
    epilog="""\b
Example:
  greenlang packs update acme
"""
)
@click.argument("folder", type=_FOLDER, default=Path())
def update(folder: Path) -> None:
    """Merge later fixes of the scaffold into the pack in FOLDER, which has to be committed to Git."""
    from greenlang.packs import update_pack

    version = update_pack(folder)
    click.echo(f"{folder} has version {version} of the template; look at the changes before you commit them")


@packs.command(
    epilog="""\b
Examples:
  greenlang packs check
  greenlang packs check dist/acme_pack-0.1.0-py3-none-any.whl --format json
"""
)
@click.argument("pack", default=".")
@format_option
def check(pack: str, form: str) -> None:
    """Hold PACK to every rule: a project's folder (this one by default), a wheel, or an installed pack.

    Its code is imported only if it keeps the rules that need none of it. The exit code is 1 if a rule is
    broken.
    """
    from greenlang.packs import RULES, check_pack, open_pack

    with working("checking"), open_pack(pack) as source:
        report = check_pack(source)
    broken: dict[str, list[str]] = {finding.rule: [] for finding in report.findings}
    for finding in report.findings:
        broken[finding.rule].append(str(finding))
    if form == "json":
        told = {
            "pack": report.pack,
            "passed": report.passed,
            "findings": [
                {"rule": one.rule, "message": one.message, "fix": one.fix, "place": one.place}
                for one in report.findings
            ],
            "asked": list(report.asked),
        }
        print_json(told)
    else:
        listing = table(report.pack, "", "rule", "what it asks")
        for rule in report.asked:
            verdict = Text("broken", "bold red") if rule in broken else Text("kept", "green")
            listing.add_row(verdict, rule, RULES[rule])
        output().print(listing)
        for lines in broken.values():
            for line in lines:
                click.echo(line, err=True)
    sys.exit(0 if report.passed else 1)


@packs.command(
    epilog="""\b
Example:
  greenlang packs build acme --output dist
"""
)
@click.argument("folder", type=_FOLDER, default=Path())
@click.option("--output", "into", type=_FOLDER, help="Where the files go; FOLDER/dist if not given.")
@click.option("--no-isolation", is_flag=True, help="Build with what is installed here, without an index.")
def build(folder: Path, into: Path | None, no_isolation: bool) -> None:
    """Build wheel and source archive of the pack in FOLDER; the same sources give the same bytes.

    Times in the archives are SOURCE_DATE_EPOCH, or 1980.
    """
    from greenlang.packs import build_pack, inspect_wheel, open_wheel, refusal, surroundings

    with working("building"):
        made = build_pack(folder, into or folder / "dist", isolated=not no_isolation)
    for path in made:
        if path.suffix == ".whl":
            wheel = open_wheel(path)
            findings = inspect_wheel(wheel, surroundings(apart_from=wheel.distribution))
            if findings:
                raise refusal(path.name, findings)
        click.echo(path)


@packs.command(
    epilog="""\b
Example:
  greenlang packs sign dist/acme_pack-0.1.0-py3-none-any.whl
"""
)
@click.argument("wheel", type=_FILE)
def sign(wheel: Path) -> None:
    """Sign WHEEL with this installation's key; the signature is written beside it."""
    from greenlang.packs import open_wheel, sign_wheel, signature_path

    signature = sign_wheel(open_wheel(wheel))
    click.echo(f"{signature_path(wheel)}\nsigned by {signature.signer}, public key {signature.public_key}")


@packs.command(
    epilog="""\b
Example:
  greenlang packs verify dist/acme_pack-0.1.0-py3-none-any.whl --tenant acme
"""
)
@click.argument("wheel", type=_FILE)
@click.option("--tenant", default="default", show_default=True, help="Whose trusted keys are asked.")
def verify(wheel: Path, tenant: str) -> None:
    """Check the signature beside WHEEL: made by its key, over these very files, by a key that is trusted."""
    from greenlang.packs import check_wheel, open_wheel

    signature = check_wheel(open_wheel(wheel), tenant=tenant)
    click.echo(f"signed by {signature.signer}" if signature else "not signed, and the policy asks for none")


@packs.command(
    epilog="""\b
Examples:
  greenlang packs install dist/acme_pack-0.1.0-py3-none-any.whl
  greenlang packs install 'acme-pack>=0.1,<0.2'
  greenlang packs install acme-pack --signature acme_pack-0.1.0-py3-none-any.whl.sig.json
"""
)
@click.argument("pack")
@click.option(
    "--signature",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Its signature; by default the file beside the wheel, which an index does not have.",
)
@click.option("--tenant", default="default", show_default=True, help="Whose trusted keys are asked.")
@click.option("--no-run", is_flag=True, help="Do not run its examples first.")
def install(pack: str, signature: Path | None, tenant: str, no_run: bool) -> None:
    """Install PACK, a wheel or a requirement, after it kept every rule."""
    from greenlang.packs import install_pack

    with working("inspecting and installing"):
        installed = install_pack(pack, signature_file=signature, run=not no_run, tenant=tenant)
    signer = f"signed by {installed.signer}" if installed.signer else "not signed"
    click.echo(f"installed {installed.distribution} {installed.version}, {signer}")


@packs.command(
    epilog="""\b
Example:
  greenlang packs sbom acme > acme.cdx.json
"""
)
@click.argument("pack", default=".")
def sbom(pack: str) -> None:
    """Print the bill of materials of PACK as CycloneDX JSON."""
    from greenlang.packs import bill_of_materials, open_pack

    with open_pack(pack) as source:
        click.echo(bill_of_materials(source))
