// Light or dark: as the system has it, until somebody says otherwise.

import { h, replace } from "./dom.js"

const KEY = "greenlang.theme"
const NEXT = { system: "light", light: "dark", dark: "system" }

export function applyTheme(theme = localStorage.getItem(KEY) ?? "system") {
  if (theme === "system") delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
}

export function themeSwitch() {
  const current = () => localStorage.getItem(KEY) ?? "system"
  const button = h("button", { class: "button quiet", type: "button" })
  const tell = () => {
    button.setAttribute("aria-label", `Theme: ${current()}`)
    replace(button, h("span", { class: "word" }, "Theme: "), current())
  }
  button.addEventListener("click", () => {
    localStorage.setItem(KEY, NEXT[current()])
    applyTheme()
    tell()
  })
  tell()
  return button
}
