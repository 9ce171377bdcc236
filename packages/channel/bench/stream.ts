import { timed } from './measure.ts'
import type { Rates } from './measure.ts'
import type { Contender } from './pipes.ts'

const WINDOW_MS = 400

/** Messages in one direction, as fast as the receiver takes them, until all have arrived. */
export async function stream(contender: Contender, size: number): Promise<Rates> {
  const pipe = await contender.open()
  const message = new Uint8Array(size).fill(0x5a)
  const rates = await timed(async () => {
    const end = performance.now() + WINDOW_MS
    let sent = 0
    while (performance.now() < end) {
      let room = true
      for (let i = 0; i < 64 && room; i++, sent++) room = pipe.send(message)
      if (!room) await pipe.drained()
    }
    while (pipe.received() < sent * size) await new Promise((resolve) => setImmediate(resolve))
    return sent
  })
  await pipe.close()
  return rates
}
