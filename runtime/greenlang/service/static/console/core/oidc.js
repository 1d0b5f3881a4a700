// OpenID Connect: authorization code with PKCE, as a public client. The code is taken out of the address at once.

import { signIn } from "./session.js"

const PENDING = "greenlang.sign-in"

/** Leave for the issuer's page. */
export async function leaveForIssuer(oidc) {
  const endpoints = await discover(oidc)
  const verifier = random()
  const state = random()
  sessionStorage.setItem(PENDING, JSON.stringify({ verifier, state, place: location.hash }))
  const query = new URLSearchParams({
    ...oidc.parameters,
    response_type: "code",
    client_id: oidc.client_id,
    redirect_uri: redirect(),
    scope: oidc.scope,
    state,
    code_challenge: await challenge(verifier),
    code_challenge_method: "S256",
  })
  location.assign(`${endpoints.authorization}?${query}`)
}

/** Come back from it: true if this address was its answer. Raises an Error if it was no good one. */
export async function arriveFromIssuer(oidc) {
  const answer = new URLSearchParams(location.search)
  if (!answer.has("state")) return false
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null")
  sessionStorage.removeItem(PENDING)
  history.replaceState(null, "", `/${pending?.place ?? ""}`)
  if (pending === null || pending.state !== answer.get("state"))
    throw new Error("the answer is to no question of ours")
  if (answer.has("error")) throw new Error(answer.get("error_description") ?? answer.get("error"))
  const response = await fetch((await discover(oidc)).token, {
    method: "POST",
    credentials: "omit",
    body: new URLSearchParams({
      ...oidc.parameters,
      grant_type: "authorization_code",
      client_id: oidc.client_id,
      redirect_uri: redirect(),
      code: answer.get("code"),
      code_verifier: pending.verifier,
    }),
  })
  const told = await response.json()
  if (!response.ok)
    throw new Error(told.error_description ?? told.error ?? `the issuer answered ${response.status}`)
  signIn(told.access_token, told.expires_in ?? null)
  return true
}

async function discover(oidc) {
  if (oidc.authorization_url && oidc.token_url)
    return { authorization: oidc.authorization_url, token: oidc.token_url }
  const response = await fetch(`${oidc.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, {
    credentials: "omit",
  })
  const told = await response.json()
  return {
    authorization: oidc.authorization_url ?? told.authorization_endpoint,
    token: oidc.token_url ?? told.token_endpoint,
  }
}

function redirect() {
  return `${location.origin}/`
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)))
}

async function challenge(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))))
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "")
}
