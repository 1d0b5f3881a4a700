"""The domain: activity data in, emissions out.

A table (`tables`) is read as activity data (`activity`, with `periods` and `tags`) under an accounting
policy (`policy`). For each kind of row (`rows`) factors are chosen among those of the user and of packs
(`factors`, `packdata`; `choices` tells why), and all rows are multiplied at once (`emissions`, `formulas`).
`known_kinds` remembers what was chosen. `inventory` puts together what several agents computed, less the
`unfit_rows`, and `uncertainty` (of `percentages`) estimates how uncertain that is; `summary`, `report`,
`tabulation`, `evidence` and `slices` tell it: for people, in a report, as a table, as a proof, in charts.
`agents` are our own.

Beneath them all: `units` says what units mean, `regions` knows places, `categories` the headings of the GHG
Protocol and `gwp` the warming potentials of gases.
"""

from __future__ import annotations

from greenlang.carbon.activity import (
    QUANTITY_PLACES,
    REQUIRED_COLUMNS,
    ActivityData,
    InventoryInput,
    SkippedRow,
    read_activity_data,
)
from greenlang.carbon.choices import Choice, explain_choices
from greenlang.carbon.emissions import Component, Emissions, GasEmissions, Missing, calculate, kinds_of_rows
from greenlang.carbon.evidence import Series, row_selections, selection_table, series_of, series_prefix
from greenlang.carbon.factors import (
    Change,
    EmissionFactor,
    FactorBook,
    FactorLibrary,
    FactorSet,
    Fallback,
    Figure,
    GasRate,
    Listed,
    Selection,
    Sought,
    Wanted,
    activity_key,
    blend,
    build_factor_files,
    check_pinned,
    compare_editions,
    load_aliases,
    load_factors,
    recorded,
)
from greenlang.carbon.formulas import Formula
from greenlang.carbon.gwp import GwpSet, gwp_set
from greenlang.carbon.inventory import Inventory, build_inventory
from greenlang.carbon.known_kinds import KnownKinds
from greenlang.carbon.packdata import PackData, load_formula, load_pack_data
from greenlang.carbon.policy import AccountingPolicy, parse_editions
from greenlang.carbon.report import Report
from greenlang.carbon.rows import own_activities, own_factors, rows_taken, tag_columns, wanted_of
from greenlang.carbon.slices import Cut, Slice, SlicedRow, Slices
from greenlang.carbon.summary import factor_roles, formulas_used, inventory_summary, roundings
from greenlang.carbon.tables import (
    TABLE_FORMATS,
    ResultColumn,
    ResultTable,
    RowSource,
    StringColumn,
    Table,
    TableFormat,
    combine_codes,
    format_of_content,
    format_of_suffix,
    keep_table,
    numbered_rows,
    open_rows,
    read_csv,
    table_of_objects,
)
from greenlang.carbon.tabulation import result_table
from greenlang.carbon.units import (
    Quantity,
    Unit,
    as_vehicle_distance,
    conversion_ratio,
    parse_unit,
    unit_table_hash,
    units,
)

__all__ = [
    "QUANTITY_PLACES",
    "REQUIRED_COLUMNS",
    "TABLE_FORMATS",
    "AccountingPolicy",
    "ActivityData",
    "Change",
    "Choice",
    "Component",
    "Cut",
    "EmissionFactor",
    "Emissions",
    "FactorBook",
    "FactorLibrary",
    "FactorSet",
    "Fallback",
    "Figure",
    "Formula",
    "GasEmissions",
    "GasRate",
    "GwpSet",
    "Inventory",
    "InventoryInput",
    "KnownKinds",
    "Listed",
    "Missing",
    "PackData",
    "Quantity",
    "Report",
    "ResultColumn",
    "ResultTable",
    "RowSource",
    "Selection",
    "Series",
    "SkippedRow",
    "Slice",
    "SlicedRow",
    "Slices",
    "Sought",
    "StringColumn",
    "Table",
    "TableFormat",
    "Unit",
    "Wanted",
    "activity_key",
    "as_vehicle_distance",
    "blend",
    "build_factor_files",
    "build_inventory",
    "calculate",
    "check_pinned",
    "combine_codes",
    "compare_editions",
    "conversion_ratio",
    "explain_choices",
    "factor_roles",
    "format_of_content",
    "format_of_suffix",
    "formulas_used",
    "gwp_set",
    "inventory_summary",
    "keep_table",
    "kinds_of_rows",
    "load_aliases",
    "load_factors",
    "load_formula",
    "load_pack_data",
    "numbered_rows",
    "open_rows",
    "own_activities",
    "own_factors",
    "parse_editions",
    "parse_unit",
    "read_activity_data",
    "read_csv",
    "recorded",
    "result_table",
    "roundings",
    "row_selections",
    "rows_taken",
    "selection_table",
    "series_of",
    "series_prefix",
    "table_of_objects",
    "tag_columns",
    "unit_table_hash",
    "units",
    "wanted_of",
]
