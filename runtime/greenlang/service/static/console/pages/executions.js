// Executions as they happen, the newest first.

import { get, Watched } from "../core/api.js"
import { csv, save } from "../core/csv.js"
import { h, replace } from "../core/dom.js"
import { count } from "../core/numbers.js"
import { short } from "../core/names.js"
import { ago, moment, taken } from "../core/times.js"
import { badge, empty, failed, loading, pageHead } from "../parts/states.js"
import { WindowedTable } from "../parts/windowed-table.js"

const AT_ONCE = 200
const EVERY_MS = 2000
const ENDED = new Set(["completed", "failed", "timeout", "cancelled", "dead_letter"])

const SHOWN_STATES = [
  ["", "All"],
  ["pending,queued,running", "Under way"],
  ["completed", "Completed"],
  ["failed,timeout,dead_letter", "Failed"],
  ["cancelled", "Cancelled"],
]

export function executionsPage({ query, who, signal }) {
  const list = new Executions(
    { state: query.get("state") ?? "", agent: query.get("agent") ?? "" },
    who,
    signal,
  )
  return { title: "Executions", element: list.element }
}

class Executions {
  #wanted
  #signal
  #table
  #cursor = null
  #loading = false
  #watched = null
  #place = h("div", { class: "panel list-panel" })
  #counted = h("p", {}, "")

  constructor(wanted, who, signal) {
    this.#wanted = wanted
    this.#signal = signal
    this.#table = new WindowedTable(columns(who.tenant), {
      label: "Executions",
      class: "executions",
      more: () => this.#more(),
    })
    const head = pageHead("Executions", {
      actions: [h("button", { class: "button", type: "button", onclick: () => this.#save() }, "Export CSV")],
    })
    head.firstElementChild.append(this.#counted)
    this.element = h("div", { class: "stack" }, head, this.#filters(), this.#place)
    this.#begin()
    const timer = setInterval(() => this.#refresh(), EVERY_MS)
    signal.addEventListener("abort", () => clearInterval(timer))
  }

  #filters() {
    const chosen = h("div", { class: "choice", role: "group", "aria-label": "State" })
    for (const [state, name] of SHOWN_STATES) {
      const button = h(
        "button",
        { type: "button", "aria-pressed": String(state === this.#wanted.state) },
        name,
      )
      button.addEventListener("click", () => {
        for (const other of chosen.children) other.setAttribute("aria-pressed", String(other === button))
        this.#wanted.state = state
        this.#begin()
      })
      chosen.append(button)
    }
    const agent = h("input", {
      type: "search",
      placeholder: "Agent: ghg.inventory",
      "aria-label": "Agent",
      value: this.#wanted.agent,
    })
    agent.addEventListener("change", () => {
      this.#wanted.agent = agent.value.trim()
      this.#begin()
    })
    return h(
      "div",
      { class: "row-form filters" },
      chosen,
      h("label", {}, h("span", { class: "unseen" }, "Agent"), agent),
    )
  }

  async #begin() {
    replace(this.#place, loading("executions"))
    this.#cursor = null
    this.#watched = new Watched("/v1/executions", { ...this.#wanted, limit: AT_ONCE, results: false })
    try {
      const page = await this.#watched.read()
      this.#cursor = page.next_cursor
      replace(this.#place, page.executions.length === 0 ? this.#nothing() : this.#table.element)
      this.#table.scroller.scrollTop = 0
      this.#show(page.executions)
    } catch (error) {
      if (!this.#signal.aborted)
        replace(
          this.#place,
          failed(error, () => this.#begin()),
        )
    }
  }

  #nothing() {
    const filtered = this.#wanted.state !== "" || this.#wanted.agent !== ""
    return filtered
      ? empty(
          "Nothing fits",
          "No execution is in this state and of this agent. Look for less, or wait: the list is live.",
        )
      : empty(
          "No executions yet",
          "What is run over the API, in the playground or as a batch appears here as it happens.",
          h("a", { class: "button main", href: "#/playground" }, "Open the playground"),
        )
  }

  #show(rows) {
    this.#table.rows = rows
    this.#counted.textContent = `${count(rows.length)}${this.#cursor === null ? "" : "+"} shown, live`
  }

  async #more() {
    if (this.#loading || this.#cursor === null) return
    this.#loading = true
    try {
      const page = await get("/v1/executions", {
        ...this.#wanted,
        limit: AT_ONCE,
        results: false,
        cursor: this.#cursor,
      })
      this.#cursor = page.next_cursor
      this.#show([...this.#table.rows, ...page.executions])
    } catch {
      this.#cursor = null
    } finally {
      this.#loading = false
    }
  }

  /** The newest page, where it has changed, and those below it that had not ended. */
  async #refresh() {
    if (document.hidden || this.#loading) return
    try {
      const page = await this.#watched.read()
      const rows = this.#table.rows
      const moved = rows.some((row) => !ENDED.has(row.state))
      if (page === null) {
        if (moved) this.#table.redraw()
        return
      }
      const fresh = page.executions
      const known = new Set(fresh.map((row) => row.execution_id))
      const older = rows.filter(
        (row) => !known.has(row.execution_id) && row.created_at <= (fresh.at(-1)?.created_at ?? ""),
      )
      if (rows.length === 0 && fresh.length > 0) replace(this.#place, this.#table.element)
      this.#show([
        ...fresh,
        ...(await Promise.all(older.map((row) => (ENDED.has(row.state) ? row : again(row))))),
      ])
    } catch {
      // The next time will tell; what is shown stays.
    }
  }

  #save() {
    const names = [
      "execution_id",
      "state",
      "agents",
      "tenant",
      "created_at",
      "started_at",
      "finished_at",
      "attempt",
      "error",
    ]
    save(
      "executions.csv",
      csv(
        names,
        this.#table.rows.map((row) => ({ ...row, agents: row.agents.join(" "), error: row.error?.message })),
      ),
    )
  }
}

async function again(row) {
  return get(`/v1/executions/${row.execution_id}`).catch(() => row)
}

function columns(tenant) {
  return [
    { name: "State", class: "state-cell", cell: (row) => badge(row.state) },
    {
      name: "Execution",
      class: "id-cell",
      cell: (row) =>
        h(
          "a",
          { href: `#/executions/${row.execution_id}`, title: row.execution_id },
          short(row.execution_id),
        ),
    },
    {
      name: "Agents",
      class: "wide-cell",
      cell: (row) => h("span", { title: row.agents.join(", ") }, agents(row)),
    },
    { name: "Tenant", class: "tenant-cell", cell: () => tenant },
    {
      name: "Accepted",
      class: "time-cell",
      cell: (row) =>
        h("time", { datetime: row.created_at, title: moment(row.created_at) }, ago(row.created_at)),
    },
    { name: "Took", class: "number-cell", cell: (row) => taken(row) },
  ]
}

function agents(row) {
  return row.agents.length === 0
    ? "built-in steps"
    : row.agents.map((agent) => agent.split("@")[0]).join(", ")
}
