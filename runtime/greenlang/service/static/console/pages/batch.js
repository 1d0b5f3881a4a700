// One batch: how far it is, what it comes to, and its files.

import { get, post, raw, remove } from "../core/api.js"
import { save } from "../core/csv.js"
import { announce, h, replace } from "../core/dom.js"
import { follow } from "../core/events.js"
import { count } from "../core/numbers.js"
import { duration, moment, pause, taken } from "../core/times.js"
import { againPanel } from "../parts/batch-again.js"
import { batchCharts } from "../parts/batch-charts.js"
import { badge, facts, failed, faults, loading, pageHead, panel } from "../parts/states.js"
import { verifyPanel } from "../parts/verify.js"

const ENDED = new Set(["completed", "failed", "cancelled"])
const FORMATS = { csv: "CSV", jsonl: "JSON lines", parquet: "Parquet", arrow: "Arrow" }

/** Its record is committed a moment after it has ended, and a stream may have broken off. */
const SOON_MS = 500

/** Failures that are shown; all of them are in their file. */
const FAILURES_SHOWN = 20

export function batchPage({ names: [id], who, signal }) {
  const element = h("div", { class: "stack" }, loading("the batch"))
  const state = h("span", { "aria-live": "polite" })
  show()
  return { title: "Batch", element }

  async function show() {
    try {
      const batch = await get(`/v1/batches/${id}`)
      const done = batch.state === "completed"
      const bar = progress(batch)
      replace(
        element,
        head(batch),
        batch.error
          ? h(
              "div",
              { class: "notice bad", role: "alert" },
              h("strong", {}, batch.error),
              batch.hint ? h("p", {}, batch.hint) : null,
            )
          : null,
        done ? null : bar.element,
        ...(done ? await given(batch) : []),
      )
      if (!ENDED.has(batch.state)) watch(bar)
      else if (done && !batch.calculation_id) setTimeout(() => signal.aborted || show(), SOON_MS)
    } catch (error) {
      if (!signal.aborted) replace(element, failed(error, show))
    }
  }

  async function watch(bar) {
    const told = (event) => {
      const data = JSON.parse(event.data)
      bar.tell(data)
      replace(state, badge(data.state))
    }
    await follow(`/v1/batches/${id}/events`, told, signal)
    await pause(SOON_MS)
    if (signal.aborted) return
    announce("the batch has moved on")
    await show()
  }

  function head(batch) {
    const operate = who.permissions.includes("operate")
    const actions = [
      batch.state === "completed" &&
        h("a", { class: "button main", href: `#/batches/${id}/inventory` }, "Open its charts"),
      operate &&
        !ENDED.has(batch.state) &&
        h(
          "button",
          { class: "button", type: "button", onclick: () => change(remove(`/v1/batches/${id}`)) },
          "Cancel",
        ),
      operate &&
        ["failed", "cancelled"].includes(batch.state) &&
        h(
          "button",
          {
            class: "button main",
            type: "button",
            onclick: () => change(post(`/v1/batches/${id}/resume`, {})),
          },
          "Resume",
        ),
    ].filter(Boolean)
    return h(
      "div",
      { class: "stack" },
      pageHead(
        h(
          "span",
          { class: "title-with-badge" },
          batch.name || "Batch",
          " ",
          replace(state, badge(batch.state)),
        ),
        { trail: { href: "#/batches", text: "Batches" }, text: h("span", { class: "hash" }, id), actions },
      ),
      facts([
        ["Rows", count(batch.rows)],
        ["Not computed", count(batch.failed_rows)],
        ["Partitions", `${count(batch.partitions_done)} of ${count(batch.partitions)}`],
        ["Retries", batch.retries ? count(batch.retries) : ""],
        ["Took", taken(batch)],
        ["Made", moment(batch.created_at)],
        ["Result", batch.result_hash ? h("span", { class: "hash" }, batch.result_hash) : ""],
      ]),
    )
  }

  async function change(done) {
    try {
      await done
      await show()
    } catch (error) {
      element.prepend(h("div", { class: "notice bad", role: "alert" }, ...faults(error)))
    }
  }

  async function given(batch) {
    return [
      ...(await batchCharts(id, look)),
      againPanel(batch, { mayRun: who.permissions.includes("run") }),
      h(
        "div",
        { class: "split" },
        h(
          "div",
          { class: "stack" },
          files("Download the result", "result"),
          batch.failed_rows === 0 ? null : failures(batch),
        ),
        batch.calculation_id ? verifyPanel(batch.calculation_id, { batch_id: id }) : null,
      ),
    ]
  }

  function look(part, key) {
    location.hash = `#/batches/${id}/inventory?${new URLSearchParams({ [part]: key })}`
  }

  function files(title, what) {
    const problem = h("div", { role: "alert" })
    const buttons = Object.entries(FORMATS).map(([format, name]) =>
      h(
        "button",
        {
          class: "button",
          type: "button",
          "aria-label": `Download ${name}`,
          onclick: () => download(what, format, problem),
        },
        name,
      ),
    )
    return panel(
      title,
      h("div", { class: "panel-body stack tight" }, h("div", { class: "row-form" }, ...buttons), problem),
    )
  }

  async function download(what, format, problem) {
    try {
      const response = await raw("GET", `/v1/batches/${id}/${what}?format=${format}`)
      save(`${id}-${what}.${format}`, await response.blob())
      replace(problem)
    } catch (error) {
      replace(problem, h("div", { class: "notice bad" }, ...faults(error)))
    }
  }

  function failures(batch) {
    const list = h(
      "ul",
      { class: "points", tabindex: "0", "aria-label": "Failures" },
      h("li", {}, loading("failures")),
    )
    raw("GET", `/v1/batches/${id}/failures?format=jsonl&limit=${FAILURES_SHOWN}`)
      .then((response) => response.text())
      .then((text) =>
        replace(
          list,
          text
            .trim()
            .split("\n")
            .map((line) => failure(JSON.parse(line))),
        ),
      )
      .catch((error) => replace(list, h("li", {}, ...faults(error))))
    const made = files(
      `${count(batch.failed_rows)} ${batch.failed_rows === 1 ? "row" : "rows"} not computed`,
      "failures",
    )
    made.append(list)
    return made
  }
}

function failure(row) {
  return h(
    "li",
    {},
    h("strong", {}, `Row ${row.row}`),
    ` ${row.id ?? ""}: ${row.reason}`,
    row.fix ? h("small", {}, ` ${row.fix}`) : null,
  )
}

/** A bar that is told how far it is. */
function progress(batch) {
  const bar = h("progress", {
    max: Math.max(batch.rows, 1),
    value: batch.rows_done,
    "aria-label": "rows done",
  })
  const text = h("p", { class: "hint" }, "Waiting for a worker …")
  const tell = (told) => {
    bar.value = told.rows_done
    const rate =
      told.rows_per_second === null ? "" : `, ${count(Math.round(told.rows_per_second))} rows a second`
    const left = told.seconds_left === null ? "" : `, ${duration(told.seconds_left)} left`
    text.textContent = `${count(told.rows_done)} of ${count(told.rows)} rows${rate}${left}`
  }
  return { element: panel("Progress", h("div", { class: "panel-body stack tight" }, bar, text)), tell }
}
