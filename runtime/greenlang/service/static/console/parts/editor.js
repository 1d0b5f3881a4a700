// A text area with a coloured copy of its text behind it, where what is wrong is marked at its place.

import { h, replace } from "../core/dom.js"

const TOKENS =
  /(#[^\n]*)|("(?:[^"\\\n]|\\.)*")|(-?\d+(?:\.\d+)?)|(>>|[&|*/?:=()[\],])|([A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)+(?:@[\w.]+)?)|([A-Za-z_]\w*)/g
const KINDS = ["comment", "string", "number", "operator", "agent", "word"]

export class Editor {
  #copy = h("div", { class: "editor-copy", "aria-hidden": "true" })
  #problems = []

  constructor({ value, label, changed }) {
    this.area = h("textarea", {
      class: "editor-text",
      spellcheck: "false",
      autocapitalize: "off",
      autocomplete: "off",
      wrap: "off",
      "aria-label": label,
      value,
    })
    this.element = h("div", { class: "editor" }, this.#copy, this.area)
    this.area.addEventListener("input", () => {
      this.#problems = []
      this.#draw()
      changed()
    })
    this.area.addEventListener("scroll", () => this.#scroll())
    this.#draw()
  }

  get value() {
    return this.area.value
  }

  set value(text) {
    this.area.value = text
    this.#problems = []
    this.#draw()
  }

  /** Mark what is wrong: `[{line, column, message}]`, counted from 1. */
  set problems(problems) {
    this.#problems = problems
    this.area.setAttribute("aria-invalid", String(problems.length > 0))
    this.#draw()
  }

  /** Put text where the cursor is. */
  insert(text) {
    const { selectionStart: start, selectionEnd: end, value } = this.area
    const space = start > 0 && /[\w)"\]]/.test(value[start - 1]) ? " " : ""
    this.area.setRangeText(space + text, start, end, "end")
    this.area.focus()
    this.area.dispatchEvent(new Event("input"))
  }

  goTo(line, column) {
    const before = this.value.split("\n").slice(0, line - 1)
    const place = before.reduce((sum, text) => sum + text.length + 1, 0) + column - 1
    this.area.focus()
    this.area.setSelectionRange(place, place)
  }

  #draw() {
    const lines = this.value.split("\n")
    replace(
      this.#copy,
      h(
        "div",
        { class: "editor-lines" },
        lines.map((text, index) => this.#line(text, index + 1)),
      ),
    )
    this.#scroll()
  }

  #line(text, number) {
    const problems = this.#problems.filter((problem) => problem.line === number)
    const columns = problems.map((problem) => problem.column - 1)
    const pieces = coloured(text, columns)
    const told =
      problems.length === 0 ? null : h("span", { class: "editor-problem" }, `   ${problems[0].message}`)
    return h(
      "div",
      { class: problems.length === 0 ? "editor-line" : "editor-line wrong" },
      ...pieces,
      told,
      "\n",
    )
  }

  #scroll() {
    this.#copy.scrollTop = this.area.scrollTop
    this.#copy.scrollLeft = this.area.scrollLeft
  }
}

/** The tokens of a line as spans; the one at a marked column is underlined. */
function coloured(text, columns) {
  const pieces = []
  let done = 0
  const add = (piece, kind, start) => {
    const marked = columns.some((column) => column >= start && column < start + piece.length)
    pieces.push(
      kind === "" && !marked ? piece : h("span", { class: `${kind}${marked ? " marked" : ""}` }, piece),
    )
  }
  for (const found of text.matchAll(TOKENS)) {
    if (found.index > done) add(text.slice(done, found.index), "", done)
    add(found[0], KINDS[found.slice(1).findIndex((group) => group !== undefined)], found.index)
    done = found.index + found[0].length
  }
  if (done < text.length) add(text.slice(done), "", done)
  if (columns.some((column) => column >= text.length)) pieces.push(h("span", { class: "marked" }, " "))
  return pieces
}
