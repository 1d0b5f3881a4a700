"""Integrity: whether everything that a bundle carries is what its hashes were made of.

Hashes decide; checks only help to name what was changed (see `greenlang.ledger.checks`).  Each function here
yields what it found wrong with one part of a bundle.
"""

from __future__ import annotations

__all__ = [
    "factor_findings",
    "factor_id",
    "field_findings",
    "input_findings",
    "list_findings",
    "output_findings",
    "record_findings",
]

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import zip_longest

import msgspec

from greenlang.errors import InputError
from greenlang.ledger.bundle import Bundle, CarriedFactor, CarriedList, TableInput
from greenlang.ledger.canonical import JSON, encode_plain
from greenlang.ledger.chain import Committed, leads_to_head, link_holds
from greenlang.ledger.checks import CHECK_DIGITS, changed_fields, check
from greenlang.ledger.findings import Finding, first_findings
from greenlang.ledger.labels import Label
from greenlang.ledger.merkle import root_of
from greenlang.ledger.ranges import (
    FIRST_ROW,
    ROWS_PER_RANGE,
    ItemTree,
    RangeTree,
    list_header,
    table_header,
)
from greenlang.ledger.record import RECORD_SCHEMA, FactorUse, hash_result
from greenlang.ledger.rows import RowSchema, RowTree, scaled_from_text
from greenlang.ledger.strict_json import decode_strictly
from greenlang.ledger.whole_ranges import add_result_rows, add_table_rows

#: Hex digits of a factor's content id after `ef_`.
_FACTOR_ID_DIGITS = 16


def field_findings(bundle: Bundle) -> Iterator[Finding]:
    """Every single field that does not fit its check."""
    for path, happened in changed_fields(bundle.covered(), bundle.checks):
        yield Finding(path, happened)


def record_findings(committed: Committed) -> Iterator[Finding]:
    """Hashes that are made from the record, and the chain that it stands in."""
    record, head = committed.record, committed.head
    if record.schema_version != RECORD_SCHEMA:
        yield Finding(
            "record.schema_version", f"is '{record.schema_version}', and '{RECORD_SCHEMA}' is known"
        )
    if (result_hash := hash_result(record)) != record.result_hash:
        yield Finding("record.result_hash", f"is not the {result_hash} of what it covers")
    if not leads_to_head(record, committed.inclusion, head):
        yield Finding("record", "is not among the records that the head of the chain was made from")
    if not link_holds(head):
        yield Finding("head.chain_hash", "is not that of what it covers")
    if record.chain_hash != head.chain_hash:
        yield Finding("record.chain_hash", "is not that of the head")


def input_findings(bundle: Bundle, given: TableInput | None) -> Iterator[Finding]:
    """The input against `input_hash`, and its rows, carried or given by file, against their root."""
    said, record = bundle.input, bundle.record
    if said.name != record.input_name:
        yield Finding("input.name", f"is '{said.name}', and '{record.input_name}' in the record")
    if (input_hash := said.input_hash) != record.input_hash:
        yield Finding("record.input_hash", f"is not the {input_hash} of the input in the bundle")
    if said.columns is None:
        return
    if said.rows is not None:
        tree = ItemTree(table_header(said.columns))

        def add(value: JSON, encoded: bytes) -> str:
            _check_table_row(value)
            tree.add_encoded(encoded)
            return ""

        whole = partial(add_table_rows, tree)
        yield from _list_findings(said.rows, tree, add, said.root, said.row_count, whole)
    if given is not None:
        yield from _given_findings(bundle, given)


def _given_findings(bundle: Bundle, given: TableInput) -> Iterator[Finding]:
    said = bundle.input
    if tuple(given.columns) != said.columns:
        columns = ", ".join(said.columns or ())
        yield Finding(f"'{given.name}'", f"has other columns than the input of the record ({columns})")
    elif (given.root, given.row_count) != (said.root, said.row_count):
        carried = said.rows if said.rows is not None else ()
        differing: Iterable[Finding] = (
            Finding(f"'{given.name}' row {number}", "is not that of the record's input")
            for number, (theirs, ours) in enumerate(zip_longest(given.rows or (), carried), start=FIRST_ROW)
            if theirs is None or list(theirs) != ours
        )
        rows = first_findings(f"'{given.name}'", differing) if said.rows is not None else []
        yield from rows or [Finding(f"'{given.name}'", "does not hold the rows of the record's input")]


def output_findings(bundle: Bundle) -> Iterator[Finding]:
    """The rows of the result against `row_root`."""
    record, output = bundle.record, bundle.output
    if output is None:
        if record.row_root is not None:
            yield Finding("output", f"is missing, and the record has {record.row_count:,} rows")
        return
    if record.row_root is None:
        yield Finding("output", "was added: the record has no rows")
        return
    tree = RowTree(output.schema)

    def add(value: JSON, encoded: bytes) -> str:  # noqa: ARG001 - the tree takes figures, not JSON
        number = len(tree) + FIRST_ROW
        try:
            figures, labels = read_output_row(output.schema, value, number)
        except InputError:
            tree.add_scaled([None] * len(output.schema.series), [None] * len(output.schema.labels))
            raise
        tree.add_scaled(figures, labels)
        return _name_of(labels)

    whole = partial(add_result_rows, tree)
    yield from _list_findings(output.rows, tree, add, record.row_root, record.row_count, whole)


def list_findings(bundle: Bundle) -> Iterator[Finding]:
    """The lists against their roots in the record."""
    for name, expected in bundle.record.lists.items():
        if name not in bundle.lists:
            yield Finding(f"lists.{name}", "is missing")
            continue
        tree = ItemTree(list_header(name))

        def add(value: JSON, encoded: bytes, tree: ItemTree = tree) -> str:  # noqa: ARG001
            tree.add_encoded(encoded)
            return ""

        yield from _list_findings(bundle.lists[name], tree, add, expected.root, expected.count)
    for name in bundle.lists:
        if name not in bundle.record.lists:
            yield Finding(f"lists.{name}", "was added: the record has no such list")


def factor_findings(bundle: Bundle) -> Iterator[Finding]:
    """Factors against their content ids, and what the record says of each."""
    carried: dict[str, CarriedFactor] = {}
    for index, factor in enumerate(bundle.factors):
        if (ef_cid := factor_id(factor)) != factor.ef_cid:
            yield Finding(f"factors[{index}]", f"is not the {factor.ef_cid} that it is called, but {ef_cid}")
        if factor.ef_cid in carried:
            yield Finding(f"factors[{index}]", f"is {factor.ef_cid} for the second time")
        carried[factor.ef_cid] = factor
    for index, use in enumerate(bundle.record.factors):
        if use.ef_cid not in carried:
            yield Finding(
                f"record.factors[{index}].ef_cid", f"is {use.ef_cid}, and the bundle has no such factor"
            )
        else:
            yield from _use_findings(index, use, carried[use.ef_cid])
    used = {use.ef_cid for use in bundle.record.factors}
    for index, factor in enumerate(bundle.factors):
        if factor.ef_cid not in used:
            yield Finding(f"factors[{index}]", f"is {factor.ef_cid}, which the record does not use")


def factor_id(factor: CarriedFactor) -> str:
    """The content id of a factor's record: `ef_` and 16 hex digits."""
    return "ef_" + hashlib.sha256(encode_plain(factor.record)).hexdigest()[:_FACTOR_ID_DIGITS]


def _use_findings(index: int, use: FactorUse, factor: CarriedFactor) -> Iterator[Finding]:
    for name in ("gas", "source", "value", "unit", "edition"):
        said, published = getattr(use, name), factor.record.get(name, "")
        if said != published:
            yield Finding(
                f"record.factors[{index}].{name}", f"is '{said}', and '{published}' in the factor itself"
            )


def read_output_row(schema: RowSchema, value: JSON, number: int) -> tuple[list[int | None], list[Label]]:
    """Figures (at the schema's scale) and labels of a row of `output`, in the schema's order.

    Raises
    ------
    InputError
        If it is no such row, or not the one of this number.
    """
    if not isinstance(value, dict):
        raise InputError("is not an object")
    if value.get("row") != number or value.get("row") is True:
        raise InputError(f"says that it is row {value.get('row')}")
    if unknown := value.keys() - {"row", *schema.labels, *schema.series}:
        raise InputError(f"has '{min(unknown)}', which is no series or label of the result")
    figures = [_figure(name, value.get(name), schema.scale) for name in schema.series]
    return figures, [_label(name, value.get(name)) for name in schema.labels]


def _figure(name: str, value: JSON, scale: int) -> int | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InputError(f"has a {name} that is not text")
    try:
        return scaled_from_text(value, scale)
    except InputError as error:
        raise InputError(f"has a wrong {name}: {error.message}") from error


def _label(name: str, value: JSON) -> Label:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        texts = [item for item in value if isinstance(item, str)]
        if len(texts) == len(value):
            return texts
    raise InputError(f"has a {name} that is neither text nor a list of texts")


def _check_table_row(value: JSON) -> None:
    if not isinstance(value, list) or not all(cell is None or isinstance(cell, str) for cell in value):
        raise InputError("is not a list of texts")


def _name_of(labels: list[Label]) -> str:
    """The first label, which is the row's own name where it has one."""
    return labels[0] if labels and isinstance(labels[0], str) else ""


def _list_findings(
    carried: CarriedList,
    tree: RangeTree,
    add: Callable[[JSON, bytes], str],
    expected_root: str,
    expected_count: int,
    add_whole: Callable[[list[bytes]], bool] | None = None,
) -> Iterator[Finding]:
    """Put every item into a tree, compare roots, and name the items where they differ.

    Parameters
    ----------
    add : callable
        Adds an item, given as value and canonical JSON, to `tree` and gives its name; raises `InputError`
        with the rest of a sentence if the item cannot be what it should.
    add_whole : callable, optional
        Adds all items of a range, given as they are written; False, and nothing added, where one of them
        has to be looked at by itself.
    """
    wrong: list[Finding] = []
    #: (index, name) of items that do not fit their checks.
    changed: list[tuple[int, str]] = []
    for index, item in _by_themselves(carried, add_whole):
        name = ""
        encoded = b""
        try:
            value = decode_strictly(item, "")
            encoded = encode_plain(value)
            name = add(value, encoded)
        except InputError as error:
            wrong.append(Finding(carried.place_of(index), error.message))
        if not _fits_check(carried, index, encoded):
            changed.append((index, name))
    if len(carried) != expected_count:
        wrong.append(
            Finding(carried.place, f"has {len(carried):,} rows, and {expected_count:,} in the record")
        )
    root = tree.finish()
    if root != expected_root:
        yield Finding(carried.place, f"has the root {root}, and {expected_root} in the record")
    yield from first_findings(carried.place, wrong)
    yield from first_findings(carried.place, _range_findings(carried, tree.leaves, expected_root, changed))


def _by_themselves(
    carried: CarriedList, add_whole: Callable[[list[bytes]], bool] | None
) -> Iterator[tuple[int, msgspec.Raw]]:
    """The items that were not added by whole ranges, which fit their checks."""
    for start in range(0, len(carried), ROWS_PER_RANGE):
        items = carried.encoded[start : start + ROWS_PER_RANGE]
        number = start // ROWS_PER_RANGE
        if add_whole is not None and number < len(carried.ranges):
            written = [bytes(item) for item in items]
            if carried.ranges[number].checks == "".join(map(check, written)) and add_whole(written):
                continue
        yield from enumerate(items, start=start)


def _range_findings(
    carried: CarriedList, leaves: list[bytes], expected_root: str, changed: list[tuple[int, str]]
) -> Iterator[Finding]:
    """Which ranges do not have their leaves, and which of their items were changed."""
    said = [bytes.fromhex(one.leaf) for one in carried.ranges]
    if f"sha256:{root_of(said).hex()}" != expected_root:
        yield Finding(f"{carried.place}.ranges", "has leaves that do not lead to the root in the record")
    by_range: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for index, name in changed:
        by_range[index // ROWS_PER_RANGE].append((index, name))
    for number, (leaf, computed) in enumerate(zip_longest(said, leaves)):
        start, stop = number * ROWS_PER_RANGE, min((number + 1) * ROWS_PER_RANGE, len(carried))
        if number < len(said) and len(carried.ranges[number].checks) != (stop - start) * CHECK_DIGITS:
            yield Finding(f"{carried.place}.ranges[{number}].checks", "has not eight digits for each row")
        for index, name in by_range.get(number, ()):
            shown = f" ('{name}')" if name else ""
            happened = "was changed" if leaf != computed else "holds, but its check was changed"
            yield Finding(f"{carried.place_of(index)}{shown}", happened)
        if leaf != computed and number not in by_range:
            last = carried.place_of(max(start, stop - 1))
            yield Finding(
                f"{carried.place_of(start)} to {last}", "are not the rows that their leaf was made from"
            )


def _fits_check(carried: CarriedList, index: int, encoded: bytes) -> bool:
    number, place = divmod(index, ROWS_PER_RANGE)
    if number >= len(carried.ranges):
        return False
    start = place * CHECK_DIGITS
    return carried.ranges[number].checks[start : start + CHECK_DIGITS] == check(encoded)
