import { memoryPair } from '@gridseal/transport'
import type { Connection } from '@gridseal/transport'
import { mulberry32 } from '../../../../test/support/fault-proxy.ts'

/** A line that garbles bytes: each is changed, lost or doubled with the probability `noise`. */
export function noisyLine(seed: number, noise: number): readonly [Connection, Connection] {
  const random = mulberry32(seed)
  const [a, b] = memoryPair()
  for (const end of [a, b]) {
    const write = end.write.bind(end)
    end.write = (chunk) => write(garbled(chunk, noise, random))
  }
  return [a, b]
}

function garbled(chunk: Uint8Array, noise: number, random: () => number): Uint8Array {
  const bytes: number[] = []
  for (const byte of chunk) {
    const dice = random() / noise
    if (dice >= 3) bytes.push(byte)
    else if (dice >= 2) bytes.push(byte ^ (1 + Math.floor(random() * 255)))
    else if (dice >= 1) bytes.push(byte, byte)
  }
  return Uint8Array.from(bytes)
}
