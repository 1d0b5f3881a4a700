// Elements are made here and nowhere from text: whatever a name holds, it stays text.

/**
 * An element with properties and children. `class`, `aria-*`, `data-*` and the like are attributes; a function
 * under `onclick` is a listener. Null and false children are left out.
 */
export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children)
}

/** The same for SVG. */
export function s(tag, properties = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children)
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value)
    else if (name === "value" || name === "checked" || name === "disabled") element[name] = value
    else element.setAttribute(name, value === true ? "" : String(value))
  }
  append(element, children)
  return element
}

function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child)
    else if (child !== null && child !== undefined && child !== false) element.append(child)
  }
}

/** Put other children in place of those that an element has. */
export function replace(element, ...children) {
  element.replaceChildren()
  append(element, children)
  return element
}

/** Tell those who do not see the page. */
export function announce(text) {
  document.getElementById("announcer").textContent = text
}

/** Draw anew, and leave the keyboard at the link where it was. */
export function keepingFocus(container, draw) {
  const focused = container.contains(document.activeElement)
    ? document.activeElement.getAttribute("href")
    : null
  draw()
  if (focused !== null)
    container.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true })
}
