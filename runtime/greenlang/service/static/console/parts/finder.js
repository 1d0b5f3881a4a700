// Agents and factors to search; what is chosen is put into the program or the sample data.

import { get } from "../core/api.js"
import { h, replace } from "../core/dom.js"
import { count } from "../core/numbers.js"
import { empty, faults, loading, panel } from "./states.js"

const WAIT_MS = 200
const AT_ONCE = 30

export function finder({ chooseAgent, chooseFactor, signal }) {
  const list = h("ul", { class: "found", tabindex: "0", "aria-label": "Found" })
  const words = h("input", {
    type: "search",
    placeholder: "Search",
    "aria-label": "Search agents and factors",
  })
  const kinds = h("div", { class: "choice", role: "group", "aria-label": "What to search" })
  let kind = "agents"
  let timer = null
  let asked = 0
  for (const one of ["agents", "factors"]) {
    kinds.append(
      h(
        "button",
        { type: "button", "aria-pressed": String(one === kind), onclick: () => choose(one) },
        one[0].toUpperCase() + one.slice(1),
      ),
    )
  }
  words.addEventListener("input", () => {
    clearTimeout(timer)
    timer = setTimeout(show, WAIT_MS)
  })
  show()
  return panel(
    "Insert",
    h(
      "div",
      { class: "panel-body finder" },
      h("div", { class: "row-form" }, kinds, h("div", { class: "grow" }, words)),
      list,
    ),
  )

  function choose(one) {
    kind = one
    for (const button of kinds.children)
      button.setAttribute("aria-pressed", String(button.textContent.toLowerCase() === one))
    show()
  }

  async function show() {
    clearTimeout(timer)
    // An answer that comes late is to a question that nobody asks any more.
    asked += 1
    const mine = asked
    if (list.childElementCount === 0) replace(list, h("li", {}, loading(kind)))
    const sought = words.value.trim()
    try {
      const entries = kind === "agents" ? await agents(sought) : await factors(sought)
      if (mine !== asked) return
      replace(list, entries.length === 0 ? h("li", {}, empty("Nothing found", "Try fewer words.")) : entries)
    } catch (error) {
      if (mine === asked && !signal.aborted) replace(list, h("li", { class: "hint" }, ...faults(error)))
    }
  }

  async function agents(sought) {
    const { agents: known } = await get("/v1/agents")
    const fits = known.filter((agent) =>
      `${agent.name} ${agent.summary}`.toLowerCase().includes(sought.toLowerCase()),
    )
    return fits
      .slice(0, AT_ONCE)
      .map((agent) => entry(agent.name, agent.version, agent.summary, () => chooseAgent(agent)))
  }

  async function factors(sought) {
    const found = await get("/v1/factors", { words: sought, limit: AT_ONCE })
    const entries = found.factors.map((factor) =>
      entry(
        `${factor.activity}`,
        `${factor.gas} ${factor.region}`,
        `${factor.value} ${factor.unit} · ${factor.source} ${factor.edition}`,
        () => chooseFactor(factor),
      ),
    )
    return found.count > entries.length
      ? [...entries, h("li", { class: "hint" }, `and ${count(found.count - entries.length)} more: add words`)]
      : entries
  }
}

function entry(name, aside, text, choose) {
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", onclick: choose },
      h("span", { class: "name" }, name),
      " ",
      h("small", {}, aside),
      h("span", { class: "text" }, text),
    ),
  )
}
