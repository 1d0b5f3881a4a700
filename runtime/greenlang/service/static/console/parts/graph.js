// A plan as boxes and arrows: dagre gives them their places, and they are drawn as SVG.

import { s } from "../core/dom.js"
import { Graph, layout } from "../vendor/dagre.js"

const CHARACTER = 7.3
const LINE = 34
const LONGEST = 34
const SMALLEST = 0.6

/**
 * The drawing of a plan.
 *
 * @param drawing   as `/v1/workflows/plan` tells it
 * @param options   `state(step)` a class for its box, `note(step)` a second line, `choose(step)` when it is chosen
 */
export function planPicture(drawing, { state = () => "", note = () => "", choose = null } = {}) {
  const graph = new Graph({ compound: true })
  graph.setGraph({ rankdir: "TB", nodesep: 26, ranksep: 38, marginx: 12, marginy: 12 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const step of drawing.steps) {
    const second = note(step)
    const width = Math.max(cut(step.title).length, second.length) * CHARACTER + 28
    graph.setNode(step.id, { width: Math.max(width, 64), height: second === "" ? LINE : LINE + 15 })
  }
  for (const edge of drawing.edges) {
    graph.setEdge(edge.source, edge.target, {
      width: edge.label.length * 6.2,
      height: edge.label === "" ? 0 : 14,
      labelpos: "c",
    })
  }
  layout(graph)
  const { width, height } = graph.graph()
  const picture = s(
    "svg",
    {
      class: "plan",
      viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`,
      width: Math.ceil(width),
      height: Math.ceil(height),
      role: "group",
      "aria-label": `plan of ${drawing.steps.length} boxes`,
    },
    s(
      "defs",
      {},
      s(
        "marker",
        {
          id: "arrow",
          viewBox: "0 0 8 8",
          refX: 7,
          refY: 4,
          markerWidth: 7,
          markerHeight: 7,
          orient: "auto",
        },
        s("path", { class: "arrow-head", d: "M0 0.5 8 4 0 7.5z" }),
      ),
    ),
    ...drawing.edges.map((edge) => arrow(edge, graph.edge(edge.source, edge.target))),
    ...drawing.steps.map((step) => box(step, graph.node(step.id), state(step), note(step), choose)),
  )
  // Smaller than so nobody can read it: then it is scrolled.
  picture.style.minWidth = `${Math.ceil(width * SMALLEST)}px`
  return picture
}

/** Show the middle of a plan that is wider than its frame. */
export function centre(frame) {
  frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2
}

function arrow(edge, { points, x, y }) {
  return s(
    "g",
    { class: `arrow ${edge.kind}` },
    s("path", { d: path(points), "marker-end": "url(#arrow)" }),
    edge.label === "" ? null : s("text", { x, y: y + 4 }, edge.label),
  )
}

/** A smooth line through the points that dagre gives. */
function path(points) {
  const [first, ...rest] = points
  const middle = rest.slice(0, -1).map((point, index) => {
    const next = rest[index + 1]
    return `Q${point.x} ${point.y} ${(point.x + next.x) / 2} ${(point.y + next.y) / 2}`
  })
  const last = rest.at(-1)
  return `M${first.x} ${first.y} ${middle.join(" ")} L${last.x} ${last.y}`
}

function box(step, { x, y, width, height }, state, note, choose) {
  const chosen = choose !== null && step.path !== ""
  const properties = {
    class: `box ${step.kind} ${state}`,
    transform: `translate(${x - width / 2} ${y - height / 2})`,
  }
  if (chosen) {
    Object.assign(properties, {
      tabindex: "0",
      role: "button",
      "aria-label": `${step.title}${note === "" ? "" : `, ${note}`}`,
      onclick: () => choose(step),
      onkeydown: (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault()
          choose(step)
        }
      },
    })
  }
  return s(
    "g",
    properties,
    s("title", {}, step.title),
    s("rect", { width, height, rx: step.kind === "input" || step.kind === "output" ? height / 2 : 6 }),
    s("text", { x: width / 2, y: note === "" ? height / 2 + 4.5 : height / 2 - 3 }, cut(step.title)),
    note === "" ? null : s("text", { class: "note", x: width / 2, y: height / 2 + 14 }, note),
  )
}

function cut(text) {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`
}
