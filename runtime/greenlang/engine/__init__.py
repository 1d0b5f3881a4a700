"""Runs: a program and data from files in, results with their proofs out.

`inputs` reads programs, policies and data; `execution` runs a plan, commits its record and saves bundles;
`evidence` turns values into what the ledger hashes; `recomputation` runs a bundle again to verify it.
"""

from __future__ import annotations

from greenlang.engine.evidence import Evidence, gather_evidence, inventory_of, table_input
from greenlang.engine.execution import Execution, execute, save_result, signing_state
from greenlang.engine.inputs import Limits, load_program, make_policy, read_input, read_table
from greenlang.engine.recomputation import verify_bundle

__all__ = [
    "Evidence",
    "Execution",
    "Limits",
    "execute",
    "gather_evidence",
    "inventory_of",
    "load_program",
    "make_policy",
    "read_input",
    "read_table",
    "save_result",
    "signing_state",
    "table_input",
    "verify_bundle",
]
