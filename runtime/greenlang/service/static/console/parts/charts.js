// Charts are tables that Charts.css draws: every bar is a cell with its figure, and a button that looks into it.

import { h } from "../core/dom.js"
import { approximate, mass, share, sum } from "../core/numbers.js"

/** Bars of one chart; the rest stand in the table under it. */
const SHOWN = 12

const NARROWEST_REM = 3.5

/**
 * Bars from left to right, the largest first.
 *
 * @param bars   [{label, kg, look()}]
 */
export function barChart(title, bars, whole) {
  const drawn = bars.slice(0, SHOWN)
  const largest = Math.max(...drawn.map((bar) => approximate(bar.kg)), Number.MIN_VALUE)
  return h(
    "table",
    { class: "charts-css bar show-labels bars", role: "table", "aria-label": title },
    h(
      "tbody",
      { role: "rowgroup" },
      ...drawn.map((bar) =>
        h(
          "tr",
          { role: "row" },
          h("th", { scope: "row", role: "rowheader", title: bar.label }, bar.label || "(none)"),
          sized(
            h(
              "td",
              { role: "cell" },
              look(bar, mass(bar.kg), h("span", { class: "share" }, share(bar.kg, whole))),
            ),
            approximate(bar.kg) / largest,
          ),
        ),
      ),
    ),
  )
}

/**
 * Columns side by side, each a stack.
 *
 * @param columns   [{label, parts: [{name, kg, series, look()}]}]
 */
export function stackedChart(title, columns) {
  const heights = columns.map((column) => sum(column.parts.map((part) => part.kg)))
  const highest = heights.reduce((one, other) => (approximate(other) > approximate(one) ? other : one), "0")
  const largest = Math.max(approximate(highest), Number.MIN_VALUE)
  const chart = h(
    "table",
    {
      class: "charts-css column multiple stacked show-labels show-primary-axis show-4-secondary-axes columns",
      role: "table",
      "aria-label": title,
    },
    h(
      "tbody",
      { role: "rowgroup" },
      ...columns.map((column) =>
        h(
          "tr",
          { role: "row" },
          h("th", { scope: "row", role: "rowheader" }, column.label),
          ...column.parts.map((part) =>
            sized(
              h(
                "td",
                { role: "cell", class: `series-${part.series}` },
                look(part, "", h("span", { class: "tip" }, `${part.name}: ${mass(part.kg)}`)),
              ),
              Math.max(0, approximate(part.kg)) / largest,
            ),
          ),
        ),
      ),
    ),
  )
  // Narrower than so its labels would stand in one another.
  chart.style.minWidth = `${columns.length * NARROWEST_REM}rem`
  return h("div", { class: "chart-scroll" }, h("p", { class: "axis-top" }, `${mass(highest)} CO2e`), chart)
}

function look(bar, text, ...more) {
  const name = `${bar.name ?? (bar.label || "(none)")}: ${mass(bar.kg)}. Look into it.`
  return h(
    "button",
    { class: "data", type: "button", "aria-label": name, onclick: bar.look },
    text && h("span", {}, text),
    ...more,
  )
}

/** Set through the object model, which a strict policy allows; an attribute it would not. */
function sized(cell, size) {
  cell.style.setProperty("--size", String(Math.max(size, 0.004)))
  return cell
}

export function legend(series) {
  return h(
    "ul",
    { class: "legend" },
    ...series.map((one) => h("li", { class: `series-${one.series}` }, one.name)),
  )
}
