// Write a program and see its plan; run it on sample data.

import { ask, post } from "../core/api.js"
import { announce, h, replace } from "../core/dom.js"
import { Editor } from "../parts/editor.js"
import { finder } from "../parts/finder.js"
import { centre, planPicture } from "../parts/graph.js"
import { badge, empty, errorNotice, faults, pageHead, panel } from "../parts/states.js"

const WAIT_MS = 250
const KEPT = "greenlang.playground"

const PROGRAM = `# An inventory: every agent takes the rows that are its own.
scope1 = fuels.stationary | fuels.mobile
scope2 = electricity.location_based | electricity.market_based

main = ghg.intake >> (scope1 | scope2) >> ghg.inventory
`

const SAMPLE = [
  {
    id: "A-01",
    period: "2025-02",
    site: "Tacoma plant",
    activity: "natural gas",
    quantity: "1500",
    unit: "MMBtu",
    region: "US",
  },
  {
    id: "A-02",
    period: "2025-03",
    site: "Tacoma plant",
    activity: "electricity",
    quantity: "820.5",
    unit: "MWh",
    region: "US",
  },
]

const PLACE = /^program:(\d+):(\d+)$/

export function playgroundPage({ query, signal }) {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null")
  const problems = h("ol", { class: "problems", "aria-label": "Diagnostics" })
  const frame = h("div", { class: "plan-frame", tabindex: "0", role: "region", "aria-label": "Plan" })
  const told = h("small", {}, "")
  const result = h(
    "div",
    { class: "panel-body", "aria-live": "polite" },
    h("p", { class: "hint" }, "Run the program to see what it gives."),
  )
  let timer = null
  let asked = 0
  const changed = () => {
    clearTimeout(timer)
    timer = setTimeout(draw, WAIT_MS)
  }
  const editor = new Editor({
    value: query.get("program") ?? kept?.program ?? PROGRAM,
    label: "Program",
    changed,
  })
  const input = h("textarea", {
    class: "editor-plain",
    spellcheck: "false",
    "aria-label": "Sample data",
    value: kept?.input ?? JSON.stringify(SAMPLE, null, 2),
  })
  const run = h("button", { class: "button main", type: "button", onclick: execute }, "Run")
  const element = h(
    "div",
    { class: "stack" },
    pageHead("Playground", {
      text: "Compose agents on the left; the plan is drawn as you type.",
      actions: [run],
    }),
    h(
      "div",
      { class: "split" },
      panel("Program", h("div", {}, editor.element, problems)),
      panel("Plan", frame, told),
    ),
    h(
      "div",
      { class: "split" },
      h(
        "div",
        { class: "stack" },
        panel(
          "Sample data",
          h("div", { class: "panel-body" }, input),
          h("small", {}, "JSON; a list of rows for activity data"),
        ),
        panel("Result", result),
      ),
      finder({ chooseAgent: (agent) => editor.insert(agent.name), chooseFactor: addRow, signal }),
    ),
  )
  signal.addEventListener("abort", () => clearTimeout(timer))
  draw()
  return { title: "Playground", element }

  async function draw() {
    const program = editor.value
    keep()
    if (program.trim() === "") {
      replace(problems)
      replace(frame, empty("No program yet", "Write one, or insert an agent."))
      return
    }
    asked += 1
    const mine = asked
    try {
      const plan = await post("/v1/workflows/plan", { program, format: "drawing" })
      if (mine !== asked) return
      const drawing = JSON.parse(plan.plan)
      editor.problems = []
      replace(problems)
      frame.classList.remove("stale")
      replace(frame, planPicture(drawing))
      centre(frame)
      told.textContent = `takes ${drawing.takes}, gives ${drawing.gives}`
    } catch (error) {
      if (mine === asked && !signal.aborted) diagnose(error)
    }
  }

  /** The plan of before stays, faded: a program that is being typed is wrong most of the time. */
  function diagnose(error) {
    const found = (error.errors ?? []).map((one) => ({ ...one, at: PLACE.exec(one.field ?? "") }))
    const placed = found
      .filter((one) => one.at !== null)
      .map((one) => ({ line: Number(one.at[1]), column: Number(one.at[2]), message: one.message }))
    editor.problems = placed
    frame.classList.add("stale")
    if (frame.childElementCount === 0) replace(frame, empty("No plan yet", "The program does not compile."))
    replace(
      problems,
      found.map((one) =>
        h(
          "li",
          {},
          one.at === null
            ? h("span", {}, one.message)
            : h(
                "button",
                {
                  class: "button link",
                  type: "button",
                  onclick: () => editor.goTo(Number(one.at[1]), Number(one.at[2])),
                },
                `${one.at[1]}:${one.at[2]}`,
                " ",
                one.message,
              ),
          one.hint ? h("span", { class: "fix" }, one.hint) : null,
        ),
      ),
    )
    announce(`${found.length} diagnostics`)
  }

  async function execute() {
    try {
      JSON.parse(input.value)
    } catch (error) {
      replace(
        result,
        h(
          "div",
          { class: "notice bad", role: "alert" },
          h("strong", {}, "The sample data is not JSON"),
          h("p", {}, error.message),
        ),
      )
      return
    }
    run.disabled = true
    replace(result, h("p", { class: "hint" }, "Running …"))
    try {
      // The text itself, so that no digit of a number is lost.
      const body = `{"program": ${JSON.stringify(editor.value)}, "input": ${input.value}}`
      const told = await ask("POST", "/v1/workflows/execute", { body, type: "application/json" })
      replace(result, outcome(told.data))
    } catch (error) {
      replace(result, h("div", { class: "notice bad", role: "alert" }, ...faults(error)))
    } finally {
      run.disabled = false
    }
  }

  function keep() {
    sessionStorage.setItem(KEPT, JSON.stringify({ program: editor.value, input: input.value }))
  }

  /** Factors are chosen by activity, unit and region: a row that gets this one is added to the sample. */
  function addRow(factor) {
    let rows
    try {
      rows = JSON.parse(input.value)
    } catch {
      rows = []
    }
    const unit = factor.unit
      .split("/")
      .at(-1)
      .replace(/\s*\(.*\)$/, "")
    const row = {
      id: `S-${(Array.isArray(rows) ? rows.length : 0) + 1}`,
      period: (factor.applies_from || "2025").slice(0, 4),
      site: "",
      activity: factor.activity,
      quantity: "1",
      unit,
      region: factor.region,
    }
    input.value = JSON.stringify([...(Array.isArray(rows) ? rows : []), row], null, 2)
    keep()
    announce(`a row of ${factor.activity} was added to the sample data`)
  }
}

function outcome(told) {
  if (told.state !== undefined && told.error) return [badge(told.state), errorNotice(told.error), link(told)]
  if (told.state !== undefined) return [h("p", {}, badge(told.state), " It goes on."), link(told)]
  const inventory = told.result?.result?.inventory !== undefined
  return [
    h(
      "p",
      { class: "row-form" },
      badge("completed"),
      link(told),
      inventory && h("a", { href: `#/inventories/${told.execution_id}` }, "Open its charts"),
    ),
    h(
      "pre",
      { class: "sunken", tabindex: "0", "aria-label": "result" },
      JSON.stringify(told.result, null, 2),
    ),
  ]
}

function link(told) {
  return h("a", { href: `#/executions/${told.execution_id}` }, "Look at the execution")
}
