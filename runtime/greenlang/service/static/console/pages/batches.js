// Batches: a year of activity data goes in as a file.

import { ask, Watched, withQuery } from "../core/api.js"
import { h, keepingFocus, replace } from "../core/dom.js"
import { count } from "../core/numbers.js"
import { ago, moment } from "../core/times.js"
import { badge, empty, failed, faults, loading, pageHead } from "../parts/states.js"

const AT_ONCE = 25
const EVERY_MS = 2000

const TYPES = {
  csv: "text/csv",
  jsonl: "application/x-ndjson",
  ndjson: "application/x-ndjson",
  parquet: "application/vnd.apache.parquet",
  arrow: "application/vnd.apache.arrow.file",
}

export function batchesPage({ who, signal }) {
  const place = h("div", { class: "panel" }, loading("batches"))
  const element = h(
    "div",
    { class: "stack" },
    pageHead("Batches", {
      text: "Files of activity data of any size, computed in parts that survive a restart.",
    }),
    who.permissions.includes("run") && upload(),
    place,
  )
  let watched = new Watched("/v1/batches", { limit: AT_ONCE })
  show()
  const timer = setInterval(show, EVERY_MS)
  signal.addEventListener("abort", () => clearInterval(timer))
  return { title: "Batches", element }

  async function show() {
    try {
      const told = await watched.read()
      if (told === null) return
      const { batches } = told
      const made =
        batches.length === 0
          ? empty(
              "No batches yet",
              "Choose a file above: CSV, JSON lines, Parquet or Arrow, with the columns id, period, activity, quantity and unit.",
            )
          : table(batches)
      keepingFocus(place, () => replace(place, made))
    } catch (error) {
      watched = new Watched("/v1/batches", { limit: AT_ONCE })
      if (!signal.aborted) replace(place, failed(error, show))
    }
  }
}

function table(batches) {
  const names = ["State", "File", "Made", "Rows", "Failed"]
  return h(
    "div",
    { class: "table-scroll cards", tabindex: "0", role: "region", "aria-label": "Batches" },
    h(
      "table",
      { class: "plain" },
      h(
        "thead",
        {},
        h("tr", {}, ...names.map((name, at) => h("th", { scope: "col", class: at > 2 && "number" }, name))),
      ),
      h("tbody", {}, ...batches.map(line)),
    ),
  )
}

function line(batch) {
  return h(
    "tr",
    {},
    h("td", { class: "figure" }, badge(batch.state)),
    h(
      "td",
      { class: "first" },
      h("a", { href: `#/batches/${batch.batch_id}` }, batch.name || batch.batch_id),
    ),
    h(
      "td",
      {},
      h("time", { datetime: batch.created_at, title: moment(batch.created_at) }, ago(batch.created_at)),
    ),
    h(
      "td",
      { class: "number", "data-name": "Rows" },
      batch.state === "running" ? `${count(batch.rows_done)} of ${count(batch.rows)}` : count(batch.rows),
    ),
    h(
      "td",
      { class: "number", "data-name": "Failed" },
      batch.failed_rows === 0 ? "–" : count(batch.failed_rows),
    ),
  )
}

function upload() {
  const problem = h("div", { role: "alert" })
  const file = h("input", {
    type: "file",
    id: "file",
    required: true,
    accept: Object.keys(TYPES)
      .map((suffix) => `.${suffix}`)
      .join(","),
  })
  const gwp = h(
    "select",
    { id: "gwp" },
    ...["", "AR4", "AR5", "AR6"].map((set) => h("option", { value: set }, set === "" ? "as set up" : set)),
  )
  const button = h("button", { class: "button main", type: "submit" }, "Upload and compute")
  const send = async (event) => {
    event.preventDefault()
    const [chosen] = file.files
    button.disabled = true
    button.textContent = "Uploading …"
    try {
      const suffix = chosen.name.split(".").at(-1).toLowerCase()
      const path = withQuery("/v1/batches", { name: chosen.name, gwp_set: gwp.value })
      const { data } = await ask("POST", path, {
        body: chosen,
        type: TYPES[suffix] ?? "application/octet-stream",
      })
      location.hash = `#/batches/${data.batch_id}`
    } catch (error) {
      replace(problem, h("div", { class: "notice bad" }, ...faults(error)))
      button.disabled = false
      button.textContent = "Upload and compute"
    }
  }
  return h(
    "form",
    { class: "panel", onsubmit: send, "aria-label": "Upload a file" },
    h(
      "div",
      { class: "panel-body row-form upload" },
      h("label", { class: "grow", for: "file" }, "File of activity data", file),
      h("label", { for: "gwp" }, "Warming potentials", gwp),
      button,
    ),
    problem,
  )
}
