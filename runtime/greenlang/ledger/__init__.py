"""The ledger: what proves a result, and what checks the proof.

In go plain data: tables of text, columns of 128-bit integers, JSON; the ledger knows nothing of agents or
emissions.  Out come calculation records with their hashes, links of a signed chain, result bundles, and
verdicts on bundles.

`canonical` gives every value one sequence of bytes; `merkle` has the trees of RFC 9162, which `ranges` builds
over lists and `rows` over result rows, 1,024 to a leaf, with the `labels` that rows have beside their
figures. `record` puts together what a result came from, `templates` many like it; `chain` links records,
`signing` signs the links and `audit` follows them all. `bundle` says what a result bundle holds,
`bundle_writing` and `bundle_reading` write and read it through `files` and `strict_json`, with `checks` that
find what was changed. `verification` gives the verdicts, `integrity` (with `whole_ranges` for many rows) and
`findings` what speaks against them, on bundles and on records that are `kept` in a store; `proofs` proves
one row or item without the others.
"""

from __future__ import annotations

from greenlang.ledger.audit import ChainAudit
from greenlang.ledger.bundle import (
    Bundle,
    BundleContents,
    CarriedList,
    OutputRows,
    OwnFile,
    TableInput,
    ValueInput,
)
from greenlang.ledger.bundle_reading import load_bundle, read_bundle
from greenlang.ledger.bundle_writing import save_bundle, write_bundle
from greenlang.ledger.canonical import JSON, canonical_bytes, digest, digest_of_bytes, plain
from greenlang.ledger.chain import (
    GENESIS,
    Commit,
    Head,
    Inclusion,
    commit,
    inclusion_of,
    make_head,
    name_signer,
)
from greenlang.ledger.files import atomic_text_writer, atomic_writer, check_writable
from greenlang.ledger.findings import Finding
from greenlang.ledger.integrity import factor_id, record_findings
from greenlang.ledger.kept import KeptRecord, read_kept, verify_kept
from greenlang.ledger.labels import CodedLabels, Label
from greenlang.ledger.proofs import RowProof, item_holds, proof_holds, prove_row
from greenlang.ledger.ranges import FIRST_ROW, ROWS_PER_RANGE, ItemTree, list_header, table_header
from greenlang.ledger.record import (
    AgentUse,
    CalculationRecord,
    FactorUse,
    FormulaUse,
    ListRoot,
    hash_result,
    input_hash_of_table,
    input_hash_of_value,
    make_record,
)
from greenlang.ledger.rows import RowSchema, RowTree, SparseSeries
from greenlang.ledger.signing import (
    KnownKeys,
    Signer,
    Unsigned,
    load_known_keys,
    load_signer,
)
from greenlang.ledger.templates import FilledRecord, RecordTemplate
from greenlang.ledger.verification import Recomputation, Status, Verdict, Verification, authenticity, verify

__all__ = [
    "FIRST_ROW",
    "GENESIS",
    "JSON",
    "ROWS_PER_RANGE",
    "AgentUse",
    "Bundle",
    "BundleContents",
    "CalculationRecord",
    "CarriedList",
    "ChainAudit",
    "CodedLabels",
    "Commit",
    "FactorUse",
    "FilledRecord",
    "Finding",
    "FormulaUse",
    "Head",
    "Inclusion",
    "ItemTree",
    "KeptRecord",
    "KnownKeys",
    "Label",
    "ListRoot",
    "OutputRows",
    "OwnFile",
    "Recomputation",
    "RecordTemplate",
    "RowProof",
    "RowSchema",
    "RowTree",
    "Signer",
    "SparseSeries",
    "Status",
    "TableInput",
    "Unsigned",
    "ValueInput",
    "Verdict",
    "Verification",
    "atomic_text_writer",
    "atomic_writer",
    "authenticity",
    "canonical_bytes",
    "check_writable",
    "commit",
    "digest",
    "digest_of_bytes",
    "factor_id",
    "hash_result",
    "inclusion_of",
    "input_hash_of_table",
    "input_hash_of_value",
    "item_holds",
    "list_header",
    "load_bundle",
    "load_known_keys",
    "load_signer",
    "make_head",
    "make_record",
    "name_signer",
    "plain",
    "proof_holds",
    "prove_row",
    "read_bundle",
    "read_kept",
    "record_findings",
    "save_bundle",
    "table_header",
    "verify",
    "verify_kept",
    "write_bundle",
]
