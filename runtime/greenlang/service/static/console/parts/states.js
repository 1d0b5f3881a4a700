// What stands where there is nothing to show yet, nothing at all, or something went wrong.

import { h } from "../core/dom.js"

export function loading(what) {
  return h("div", { class: "state", role: "status" }, h("p", {}, `Loading ${what} …`))
}

export function empty(title, text, ...actions) {
  return h("div", { class: "state" }, h("h2", {}, title), h("p", {}, text), ...actions)
}

/** A Fault, or whatever else was thrown, with a way to try again. */
export function failed(error, again) {
  return h(
    "div",
    { class: "state", role: "alert" },
    h("h2", {}, "That did not work"),
    faults(error),
    again && h("button", { class: "button", type: "button", onclick: again }, "Try again"),
  )
}

/** The reasons of a Fault, each with what mends it. */
export function faults(error) {
  const told = error.errors?.length > 0 ? error.errors : [{ message: error.message }]
  return told.map((one) =>
    h(
      "p",
      {},
      one.message,
      one.hint ? h("span", {}, " — ", one.hint) : null,
      one.field ? h("small", {}, ` (${one.field})`) : null,
    ),
  )
}

const KINDS = {
  pending: "wait",
  queued: "wait",
  running: "busy",
  completed: "good",
  done: "good",
  ok: "good",
  failed: "bad",
  timeout: "bad",
  dead_letter: "bad",
}

export function badge(state) {
  return h("span", { class: `badge ${KINDS[state] ?? ""}` }, state.replaceAll("_", " "))
}

/** The error of an execution: its words, what mends it, and the line of the program with its caret. */
export function errorNotice(error) {
  return h(
    "div",
    { class: "notice bad", role: "group", "aria-label": "error" },
    h("strong", {}, error.message),
    error.hint ? h("p", {}, error.hint) : null,
    error.place ? h("small", {}, error.place) : null,
    error.note ? h("pre", { tabindex: "0", "aria-label": "where it happened" }, error.note) : null,
  )
}

export function facts(entries, wide = false) {
  const told = entries.filter(([, value]) => value !== "" && value !== null && value !== undefined)
  return h(
    "dl",
    { class: wide ? "facts wide" : "facts" },
    ...told.map(([name, value]) => pair(name, value, wide)),
  )
}

function pair(name, value, wide) {
  const both = [h("dt", {}, name), h("dd", {}, value)]
  return wide ? both : h("div", {}, ...both)
}

/** The title of a page, what stands under it, and what can be done. */
export function pageHead(title, { trail, text, actions = [] } = {}) {
  return h(
    "div",
    { class: "page-head" },
    h(
      "div",
      {},
      trail && h("p", { class: "trail" }, h("a", { href: trail.href }, trail.text)),
      h("h1", {}, title),
      text && h("p", {}, text),
    ),
    actions.length > 0 && h("div", { class: "page-actions" }, ...actions),
  )
}

export function panel(title, body, aside = null) {
  return h(
    "section",
    { class: "panel", "aria-label": title },
    h("header", {}, h("h2", {}, title), aside),
    body,
  )
}
