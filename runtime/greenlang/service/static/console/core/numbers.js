// Figures are decimals in text. They are rounded here for the eye, digit by digit, and never computed with.

const GROUP = /\B(?=(\d{3})+$)/g

/** A decimal with at most `places` digits after the point, half to even, in groups of three. */
export function shown(text, places = 3) {
  const [, sign, whole, rest = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)
  const digits = BigInt(whole + rest.slice(0, places).padEnd(places, "0"))
  const rounded = String(digits + up(digits, rest.slice(places))).padStart(places + 1, "0")
  const integer = rounded.slice(0, rounded.length - places).replace(GROUP, ",")
  const fraction = rounded.slice(rounded.length - places).replace(/0+$/, "")
  const nothing = /^0*$/.test(rounded)
  if (nothing && /[1-9]/.test(text)) return `${sign}<${smallest(places)}`
  return `${nothing ? "" : sign}${integer}${fraction === "" ? "" : `.${fraction}`}`
}

function up(digits, rest) {
  if (rest === "" || rest[0] < "5") return 0n
  const exactlyHalf = /^50*$/.test(rest)
  return exactlyHalf && digits % 2n === 0n ? 0n : 1n
}

function smallest(places) {
  return places === 0 ? "1" : `0.${"0".repeat(places - 1)}1`
}

/** Kilograms for people: `1,234.5 kg`, `1.234 t` from a tonne on. */
export function mass(text) {
  return approximate(text) >= 1000 || approximate(text) <= -1000
    ? `${shown(moved(text), 3)} t`
    : `${shown(text, 3)} kg`
}

/** Kilograms in tonnes, by moving the point. */
export function moved(text) {
  const [, sign, whole, rest = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)
  const padded = whole.padStart(4, "0")
  return `${sign}${padded.slice(0, -3)}.${padded.slice(-3)}${rest}`
}

/** How long a bar is drawn: good for nothing else. */
export function approximate(text) {
  return Number(text)
}

export function share(part, whole) {
  const ratio = approximate(whole) === 0 ? 0 : approximate(part) / approximate(whole)
  return `${(ratio * 100).toFixed(1)} %`
}

export function count(number) {
  return String(number).replace(GROUP, ",")
}

/** The exact sum of decimals. */
export function sum(texts) {
  const places = Math.max(0, ...texts.map((text) => text.split(".")[1]?.length ?? 0))
  const total = texts.reduce((already, text) => already + scaled(text, places), 0n)
  const digits = String(total < 0n ? -total : total).padStart(places + 1, "0")
  const whole = digits.slice(0, digits.length - places)
  const rest = digits.slice(digits.length - places)
  return `${total < 0n ? "-" : ""}${whole}${rest === "" ? "" : `.${rest}`}`
}

function scaled(text, places) {
  const [whole, rest = ""] = text.split(".")
  return BigInt(whole + rest.padEnd(places, "0"))
}
