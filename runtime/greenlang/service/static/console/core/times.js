// Moments and durations for people.

const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" })

export function moment(text) {
  return MOMENT.format(new Date(text))
}

/** `just now`, `4 min ago`, and the day where it is longer than that ago. */
export function ago(text, now = Date.now()) {
  const seconds = Math.max(0, (now - Date.parse(text)) / 1000)
  if (seconds < 10) return "just now"
  if (seconds < 60) return `${Math.floor(seconds)} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`
  return new Date(text).toISOString().slice(0, 10)
}

/** Seconds to three digits: `1.23 s`, `45.6 ms`, `7.89 µs`. */
export function duration(seconds) {
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
  if (seconds >= 100) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`
  for (const [unit, size] of [
    ["s", 1],
    ["ms", 1e-3],
    ["µs", 1e-6],
  ]) {
    if (seconds >= size) return `${(seconds / size).toPrecision(3)} ${unit}`
  }
  return seconds === 0 ? "0 s" : `${Math.round(seconds * 1e9)} ns`
}

/** How long an execution took, or has taken so far; empty while it waits. */
export function taken(execution, now = Date.now()) {
  const begun = execution.started_at ?? (execution.finished_at === undefined ? null : execution.created_at)
  if (begun === null) return ""
  const end = execution.finished_at === undefined ? now : Date.parse(execution.finished_at)
  return duration(Math.max(0, micro(execution.finished_at, end) - micro(begun, Date.parse(begun))))
}

function micro(text, milliseconds) {
  const digits = /\.\d{3}(\d{3})Z$/.exec(text ?? "")
  return milliseconds / 1000 + (digits === null ? 0 : Number(digits[1]) / 1e6)
}

/** A rest between two looks at what goes on. */
export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
