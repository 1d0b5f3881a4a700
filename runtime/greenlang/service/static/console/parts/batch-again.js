// A batch computed again under other warming potentials, and why two batches differ.

import { get, post } from "../core/api.js"
import { h, replace } from "../core/dom.js"
import { mass } from "../core/numbers.js"
import { ago } from "../core/times.js"
import { faults, panel } from "./states.js"

const AT_ONCE = 25
const CAUSES = {
  activity: "Activity changed",
  factors: "Factors changed",
  gwp: "Warming potentials",
  added: "Rows added",
  removed: "Rows removed",
}

/** The panel of a completed batch; what may not be run is only compared. */
export function againPanel(batch, { mayRun }) {
  const problem = h("div", { role: "alert" })
  const told = h("div", { "aria-live": "polite" })
  const others = h("select", { id: "other" })
  others.addEventListener("change", () => compare(others.value))
  list()
  return panel(
    "Compared with",
    h(
      "div",
      { class: "stack tight" },
      h(
        "div",
        { class: "panel-body row-form" },
        h("label", { class: "grow", for: "other" }, "Another batch", others),
        mayRun && recalculation(),
      ),
      problem,
      told,
    ),
  )

  async function list() {
    try {
      const { batches } = await get("/v1/batches", { limit: AT_ONCE })
      const known = batches.filter((one) => one.state === "completed" && one.batch_id !== batch.batch_id)
      const options = known.map((one) =>
        h("option", { value: one.batch_id }, `${one.name || one.batch_id}, ${ago(one.created_at)}`),
      )
      replace(
        others,
        h("option", { value: "" }, known.length === 0 ? "there is no other yet" : "choose one"),
        options,
      )
      if (known.some((one) => one.batch_id === batch.base)) {
        others.value = batch.base
        await compare(batch.base)
      }
    } catch (error) {
      tell(error)
    }
  }

  async function compare(from) {
    replace(problem)
    replace(told)
    if (from === "") return
    try {
      const { differences } = await get(`/v1/batches/${batch.batch_id}/difference`, { from })
      replace(told, table(differences))
    } catch (error) {
      tell(error)
    }
  }

  function recalculation() {
    const gwp = h(
      "select",
      { id: "again-gwp" },
      ...["AR4", "AR5", "AR6"].map((set) => h("option", { value: set }, set)),
    )
    const run = async () => {
      try {
        const made = await post(`/v1/batches/${batch.batch_id}/recalculate`, {
          policy: { gwp_set: gwp.value },
        })
        location.hash = `#/batches/${made.batch_id}`
      } catch (error) {
        tell(error)
      }
    }
    return [
      h("label", { for: "again-gwp" }, "Warming potentials", gwp),
      h("button", { class: "button", type: "button", onclick: run }, "Compute again"),
    ]
  }

  function tell(error) {
    replace(problem, h("div", { class: "notice bad" }, ...faults(error)))
  }
}

/** Before and all causes come to after, to the last digit. */
function table(differences) {
  const number = (text) =>
    h("td", { class: "number", title: `${text} kg` }, /^-?0(\.0*)?$/.test(text) ? "–" : mass(text))
  const names = ["Before", ...Object.values(CAUSES), "After"]
  return h(
    "div",
    { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Differences" },
    h(
      "table",
      { class: "plain" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, "CO2e"),
          ...names.map((name) => h("th", { scope: "col", class: "number" }, name)),
        ),
      ),
      h(
        "tbody",
        {},
        ...differences.map((one) =>
          h(
            "tr",
            {},
            h("td", {}, one.series.replace(".co2e", "")),
            number(one.before),
            ...Object.keys(CAUSES).map((cause) => number(one.causes[cause] ?? "0")),
            number(one.after),
          ),
        ),
      ),
    ),
  )
}
