"""The domain: activity data in, emissions out.

A table (`tables`) is read as activity data (`activity`, with `periods` and `tags`; `unpivot` for wide ones)
under an accounting policy (`policy`).  For each kind of row (`rows`) factors are chosen (`selection`,
`editions`) among those of the user and of packs (`factors`, `factor_files`, `packdata`), and all rows are
multiplied at once (`emissions`, `formulas`).  `inventory` puts together what several agents computed;
`summary`, `report` and `evidence` tell it: for people, in a report, as a proof.  `agents` are our own.

`table_files` knows the formats of tables, each with a module of its own: `csv_tables`, `jsonl_tables`,
`arrow_tables`.  `tabulation` makes of a result the table (`result_tables`) that it is written as.

`units` and `compound` say what units mean and convert them, `quantity` puts exact numbers in front of them;
`regions` knows places and `gwp` the warming potentials of gases.
"""

from __future__ import annotations

from greenlang.carbon.activity import ActivityData, InventoryInput, SkippedRow, read_activity_data
from greenlang.carbon.csv_tables import read_csv
from greenlang.carbon.editions import Fallback, recorded
from greenlang.carbon.emissions import Component, Emissions, GasEmissions, Missing, calculate, kinds_of_rows
from greenlang.carbon.evidence import Series, row_labels, selection_table, series_of
from greenlang.carbon.factor_files import load_aliases, load_factors
from greenlang.carbon.factors import EmissionFactor, FactorSet, activity_key
from greenlang.carbon.gwp import GwpSet, gwp_set
from greenlang.carbon.inventory import Inventory, build_inventory
from greenlang.carbon.packdata import PackData, load_pack_data
from greenlang.carbon.policy import AccountingPolicy
from greenlang.carbon.quantity import Quantity
from greenlang.carbon.report import Report
from greenlang.carbon.rows import own_activities, own_factors, rows_taken, tag_columns, wanted_of
from greenlang.carbon.selection import FactorBook, GasRate, Selection, Wanted, blend
from greenlang.carbon.summary import factor_roles, formulas_used, inventory_summary, roundings
from greenlang.carbon.table_files import TABLE_FORMATS, TableFormat, format_of_content, format_of_suffix
from greenlang.carbon.tables import StringColumn, Table
from greenlang.carbon.tabulation import result_table
from greenlang.carbon.units import Unit, conversion_ratio, parse_unit, unit_table_hash, units

__all__ = [
    "TABLE_FORMATS",
    "AccountingPolicy",
    "ActivityData",
    "Component",
    "EmissionFactor",
    "Emissions",
    "FactorBook",
    "FactorSet",
    "Fallback",
    "GasEmissions",
    "GasRate",
    "GwpSet",
    "Inventory",
    "InventoryInput",
    "Missing",
    "PackData",
    "Quantity",
    "Report",
    "Selection",
    "Series",
    "SkippedRow",
    "StringColumn",
    "Table",
    "TableFormat",
    "Unit",
    "Wanted",
    "activity_key",
    "blend",
    "build_inventory",
    "calculate",
    "conversion_ratio",
    "factor_roles",
    "format_of_content",
    "format_of_suffix",
    "formulas_used",
    "gwp_set",
    "inventory_summary",
    "kinds_of_rows",
    "load_aliases",
    "load_factors",
    "load_pack_data",
    "own_activities",
    "own_factors",
    "parse_unit",
    "read_activity_data",
    "read_csv",
    "recorded",
    "result_table",
    "roundings",
    "row_labels",
    "rows_taken",
    "selection_table",
    "series_of",
    "tag_columns",
    "unit_table_hash",
    "units",
    "wanted_of",
]
