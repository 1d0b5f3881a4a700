"""Runs: a program and data from files in, results with their proofs out.

`inputs` reads programs, policies and data; `runtime` holds what a process runs plans with; `execution` runs a
plan, commits its record and saves bundles, `lifecycle` calls the hooks of plugins around it;
`step_ledger` keeps what steps gave, so that a run that was cut off goes on; `evidence` turns values into what
the ledger hashes; `recomputation` runs a bundle again to verify it, and `row_evidence` proves one row of it;
`effects` tells what may be run again, and `machine` how many processors and how much memory there are for all
that.

In folders of their own: `executions` that outlive their requests, `calculations` of emissions, `batches` of
any size, the `events` of all of them, and the `tenancy` that says whose they are.
"""

from __future__ import annotations

from greenlang.engine.evidence import Evidence, gather_evidence, inventory_of, table_input
from greenlang.engine.execution import Execution, aexecute, execute, save_result, save_table, signing_state
from greenlang.engine.inputs import Limits, load_program, make_policy, read_input, read_table
from greenlang.engine.machine import Machine, read_machine
from greenlang.engine.recomputation import verify_bundle
from greenlang.engine.row_evidence import RowEvidence, UsedSelection, prove_result_row
from greenlang.engine.runtime import Runtime
from greenlang.engine.step_ledger import FileLedger, default_ledger_path

__all__ = [
    "Evidence",
    "Execution",
    "FileLedger",
    "Limits",
    "Machine",
    "RowEvidence",
    "Runtime",
    "UsedSelection",
    "aexecute",
    "default_ledger_path",
    "execute",
    "gather_evidence",
    "inventory_of",
    "load_program",
    "make_policy",
    "prove_result_row",
    "read_input",
    "read_machine",
    "read_table",
    "save_result",
    "save_table",
    "signing_state",
    "table_input",
    "verify_bundle",
]
