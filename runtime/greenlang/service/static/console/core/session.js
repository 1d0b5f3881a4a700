// Who is signed in: a key or a token, for as long as this tab is open, and never in an address.

const KEY = "greenlang.session"

/** What is sent as `Authorization: Bearer`; null where nobody is signed in. */
export function credential() {
  const kept = read()
  return kept === null ? null : kept.credential
}

export function signIn(credential, expiresIn = null) {
  const until = expiresIn === null ? null : Date.now() + expiresIn * 1000
  sessionStorage.setItem(KEY, JSON.stringify({ credential, until }))
}

export function signOut() {
  sessionStorage.removeItem(KEY)
}

function read() {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null")
  if (kept === null || kept.until === null || kept.until > Date.now()) return kept
  signOut()
  window.dispatchEvent(new CustomEvent("signed-out"))
  return null
}
