// Inventories: what executions of inventory programs gave, the newest first.

import { get } from "../core/api.js"
import { h, replace } from "../core/dom.js"
import { mass } from "../core/numbers.js"
import { ago, moment } from "../core/times.js"
import { empty, failed, loading, pageHead } from "../parts/states.js"

const AT_ONCE = 25

export function inventoriesPage({ signal }) {
  const place = h("div", { class: "panel" }, loading("inventories"))
  const element = h(
    "div",
    { class: "stack" },
    pageHead("Inventories", {
      text: "What came out of programs that end in an inventory. Every figure leads to its factors.",
      actions: [h("a", { class: "button main", href: "#/batches" }, "Upload activity data")],
    }),
    place,
  )
  const body = h("tbody", {})
  const more = h("button", { class: "button", type: "button" }, "Show more")
  show(null)
  return { title: "Inventories", element }

  async function show(cursor) {
    try {
      const page = await get("/v1/executions", { agent: "ghg.inventory", state: "completed", limit: AT_ONCE, cursor })
      if (page.executions.length === 0 && cursor === null) {
        replace(place, empty("No inventories yet", "Upload a file of activity data, or run a program that ends in ghg.inventory.", h("a", { class: "button main", href: "#/batches" }, "Upload a file")))
        return
      }
      body.append(...page.executions.filter((row) => totals(row).length > 0).map(line))
      if (cursor === null) replace(place, table(body), h("div", { class: "more" }, more))
      more.hidden = page.next_cursor === null
      more.onclick = () => show(page.next_cursor)
    } catch (error) {
      if (!signal.aborted) replace(place, failed(error, () => show(cursor)))
    }
  }
}

function table(body) {
  const names = ["Inventory", "Made", "Rows", "Scope 1", "Scope 2 location", "Scope 2 market", "Scope 3"]
  return h(
    "div",
    { class: "table-scroll cards", tabindex: "0", role: "region", "aria-label": "Inventories" },
    h("table", { class: "plain" }, h("thead", {}, h("tr", {}, ...names.map((name, at) => h("th", { scope: "col", class: at > 1 && "number" }, name)))), body),
  )
}

function totals(row) {
  return row.result?.result?.inventory?.totals ?? []
}

function line(row) {
  const found = totals(row)
  const cell = (name, scope, method) => {
    const total = found.find((one) => one.scope === scope && one.method === method)
    return h("td", { class: "number", "data-name": name }, total === undefined ? "–" : mass(total.co2e_kg))
  }
  return h(
    "tr",
    {},
    h("td", { class: "first" }, h("a", { class: "hash", href: `#/inventories/${row.execution_id}` }, row.execution_id)),
    h("td", {}, h("time", { datetime: row.created_at, title: moment(row.created_at) }, ago(row.created_at))),
    h("td", { class: "number", "data-name": "Rows" }, row.result.result.inventory.rows.computed.toLocaleString("en")),
    cell("Scope 1", 1, ""),
    cell("Scope 2 location", 2, "location-based"),
    cell("Scope 2 market", 2, "market-based"),
    cell("Scope 3", 3, ""),
  )
}
