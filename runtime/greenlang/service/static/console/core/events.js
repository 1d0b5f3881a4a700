// Server-sent events by `fetch`, because an EventSource can send no key.

import { raw } from "./api.js"
import { pause } from "./times.js"

const PAUSE_MS = 1000

/**
 * Calls `told({id, event, data})` for each event, takes a stream that broke off up where it was, and ends
 * when the server has no more to tell or `signal` is aborted.
 */
export async function follow(path, told, signal) {
  let last = "0"
  while (!signal.aborted) {
    try {
      const response = await raw("GET", path, { headers: { "Last-Event-ID": last }, signal })
      for await (const event of events(response.body)) {
        last = event.id ?? last
        told(event)
      }
      return
    } catch (error) {
      if (signal.aborted || error.status >= 400) return
      await pause(PAUSE_MS)
    }
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let kept = ""
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const blocks = (kept + value).split("\n\n")
    kept = blocks.pop()
    for (const block of blocks) {
      const event = parse(block)
      if (event.data !== undefined) yield event
    }
  }
}

function parse(block) {
  const event = {}
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":")
    if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 1).trimStart()
  }
  return event
}
