/**
 * Takes out of what a line receives what this end has just sent: on two-wire RS-485 many adapters hear themselves. An
 * answer may begin like its request, so bytes are held back until it is clear which of the two they are; what turns out
 * to be no echo is handed on whole. Pure.
 */
export class EchoFilter {
  #expected: Uint8Array[] = []
  /** Bytes of the first expected chunk that have come. */
  #matched = 0

  /** A chunk is about to be sent. */
  sent(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#expected.push(chunk)
  }

  /** What of a received chunk is no echo. */
  received(chunk: Uint8Array): Uint8Array {
    let rest = chunk
    for (let echo = this.#expected[0]; echo !== undefined && rest.length > 0; echo = this.#expected[0]) {
      const held = this.#matched
      const same = commonLength(rest, echo.subarray(held))
      this.#matched += same
      if (this.#matched === echo.length) {
        this.#expected.shift()
        this.#matched = 0
      } else if (same < rest.length) {
        this.#expected = []
        this.#matched = 0
        return held === 0 ? rest : Buffer.concat([echo.subarray(0, held), rest])
      }
      rest = rest.subarray(same)
    }
    return rest
  }
}

function commonLength(one: Uint8Array, other: Uint8Array): number {
  const most = Math.min(one.length, other.length)
  let at = 0
  while (at < most && one[at] === other[at]) at++
  return at
}
