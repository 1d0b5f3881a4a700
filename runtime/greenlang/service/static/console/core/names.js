// Names for people.

/** An id by its two ends, where it is long: whole it stands in its title. */
export function short(id) {
  return id.length <= 18 ? id : `${id.slice(0, 9)}…${id.slice(-8)}`
}

/** `Scope 2, location-based`. */
export function scopeName({ scope, method }) {
  return `Scope ${scope}${method === "" ? "" : `, ${method}`}`
}
