// One row of an inventory: its figures, the factors and formulas they came from, and the proof.

import { get } from "../core/api.js"
import { h, replace } from "../core/dom.js"
import { shown } from "../core/numbers.js"
import { facts, failed, loading, pageHead, panel } from "../parts/states.js"
import { verifyPanel } from "../parts/verify.js"

export function rowPage(source, { names: [id, number], signal }) {
  const element = h("div", { class: "stack" }, loading("the row"))
  show()
  return { title: `Row ${number}`, element }

  async function show() {
    try {
      const row = await get(`${source.api(id)}/rows/${number}`)
      replace(
        element,
        pageHead(row.cells.id ?? `Row ${number}`, {
          trail: { href: source.charts(id), text: "Inventory" },
          text: `Row ${number}, CO2e under ${row.gwp_set}. Figures with every digit; nothing here is rounded for the eye.`,
        }),
        panel("As it was given", h("div", { class: "panel-body" }, facts(Object.entries(row.cells)))),
        row.figures.length === 0
          ? h("p", { class: "notice" }, "Nothing was computed of this row; the inventory says why.")
          : figuresPanel(row),
        ...factorPanels(row),
        h(
          "div",
          { class: "split" },
          arithmetic(row),
          row.calculation_id ? verifyPanel(row.calculation_id, source.made(id)) : null,
        ),
      )
    } catch (error) {
      if (!signal.aborted) replace(element, failed(error, show))
    }
  }
}

function figuresPanel(row) {
  const names = ["Scope", "Agent", "Gas", "Mass, kg", "CO2e, kg", "From"]
  return panel(
    "Figures",
    h(
      "div",
      { class: "table-scroll cards", tabindex: "0", role: "region", "aria-label": "Figures" },
      h(
        "table",
        { class: "plain" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ...names.map((name, at) =>
              h("th", { scope: "col", class: (at === 3 || at === 4) && "number" }, name),
            ),
          ),
        ),
        h("tbody", {}, ...row.figures.map((figure) => figureLine(row, figure))),
      ),
    ),
  )
}

function figureLine(row, figure) {
  return h(
    "tr",
    {},
    h("td", { "data-name": "Scope" }, `${figure.scope}${figure.method === "" ? "" : ` ${figure.method}`}`),
    h("td", {}, h("code", {}, figure.agent)),
    h("td", { class: "first" }, figure.gas),
    h("td", { class: "number", "data-name": "kg" }, figure.mass_kg === null ? "–" : grouped(figure.mass_kg)),
    h(
      "td",
      { class: "number figure", "data-name": "kg CO2e" },
      figure.co2e_kg === null ? "apart" : grouped(figure.co2e_kg),
    ),
    h(
      "td",
      {},
      ...figure.factors.flatMap((used, at) => [
        at > 0 ? ", " : "",
        h(
          "button",
          { class: "button link", type: "button", onclick: () => goTo(used.factor.ef_cid) },
          `${used.factor.value} ${used.factor.unit}`,
        ),
      ]),
      figure.rate === ""
        ? null
        : h("div", {}, h("small", {}, `× ${figure.rate} kg per ${row.cells.unit ?? "unit"}`)),
    ),
  )
}

/** Every digit, in groups of three. */
function grouped(text) {
  return shown(text, 24)
}

function goTo(factor) {
  const target = document.getElementById(factor)
  target.scrollIntoView({ behavior: "smooth", block: "center" })
  target.focus({ preventScroll: true })
}

function factorPanels(row) {
  const used = new Map(
    row.figures.flatMap((figure) =>
      figure.factors.map(({ factor, weight }) => [factor.ef_cid, { factor, weight }]),
    ),
  )
  return [h("div", { class: "factors" }, ...[...used.values()].map(factorPanel))]
}

function factorPanel({ factor, weight }) {
  const made = panel(
    `${factor.activity}, ${factor.gas}`,
    h(
      "div",
      { class: "panel-body stack tight" },
      h("p", { class: "factor-value" }, factor.value, h("small", {}, ` ${factor.unit}`)),
      facts(
        [
          ["Source", factor.source],
          ["Dataset", factor.dataset],
          ["Edition", factor.edition],
          ["Table", [factor.table, factor.locator].filter(Boolean).join(", ")],
          ["Published", factor.published],
          [
            "Applies",
            [
              factor.applies_from && `from ${factor.applies_from}`,
              factor.applies_to && `to ${factor.applies_to}`,
            ]
              .filter(Boolean)
              .join(" "),
          ],
          ["Region", factor.region || "the world"],
          ["Basis", factor.gwp_basis],
          ["Uncertainty", factor.uncertainty],
          ["Weight", weight === "1" ? "" : weight],
          ["Citation", factor.citation],
          ["Id", h("span", { class: "hash" }, factor.ef_cid)],
        ],
        true,
      ),
    ),
  )
  made.id = factor.ef_cid
  made.tabIndex = -1
  return made
}

function arithmetic(row) {
  return panel(
    "Arithmetic",
    h(
      "div",
      { class: "panel-body stack tight" },
      ...row.formulas.map((formula) =>
        h(
          "div",
          {},
          h("h3", {}, `${formula.formula_id} ${formula.version}`),
          h(
            "pre",
            { class: "sunken", tabindex: "0", "aria-label": `formula ${formula.formula_id}` },
            formula.text,
          ),
          h("span", { class: "hash" }, formula.formula_hash),
        ),
      ),
      ...row.roundings.map((one) =>
        h("small", {}, `Rounded: ${one.what}, ${one.mode}, to ${one.places} places of a ${one.unit}.`),
      ),
      ...row.fallbacks.map((one) =>
        h("p", { class: "notice" }, `Assumed: ${one.kind} ${one.used} for ${one.wanted || "none given"}`),
      ),
    ),
  )
}
