// Who asks: by an API key, or at the issuer of the tokens.

import { identify } from "../core/api.js"
import { h, replace } from "../core/dom.js"
import { leaveForIssuer } from "../core/oidc.js"
import { signIn } from "../core/session.js"
import { faults } from "../parts/states.js"

export function signInPage(authentication, entered) {
  const problem = h("div", { role: "alert" })
  const element = h(
    "section",
    { class: "panel sign-in", "aria-label": "Sign in" },
    h(
      "div",
      { class: "panel-body stack" },
      h("h1", {}, "Sign in"),
      authentication.oidc && issuer(authentication.oidc, problem),
      authentication.oidc && authentication.api_keys && h("p", { class: "or" }, "or"),
      authentication.api_keys && byKey(problem, entered),
      problem,
    ),
  )
  return { title: "Sign in", element }
}

function issuer(oidc, problem) {
  const go = () =>
    leaveForIssuer(oidc).catch((error) =>
      replace(problem, h("div", { class: "notice bad" }, ...faults(error))),
    )
  return h(
    "button",
    { class: "button main", type: "button", onclick: go },
    `Continue at ${new URL(oidc.issuer).host}`,
  )
}

function byKey(problem, entered) {
  const key = h("input", {
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    id: "key",
  })
  const enter = async (event) => {
    event.preventDefault()
    const shown = key.value.trim()
    try {
      await identify(shown)
      signIn(shown)
      entered()
    } catch (error) {
      replace(problem, h("div", { class: "notice bad" }, ...faults(error)))
    }
  }
  return h(
    "form",
    { class: "stack tight", onsubmit: enter },
    h("label", { for: "key" }, "API key"),
    key,
    h("small", {}, "Kept in this tab until you close it or sign out."),
    h("button", { class: "button main", type: "submit" }, "Sign in"),
  )
}
