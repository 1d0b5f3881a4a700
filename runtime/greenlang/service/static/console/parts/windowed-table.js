// A table of which only the rows in sight are in the page, so that ten thousand scroll like ten.

import { h, keepingFocus, replace } from "../core/dom.js"

/** Rows beyond each edge that are there already when one scrolls on. */
const AHEAD = 10

/**
 * @param columns   [{name, cell(row)}]; `cell` gives a node or text
 * @param options   `label`, `key(row)`, `more()` when the end comes into sight
 */
export class WindowedTable {
  #columns
  #options
  #rows = []
  #lines = new Map()
  #height = 44

  constructor(columns, options) {
    this.#columns = columns
    this.#options = options
    this.body = h("div", { class: "windowed-body", role: "presentation" })
    this.scroller = h(
      "div",
      { class: "windowed-scroller", tabindex: "0", role: "rowgroup", "aria-label": options.label },
      this.body,
    )
    this.element = h(
      "div",
      { class: `windowed ${options.class ?? ""}`, role: "table", "aria-label": options.label },
      h(
        "div",
        { class: "windowed-head", role: "rowgroup" },
        h("div", { class: "windowed-row", role: "row" }, ...columns.map(heading)),
      ),
      this.scroller,
    )
    this.scroller.addEventListener("scroll", () => this.#draw(), { passive: true })
    new ResizeObserver(() => this.redraw()).observe(this.scroller)
  }

  get rows() {
    return this.#rows
  }

  set rows(rows) {
    this.#rows = rows
    this.redraw()
  }

  /** Draw again what is in sight, for it may have changed. */
  redraw() {
    this.#height = Number.parseFloat(getComputedStyle(this.element).getPropertyValue("--row")) || 44
    keepingFocus(this.body, () => {
      for (const line of this.#lines.values()) line.remove()
      this.#lines.clear()
      this.#draw()
    })
  }

  #draw() {
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / this.#height) - AHEAD)
    const last = Math.min(
      this.#rows.length,
      Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / this.#height) + AHEAD,
    )
    this.body.style.height = `${this.#rows.length * this.#height}px`
    this.element.setAttribute("aria-rowcount", String(this.#rows.length + 1))
    for (const [index, line] of this.#lines) {
      // Who is in a row with the keyboard stays there.
      if ((index < first || index >= last) && !line.contains(document.activeElement)) {
        line.remove()
        this.#lines.delete(index)
      }
    }
    for (let index = first; index < last; index += 1) if (!this.#lines.has(index)) this.#add(index)
    if (last >= this.#rows.length - AHEAD) this.#options.more()
  }

  #add(index) {
    const row = this.#rows[index]
    const line = h("div", { class: "windowed-row", role: "row", "aria-rowindex": String(index + 2) })
    line.style.transform = `translateY(${index * this.#height}px)`
    replace(
      line,
      this.#columns.map((column) =>
        h("div", { class: `windowed-cell ${column.class ?? ""}`, role: "cell" }, column.cell(row)),
      ),
    )
    this.#lines.set(index, line)
    this.body.append(line)
  }
}

function heading(column) {
  return h("div", { class: `windowed-cell ${column.class ?? ""}`, role: "columnheader" }, column.name)
}
