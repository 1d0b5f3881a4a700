// The button that verifies a calculation in front of whoever reads it.

import { get, post } from "../core/api.js"
import { announce, h, replace } from "../core/dom.js"
import { duration, moment } from "../core/times.js"
import { facts, faults, panel } from "./states.js"

const MEANS = {
  integrity: "Every hash is that of what it covers",
  recomputed: "Computing it again gives the same result",
  authentic: "It is signed by a key that is known here",
}

const SIGNS = { ok: "✓", failed: "✗", "not possible": "–" }

/** `from` names what made it, so that it can be computed again: `{execution_id}` or `{batch_id}`. */
export function verifyPanel(calculationId, from = {}) {
  if (!calculationId)
    return panel(
      "Proof",
      h(
        "p",
        { class: "panel-body hint" },
        "Its record is being committed to the ledger. Look again in a moment.",
      ),
    )
  const verdicts = h("div", { class: "verdicts", "aria-live": "polite" })
  const button = h("button", { class: "button main", type: "button", onclick: verify }, "Verify now")
  const record = h("div", {})
  get(`/v1/calculations/${calculationId}`)
    .then((told) => replace(record, recordFacts(told)))
    .catch((error) => replace(record, ...faults(error)))
  return panel("Proof", h("div", { class: "panel-body stack tight" }, verdicts, record), button)

  async function verify() {
    button.disabled = true
    replace(verdicts, h("p", { class: "hint" }, "Computing it again …"))
    try {
      const told = await post(`/v1/calculations/${calculationId}/verify`, from)
      replace(
        verdicts,
        ...told.verdicts.map(verdict),
        h("small", {}, `verified in ${duration(told.seconds)}, at ${moment(new Date().toISOString())}`),
      )
      announce(told.verdicts.map((one) => `${one.name}: ${one.status}`).join(", "))
    } catch (error) {
      replace(verdicts, h("div", { class: "notice bad", role: "alert" }, ...faults(error)))
    } finally {
      button.disabled = false
    }
  }
}

function verdict(told) {
  const kind = { ok: "good", failed: "bad" }[told.status] ?? "wait"
  return h(
    "div",
    { class: `verdict ${kind}` },
    h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[told.status]),
    h(
      "div",
      {},
      h("strong", {}, `${told.name}: ${told.status}`),
      h("small", {}, ` ${MEANS[told.name]}`),
      h("p", { class: "hash" }, told.sentence),
      ...told.findings.slice(0, 20).map((finding) => h("p", { class: "hash" }, finding)),
    ),
  )
}

function recordFacts({ record, head, inclusion }) {
  const hash = (value) => (value ? h("span", { class: "hash" }, value) : "")
  return facts(
    [
      ["Record", hash(record.calculation_id)],
      ["Made", moment(record.timestamp)],
      ["Input", hash(record.input_hash)],
      ["Plan", hash(record.plan_hash)],
      ["Result", hash(record.result_hash)],
      ["Rows", hash(record.row_root)],
      ["Units", hash(record.unit_table_hash)],
      ["Chain", hash(head.chain_hash)],
      ["Place", `number ${inclusion.index + 1} of ${head.record_count} in its commit`],
      ["Signer", hash(record.signer ?? record.unsigned_because)],
    ],
    true,
  )
}
