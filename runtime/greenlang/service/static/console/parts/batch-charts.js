// What a batch of any size comes to, from its sums: nothing is computed again for it.

import { get } from "../core/api.js"
import { h } from "../core/dom.js"
import { scopeName } from "../core/names.js"
import { approximate, mass, sum } from "../core/numbers.js"
import { barChart, legend, stackedChart } from "./charts.js"
import { panel } from "./states.js"

/** `look(part, key)` when a bar is chosen: `part` is what an inventory is looked into by. */
export async function batchCharts(id, look) {
  const names = ["totals", "period", "site", "activity"]
  const [totals, periods, sites, activities] = await Promise.all(
    names.map((by) => get(`/v1/batches/${id}/totals`, { by })),
  )
  const bars = (told, part) =>
    largest(told.sums.filter(located), (one) => one.key).map((bar) => ({
      ...bar,
      look: () => look(part, bar.label),
    }))
  const scopes = [...new Set(periods.sums.map((one) => String(one.scope)))].sort()
  return [
    h("dl", { class: "tiles" }, ...totals.sums.map(tile)),
    h(
      "div",
      { class: "chart-grid" },
      wide(
        chart(
          "By month",
          stackedChart("CO2e by month and scope", months(periods, look)),
          legend(scopes.map((scope) => ({ series: scope, name: `Scope ${scope}` }))),
        ),
      ),
      bar("By site", bars(sites, "site")),
      bar("By activity", bars(activities, "activity")),
      gases(totals),
    ),
  ]
}

/** Scope 2 once, and by its grid: the two methods are never added. */
function located(one) {
  return one.method !== "market-based"
}

function tile(total) {
  return h(
    "div",
    { class: "tile" },
    h("dt", {}, scopeName(total)),
    h("dd", { title: `${total.co2e_kg} kg CO2e` }, mass(total.co2e_kg), h("small", {}, " CO2e")),
  )
}

function largest(sums, key) {
  return grouped(sums, key).sort((one, other) => approximate(other.kg) - approximate(one.kg))
}

function grouped(sums, key) {
  const groups = new Map()
  for (const one of sums) groups.set(key(one), [...(groups.get(key(one)) ?? []), one.co2e_kg])
  return [...groups].map(([label, parts]) => ({ label, kg: sum(parts) }))
}

function months(told, look) {
  const found = Map.groupBy(told.sums.filter(located), (one) => one.key)
  return [...found.keys()].sort().map((month) => ({
    label: month,
    parts: grouped(found.get(month), (one) => String(one.scope)).map((part) => ({
      series: part.label,
      name: `${month}, scope ${part.label}`,
      kg: part.kg,
      look: () => look("month", month),
    })),
  }))
}

function chart(title, drawn, aside = null) {
  return panel(title, h("div", { class: "panel-body" }, drawn), aside)
}

function bar(title, bars) {
  return bars.length === 0
    ? null
    : chart(
        title,
        barChart(`CO2e ${title.toLowerCase()}`, bars, sum(bars.map((one) => one.kg))),
        bars.length > 12 ? h("small", {}, `the largest 12 of ${bars.length}`) : null,
      )
}

function wide(made) {
  made.classList.add("wide")
  return made
}

/** Masses, for sums of many rows have no CO2e of each gas; a gas a line, a scope a column. */
function gases(totals) {
  const names = [...new Set(totals.sums.flatMap((one) => Object.keys(one.mass_kg)))].sort()
  const cell = (kg) =>
    h("td", { class: "number", title: kg && `${kg} kg` }, kg === undefined ? "–" : mass(kg))
  return wide(
    panel(
      "By gas",
      h(
        "div",
        { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Mass of each gas" },
        h(
          "table",
          { class: "plain" },
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              h("th", { scope: "col" }, "Mass of"),
              ...totals.sums.map((one) => h("th", { scope: "col", class: "number" }, scopeName(one))),
            ),
          ),
          h(
            "tbody",
            {},
            ...names.map((gas) =>
              h("tr", {}, h("td", {}, gas), ...totals.sums.map((one) => cell(one.mass_kg[gas]))),
            ),
          ),
        ),
      ),
    ),
  )
}
