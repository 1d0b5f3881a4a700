// One execution in depth: its plan with what each step did, what it was asked and gave, and what happened when.

import { get, post, remove } from "../core/api.js"
import { h, replace } from "../core/dom.js"
import { follow } from "../core/events.js"
import { duration, moment, pause, taken } from "../core/times.js"
import { centre, planPicture } from "../parts/graph.js"
import { badge, errorNotice, facts, failed, faults, loading, pageHead, panel } from "../parts/states.js"

const ENDED = new Set(["completed", "failed", "timeout", "cancelled", "dead_letter"])

/** Characters of an input or a result that are shown; the rest is there to be copied from the API. */
const SHOWN = 4000

/** A stream that broke off may have ended for another reason than its end. */
const SOON_MS = 300

export function executionPage({ names: [id], who, signal }) {
  const element = h("div", { class: "stack" }, loading("the execution"))
  show()
  return { title: `Execution ${id}`, element }

  async function show() {
    try {
      const [execution, order] = await Promise.all([
        get(`/v1/executions/${id}`),
        get(`/v1/executions/${id}/order`),
      ])
      const log = h("ol", { class: "log" })
      replace(
        element,
        head(execution),
        execution.error ? errorNotice(execution.error) : null,
        stepsPanel(execution),
        h("div", { class: "split" }, asked(order), gave(execution)),
        panel("What happened", h("div", { class: "panel-body" }, log)),
      )
      watch(execution, log)
    } catch (error) {
      if (!signal.aborted) replace(element, failed(error, show))
    }
  }

  /** The events as they come; when it has ended, all of it is looked at again. */
  async function watch(execution, log) {
    await follow(`/v1/executions/${id}/events`, (event) => log.append(happening(event)), signal)
    if (ENDED.has(execution.state)) return
    await pause(SOON_MS)
    if (!signal.aborted) await show()
  }

  function head(execution) {
    const inventory = execution.result?.result?.inventory !== undefined
    const actions = [
      inventory && h("a", { class: "button main", href: `#/inventories/${id}` }, "Open its charts"),
      !ENDED.has(execution.state) &&
        who.permissions.includes("operate") &&
        h(
          "button",
          { class: "button", type: "button", onclick: () => operate(remove(`/v1/executions/${id}`)) },
          "Cancel",
        ),
      execution.state === "dead_letter" &&
        who.permissions.includes("operate") &&
        h(
          "button",
          {
            class: "button",
            type: "button",
            onclick: () => operate(post(`/v1/executions/${id}/requeue`, {})),
          },
          "Try again",
        ),
    ].filter(Boolean)
    return h(
      "div",
      { class: "stack" },
      pageHead(h("span", { class: "title-with-badge" }, "Execution ", badge(execution.state)), {
        trail: { href: "#/executions", text: "Executions" },
        text: h("span", { class: "hash" }, id),
        actions,
      }),
      facts([
        ["Took", taken(execution) || "not started"],
        ["Accepted", moment(execution.created_at)],
        ["Started", execution.started_at ? moment(execution.started_at) : ""],
        ["Ended", execution.finished_at ? moment(execution.finished_at) : ""],
        ["Attempt", `${execution.attempt} of ${execution.max_attempts}`],
        ["Priority", execution.priority],
        ["Tenant", who.tenant],
        ["Plan", h("span", { class: "hash" }, execution.plan_hash)],
      ]),
    )
  }

  async function operate(done) {
    try {
      await done
      await show()
    } catch (error) {
      element.prepend(h("div", { class: "notice bad", role: "alert" }, ...faults(error)))
    }
  }

  function stepsPanel(execution) {
    const body = h("div", { class: "panel-body" }, loading("its plan"))
    const timed = h("small", {}, "")
    get(`/v1/executions/${id}/steps`)
      .then((told) => {
        timed.textContent =
          told.steps.length === 0
            ? ""
            : told.because === ""
              ? "steps timed by running them again, just now"
              : "steps timed as they ran"
        replace(body, steps(told, execution))
        centre(body.querySelector(".plan-frame"))
      })
      .catch((error) => replace(body, failed(error)))
    return panel("Plan", body, timed)
  }
}

/** The plan drawn, and under it the step that was chosen. */
function steps(told, execution) {
  const byPath = new Map(told.steps.map((step) => [step.path, step]))
  const detail = h(
    "div",
    { class: "step-detail", "aria-live": "polite" },
    h("p", { class: "hint" }, "Choose a step to see what it gave."),
  )
  const picture = planPicture(told.drawing, {
    state: (step) => byPath.get(step.path)?.state.replace("not reached", "unreached") ?? "",
    note: (step) => note(byPath.get(step.path)),
    choose: (step) => replace(detail, stepFacts(step, byPath.get(step.path))),
  })
  return [
    told.because === "" || told.steps.length > 0
      ? null
      : h("p", { class: "notice" }, `Its steps are not timed: ${told.because}`),
    h("div", { class: "plan-frame", tabindex: "0", role: "region", "aria-label": "Plan" }, picture),
    told.error === "" || execution.error ? null : h("pre", { class: "notice bad" }, told.error),
    detail,
  ]
}

function note(step) {
  if (step === undefined) return ""
  if (step.state !== "done") return step.state
  return step.runs === 1
    ? duration(step.seconds)
    : `${step.runs.toLocaleString("en")} × in ${duration(step.seconds)}`
}

function stepFacts(box, step) {
  if (step === undefined) return h("p", { class: "hint" }, box.title)
  return [
    h("h3", {}, box.title, " ", badge(step.state)),
    facts([
      ["Runs", String(step.runs)],
      ["Time", step.runs === 0 ? "" : duration(step.seconds)],
    ]),
    step.output === ""
      ? null
      : h("pre", { class: "sunken", tabindex: "0", "aria-label": "what it gave" }, step.output),
  ]
}

function asked(order) {
  return panel(
    "What it was asked",
    h(
      "div",
      { class: "panel-body stack tight" },
      h(
        "div",
        {},
        h("h3", {}, "Program"),
        h("pre", { class: "sunken", tabindex: "0", "aria-label": "program" }, order.program),
      ),
      h("div", {}, h("h3", {}, "Input"), text(order.input, "input")),
      Object.keys(order.policy).length === 0
        ? null
        : h("div", {}, h("h3", {}, "Policy"), text(order.policy, "policy")),
    ),
    h("a", { href: `#/playground?program=${encodeURIComponent(order.program)}` }, "Open in the playground"),
  )
}

function gave(execution) {
  const none = ENDED.has(execution.state) ? "It gave nothing." : "It has not ended yet."
  return panel(
    "What it gave",
    h(
      "div",
      { class: "panel-body stack tight" },
      execution.result === undefined ? h("p", { class: "hint" }, none) : text(execution.result, "result"),
      execution.calculation_id
        ? facts([["Calculation", h("span", { class: "hash" }, execution.calculation_id)]])
        : null,
    ),
  )
}

function text(value, label) {
  const written = JSON.stringify(value, null, 2) ?? ""
  const cut = written.length > SHOWN
  return [
    h(
      "pre",
      { class: "sunken", tabindex: "0", "aria-label": label },
      cut ? written.slice(0, SHOWN) : written,
    ),
    cut ? h("small", {}, `and ${(written.length - SHOWN).toLocaleString("en")} characters more`) : null,
  ]
}

function happening(event) {
  const data = JSON.parse(event.data)
  return h(
    "li",
    {},
    h("time", { datetime: data.at }, moment(data.at)),
    " ",
    badge(data.type.split(".").at(-1)),
    data.payload?.message ? ` ${data.payload.message}` : "",
  )
}
