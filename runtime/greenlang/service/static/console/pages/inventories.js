// Inventories: what executions of inventory programs gave, the newest first.

import { get } from "../core/api.js"
import { h, replace } from "../core/dom.js"
import { short } from "../core/names.js"
import { count, mass } from "../core/numbers.js"
import { ago, moment } from "../core/times.js"
import { empty, failed, loading, pageHead, panel } from "../parts/states.js"

const AT_ONCE = 25
const BATCHES = 10

export function inventoriesPage({ signal }) {
  const place = h("div", { class: "panel" }, loading("inventories"))
  const batches = h("div", {})
  const element = h(
    "div",
    { class: "stack" },
    pageHead("Inventories", {
      text: "What came out of programs that end in an inventory. Every figure leads to its factors.",
      actions: [h("a", { class: "button main", href: "#/batches" }, "Upload activity data")],
    }),
    batches,
    place,
  )
  const body = h("tbody", {})
  const more = h("button", { class: "button", type: "button" }, "Show more")
  show(null)
  showBatches()
  return { title: "Inventories", element }

  /** Those of batches stand above, where there are any; a service may keep none. */
  async function showBatches() {
    const found = await get("/v1/batches", { limit: AT_ONCE }).catch(() => ({ batches: [] }))
    const done = found.batches.filter((batch) => batch.state === "completed").slice(0, BATCHES)
    if (done.length === 0) return
    const sums = await Promise.all(done.map((batch) => get(`/v1/batches/${batch.batch_id}/totals`)))
    const lines = done.map((batch, at) =>
      line({
        href: `#/batches/${batch.batch_id}`,
        name: batch.name || batch.batch_id,
        created_at: batch.created_at,
        rows: sums[at].computed,
        totals: sums[at].sums,
      }),
    )
    if (!signal.aborted) replace(batches, panel("Of batches", table("Of batches", h("tbody", {}, ...lines))))
  }

  async function show(cursor) {
    try {
      const page = await get("/v1/executions", {
        agent: "ghg.inventory",
        state: "completed",
        limit: AT_ONCE,
        cursor,
      })
      if (page.executions.length === 0 && cursor === null) {
        replace(
          place,
          empty(
            "No inventories yet",
            "Upload a file of activity data, or run a program that ends in ghg.inventory.",
            h("a", { class: "button main", href: "#/batches" }, "Upload a file"),
          ),
        )
        return
      }
      body.append(...page.executions.filter((row) => totals(row).length > 0).map(ofExecution))
      if (cursor === null)
        replace(
          place,
          h("header", {}, h("h2", {}, "Of executions")),
          table("Of executions", body),
          h("div", { class: "more" }, more),
        )
      more.hidden = page.next_cursor === null
      more.onclick = () => show(page.next_cursor)
    } catch (error) {
      if (!signal.aborted)
        replace(
          place,
          failed(error, () => show(cursor)),
        )
    }
  }
}

function table(label, body) {
  const names = ["Inventory", "Made", "Rows", "Scope 1", "Scope 2 location", "Scope 2 market", "Scope 3"]
  return h(
    "div",
    { class: "table-scroll cards", tabindex: "0", role: "region", "aria-label": label },
    h(
      "table",
      { class: "plain" },
      h(
        "thead",
        {},
        h("tr", {}, ...names.map((name, at) => h("th", { scope: "col", class: at > 1 && "number" }, name))),
      ),
      body,
    ),
  )
}

function totals(row) {
  return row.result?.result?.inventory?.totals ?? []
}

function ofExecution(row) {
  const { execution_id: id, created_at } = row
  return line({
    href: `#/inventories/${id}`,
    name: short(id),
    created_at,
    rows: row.result.result.inventory.rows.computed,
    totals: totals(row),
  })
}

function line({ href, name, created_at: made, rows, totals: found }) {
  const cell = (label, scope, method) => {
    const total = found.find((one) => one.scope === scope && one.method === method)
    return h("td", { class: "number", "data-name": label }, total === undefined ? "–" : mass(total.co2e_kg))
  }
  return h(
    "tr",
    {},
    h("td", { class: "first" }, h("a", { href, title: name }, name)),
    h("td", { class: "figure" }, h("time", { datetime: made, title: moment(made) }, ago(made))),
    h("td", { class: "number", "data-name": "Rows" }, count(rows)),
    cell("Scope 1", 1, ""),
    cell("Scope 2 location", 2, "location-based"),
    cell("Scope 2 market", 2, "market-based"),
    cell("Scope 3", 3, ""),
  )
}
