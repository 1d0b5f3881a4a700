// The API: every answer is an envelope, and whatever is wrong becomes a Fault.

import { credential } from "./session.js"

/** What the service said against a request; `errors` as the envelope has them. */
export class Fault extends Error {
  constructor(status, errors) {
    super(errors.map((error) => error.message).join("; ") || `the service answered ${status}`)
    this.status = status
    this.errors = errors
  }
}

/** The `data` of an answer. */
export async function get(path, query = {}) {
  return (await ask("GET", withQuery(path, query))).data
}

export async function post(path, body) {
  return (await ask("POST", path, { body: JSON.stringify(body), type: "application/json" })).data
}

export async function remove(path) {
  return (await ask("DELETE", path)).data
}

/** Whose a credential is that nobody is signed in with yet. */
export async function identify(shown) {
  const headers = { Authorization: `Bearer ${shown}` }
  return (await envelope(await fetch("/v1/identity", { headers, cache: "no-store", credentials: "omit" })))
    .data
}

/** Asks again and again only for what has changed: `null` where it is as it was. */
export class Watched {
  #path
  #tag = null

  constructor(path, query = {}) {
    this.#path = withQuery(path, query)
  }

  async read() {
    const headers = this.#tag === null ? {} : { "If-None-Match": this.#tag }
    const response = await request("GET", this.#path, { headers })
    if (response.status === 304) return null
    this.#tag = response.headers.get("ETag")
    return (await envelope(response)).data
  }
}

export async function ask(method, path, options = {}) {
  return envelope(await request(method, path, options))
}

/** A response that is no envelope: a stream, a file. */
export async function raw(method, path, options = {}) {
  const response = await request(method, path, options)
  if (!response.ok) await envelope(response)
  return response
}

async function request(method, path, { body, type, headers = {}, signal } = {}) {
  const sent = new Headers(headers)
  const held = credential()
  if (held !== null) sent.set("Authorization", `Bearer ${held}`)
  if (type !== undefined) sent.set("Content-Type", type)
  let response
  try {
    response = await fetch(path, {
      method,
      body,
      headers: sent,
      cache: "no-store",
      signal,
      credentials: "omit",
    })
  } catch (error) {
    if (error.name === "AbortError") throw error
    throw new Fault(0, [{ code: "network", message: "the service does not answer", hint: "is it running?" }])
  }
  if (response.status === 401 && held !== null) window.dispatchEvent(new CustomEvent("signed-out"))
  return response
}

async function envelope(response) {
  let told
  try {
    told = await response.json()
  } catch {
    throw new Fault(response.status, [{ code: "answer", message: `the service answered ${response.status}` }])
  }
  if (!response.ok) throw new Fault(response.status, told.errors ?? [])
  return told
}

export function withQuery(path, query) {
  const given = Object.entries(query).filter(
    ([, value]) => value !== null && value !== undefined && value !== "",
  )
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`
}
