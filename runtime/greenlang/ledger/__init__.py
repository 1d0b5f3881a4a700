"""The ledger: what proves a result, and what checks the proof."""
