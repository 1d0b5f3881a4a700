// One inventory as charts; every bar looks into a part, and every row leads to what its figure came from.

import { get } from "../core/api.js"
import { csv, save } from "../core/csv.js"
import { h, replace } from "../core/dom.js"
import { scopeName } from "../core/names.js"
import { count, mass, share, shown } from "../core/numbers.js"
import { barChart, legend, stackedChart } from "../parts/charts.js"
import { empty, failed, loading, pageHead, panel } from "../parts/states.js"
import { verifyPanel } from "../parts/verify.js"

const PARTS = ["scope", "gas", "site", "month", "activity"]
const ROWS_AT_ONCE = 15
const ROWS_SAVED = 500

export function inventoryPage(source, { names: [id], query, signal }) {
  const wanted = Object.fromEntries(query)
  const element = h("div", { class: "stack" }, loading("the inventory"))
  show()
  return { title: "Inventory", element }

  /** The address of what belongs to this part; an empty site is a site, too. */
  function part(path, more = {}) {
    return `${source.api(id)}${path}?${new URLSearchParams({ ...wanted, ...more })}`
  }

  async function show() {
    try {
      const told = await get(part(""))
      replace(
        element,
        pageHead("Inventory", {
          trail: source.home(id),
          text: `CO2e under ${told.gwp_set}; ${count(told.rows.computed)} of ${count(told.rows.given)} rows computed`,
        }),
        tiles(told),
        conditions(told.method),
        told.scopes.length === 0
          ? h(
              "div",
              { class: "panel" },
              empty("Nothing here", "No row fits all of these conditions. Take one of them away."),
            )
          : charts(told),
        told.scopes.length === 0 ? null : rowsPanel(told),
        h("div", { class: "split" }, openPoints(told), verifyPanel(told.calculation_id, source.made(id))),
      )
    } catch (error) {
      if (!signal.aborted)
        replace(
          element,
          h("p", { class: "trail" }, h("a", { href: source.home(id).href }, source.home(id).text)),
          failed(error, show),
        )
    }
  }

  function address(changes) {
    const next = Object.entries({ ...wanted, ...changes }).filter(([, value]) => value !== null)
    return `${source.charts(id)}${next.length === 0 ? "" : `?${new URLSearchParams(next)}`}`
  }

  function look(changes) {
    location.hash = address(changes)
  }

  function conditions(method) {
    const chosen = PARTS.filter((name) => wanted[name] !== undefined)
    return h(
      "div",
      { class: "conditions" },
      h(
        "div",
        { class: "choice", role: "group", "aria-label": "Method of scope 2" },
        ...["location-based", "market-based"].map((one) =>
          h(
            "button",
            { type: "button", "aria-pressed": String(one === method), onclick: () => look({ method: one }) },
            one,
          ),
        ),
      ),
      h(
        "div",
        { class: "chips" },
        ...chosen.map((name) =>
          h(
            "button",
            {
              class: "chip",
              type: "button",
              "aria-label": `Take away ${name} ${wanted[name] || "(none)"}`,
              onclick: () => look({ [name]: null }),
            },
            h("span", {}, `${name}: ${wanted[name] || "(none)"}`),
            h("span", { "aria-hidden": "true" }, "×"),
          ),
        ),
      ),
    )
  }

  function charts(told) {
    const bars = (cuts, by, name = (key) => key[0]) =>
      cuts.map((cut) => ({ label: name(cut.key), kg: cut.co2e_kg, look: () => look({ [by]: cut.key[0] }) }))
    const whole = told.co2e_kg
    const scopes = bars(told.scopes, "scope", ([scope, method]) => scopeName({ scope, method }))
    return h(
      "div",
      { class: "chart-grid" },
      chartPanel(
        "By month",
        stackedChart("Kg CO2e by month and scope", months(told)),
        legend(told.scopes.map((cut) => ({ series: cut.key[0], name: `Scope ${cut.key[0]}` }))),
        "wide",
      ),
      chartPanel("By scope", barChart("CO2e by scope", scopes, whole)),
      chartPanel("By gas", barChart("CO2e by gas", bars(told.gases, "gas"), whole)),
      chartPanel("By site", barChart("CO2e by site", bars(told.sites, "site"), whole), rest(told.sites)),
      chartPanel(
        "By activity",
        barChart("CO2e by activity", bars(told.activities, "activity"), whole),
        rest(told.activities),
      ),
    )
  }

  function months(told) {
    const found = new Map()
    for (const {
      key: [month, scope],
      co2e_kg: kg,
    } of told.months) {
      if (!found.has(month)) found.set(month, [])
      found
        .get(month)
        .push({ name: `${month}, scope ${scope}`, kg, series: scope, look: () => look({ month }) })
    }
    return [...found].map(([label, parts]) => ({ label, parts }))
  }

  function rowsPanel(told) {
    const body = h("tbody", {})
    const more = h("button", { class: "button", type: "button" }, "Show more")
    const place = h("div", {}, loading("rows"))
    const add = async (cursor) => {
      try {
        const page = await get(part("/rows", { limit: ROWS_AT_ONCE, cursor }))
        body.append(...page.rows.map((row) => rowLine(row, told)))
        if (cursor === "") replace(place, rowTable(body), h("div", { class: "more" }, more))
        more.hidden = page.next_cursor === null
        more.onclick = () => add(page.next_cursor)
      } catch (error) {
        if (!signal.aborted)
          replace(
            place,
            failed(error, () => add(cursor)),
          )
      }
    }
    add("")
    const saving = h("button", { class: "button quiet", type: "button", onclick: saveRows }, "Export CSV")
    return panel(
      `Rows, the largest first`,
      place,
      h("span", {}, h("small", {}, `${count(told.rows.in_part)} rows `), saving),
    )
  }

  function rowLine(row, told) {
    return h(
      "tr",
      {},
      h("td", { class: "first" }, h("a", { href: `${source.charts(id)}/rows/${row.row}` }, row.id)),
      h("td", {}, row.site),
      h("td", {}, row.period),
      h("td", {}, row.activity),
      h("td", { class: "number" }, `${shown(row.quantity, 6)} ${row.unit}`),
      h(
        "td",
        { class: "number figure" },
        h(
          "a",
          {
            href: `${source.charts(id)}/rows/${row.row}`,
            "aria-label": `${mass(row.co2e_kg)} of ${row.id}: where it comes from`,
          },
          mass(row.co2e_kg),
        ),
      ),
      h("td", { class: "number" }, share(row.co2e_kg, told.co2e_kg)),
    )
  }

  async function saveRows() {
    const rows = []
    for (let cursor = ""; cursor !== null;) {
      const page = await get(part("/rows", { limit: ROWS_SAVED, cursor }))
      rows.push(...page.rows)
      cursor = page.next_cursor
    }
    save(
      "inventory-rows.csv",
      csv(["row", "id", "site", "period", "activity", "quantity", "unit", "region", "co2e_kg"], rows),
    )
  }
}

function tiles(told) {
  const whole = told.totals.map((total) => ({
    name: scopeName(total),
    kg: total.co2e_kg,
  }))
  const part =
    told.co2e_kg === told.whole_co2e_kg
      ? []
      : [{ name: `This part, ${share(told.co2e_kg, told.whole_co2e_kg)} of the whole`, kg: told.co2e_kg }]
  return h(
    "dl",
    { class: "tiles" },
    ...[...part, ...whole].map((tile) =>
      h(
        "div",
        { class: "tile" },
        h("dt", {}, tile.name),
        h("dd", { title: `${tile.kg} kg CO2e` }, mass(tile.kg), h("small", {}, " CO2e")),
      ),
    ),
  )
}

function chartPanel(title, chart, aside = null, width = "") {
  const made = panel(title, h("div", { class: "panel-body" }, chart), aside)
  if (width !== "") made.classList.add(width)
  return made
}

function rest(cuts) {
  return cuts.length > 12 ? h("small", {}, `the largest 12 of ${count(cuts.length)}`) : null
}

function rowTable(body) {
  const names = ["Row", "Site", "Period", "Activity", "Quantity", "CO2e", "Share"]
  return h(
    "div",
    { class: "table-scroll cards", tabindex: "0", role: "region", "aria-label": "Rows" },
    h(
      "table",
      { class: "plain" },
      h(
        "thead",
        {},
        h("tr", {}, ...names.map((name, at) => h("th", { scope: "col", class: at > 3 && "number" }, name))),
      ),
      body,
    ),
  )
}

/** What is missing, assumed or left out: never counted as zero, and never silent. */
function openPoints(told) {
  const points = [
    ...told.skipped.map((one) => [`Row ${one.row} left out`, `${one.id ? `${one.id}: ` : ""}${one.reason}`]),
    ...told.missing.map((one) => [
      "Not computed",
      `${one.gas} of ${one.activity}, ${count(one.rows)} rows: ${one.reason}`,
    ]),
    ...told.fallbacks.map((one) => [
      "Assumed",
      `${one.kind} ${one.used} for ${one.wanted || "none given"} (${one.activity}, ${count(one.rows)} rows)`,
    ]),
  ]
  const body =
    points.length === 0
      ? h("p", { class: "panel-body hint" }, "Nothing was assumed, and nothing is missing.")
      : h(
          "ul",
          { class: "points", tabindex: "0", "aria-label": "Open points" },
          ...points.map(([kind, text]) => h("li", {}, h("strong", {}, kind), " ", text)),
        )
  return panel(
    "Left out, missing, assumed",
    body,
    points.length === 0 ? null : h("small", {}, count(points.length)),
  )
}
