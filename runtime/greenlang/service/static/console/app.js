// The console: a page for each address after the `#`, in one frame.

import { get } from "./core/api.js"
import { announce, h, replace } from "./core/dom.js"
import { arriveFromIssuer } from "./core/oidc.js"
import { credential, signOut } from "./core/session.js"
import { BATCH, EXECUTION } from "./core/sources.js"
import { applyTheme, themeSwitch } from "./core/theme.js"
import { failed, loading } from "./parts/states.js"
import { batchPage } from "./pages/batch.js"
import { batchesPage } from "./pages/batches.js"
import { executionPage } from "./pages/execution.js"
import { executionsPage } from "./pages/executions.js"
import { inventoriesPage } from "./pages/inventories.js"
import { inventoryPage } from "./pages/inventory.js"
import { playgroundPage } from "./pages/playground.js"
import { rowPage } from "./pages/row.js"
import { signInPage } from "./pages/sign-in.js"

const PAGES = [
  [/^executions$/, executionsPage],
  [/^executions\/([\w-]+)$/, executionPage],
  [/^inventories$/, inventoriesPage],
  [/^inventories\/([\w-]+)$/, (place) => inventoryPage(EXECUTION, place)],
  [/^inventories\/([\w-]+)\/rows\/(\d+)$/, (place) => rowPage(EXECUTION, place)],
  [/^batches$/, batchesPage],
  [/^batches\/([\w-]+)$/, batchPage],
  [/^batches\/([\w-]+)\/inventory$/, (place) => inventoryPage(BATCH, place)],
  [/^batches\/([\w-]+)\/inventory\/rows\/(\d+)$/, (place) => rowPage(BATCH, place)],
  [/^playground$/, playgroundPage],
]

const PLACES = [
  ["executions", "Executions"],
  ["inventories", "Inventories"],
  ["batches", "Batches"],
  ["playground", "Playground"],
]

const main = document.getElementById("main")
let settings = null
let who = null
let leaving = null

async function start() {
  applyTheme()
  // Its address would be taken for that of a page.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault()
    main.focus()
  })
  replace(main, loading("the console"))
  try {
    settings = await (await fetch("/console/settings")).json()
    if (settings.authentication?.oidc) await arriveFromIssuer(settings.authentication.oidc)
  } catch (error) {
    replace(main, failed(error, start))
    return
  }
  window.addEventListener("hashchange", async () => {
    await show()
    // Who goes on by keyboard begins at the new page, and a screen reader reads it.
    main.focus({ preventScroll: true })
  })
  window.addEventListener("signed-out", () => {
    signOut()
    who = null
    show()
  })
  await show()
}

async function show() {
  leaving?.abort()
  leaving = new AbortController()
  if (settings.authentication !== null && credential() === null) {
    header("")
    enter(signInPage(settings.authentication, show))
    return
  }
  try {
    who ??= await get("/v1/identity")
  } catch (error) {
    if (error.status !== 401) replace(main, failed(error, show))
    return
  }
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?")
  const place = path === "" ? "executions" : path
  header(place.split("/")[0])
  const [pattern, page] = PAGES.find(([known]) => known.test(place)) ?? [null, nothingHere]
  const names = pattern === null ? [] : pattern.exec(place).slice(1)
  enter(page({ names, query: new URLSearchParams(query), who, signal: leaving.signal }))
}

/** A page is `{title, element}`. */
function enter({ title, element }) {
  document.title = `${title} · GreenLang`
  replace(main, element)
  announce(title)
  window.scrollTo(0, 0)
}

function header(place) {
  replace(
    document.getElementById("header"),
    h(
      "a",
      { class: "brand", href: "#/executions" },
      h("img", { src: "/console/icon.svg", alt: "" }),
      "GreenLang",
    ),
    place !== "" &&
      h(
        "nav",
        { class: "places", "aria-label": "Pages" },
        ...PLACES.map(([path, name]) =>
          h("a", { href: `#/${path}`, "aria-current": path === place && "page" }, name),
        ),
      ),
    h(
      "div",
      { class: "who" },
      place !== "" && h("span", { class: "tenant", title: "tenant" }, who.tenant),
      h("a", { class: "button quiet word", href: "/docs" }, "API"),
      themeSwitch(),
      place !== "" &&
        settings.authentication !== null &&
        h("button", { class: "button quiet", type: "button", onclick: leave }, "Sign out"),
    ),
  )
}

function leave() {
  signOut()
  who = null
  show()
}

function nothingHere() {
  return { title: "Not found", element: failed(new Error("there is no such page")) }
}

start()
