import { randomBytes } from 'node:crypto'
import { DecapsulationKey, EncapsulationKey, SigningKey, equalBytes } from '@gridseal/pqc'
import type { ProviderName } from '@gridseal/pqc'
import type { Report } from '../../../test/support/bench.ts'

/*
 * Statistical timing test (Welch's t, after dudect): one operation over two classes of input, in random order. Beyond
 * |t| = 4.5 the classes can be told apart by time. How to read it: docs/security/side-channels.md.
 */

interface Subject {
  readonly name: string
  readonly samples: number
  /** The input of a class, made before the clock runs. */
  readonly prepare: (group: 0 | 1) => () => unknown
}

export function timing(report: Report): void {
  for (const provider of ['native', 'noble'] as const) {
    for (const subject of subjects(provider)) {
      const value = Number(Math.abs(welch(subject)).toFixed(2))
      const figure = { metric: '|t|', value, unit: '', runs: subject.samples }
      report({ suite: 'pqc.timing', case: `${subject.name}, ${provider}`, ...figure })
    }
  }
}

function subjects(provider: ProviderName): Subject[] {
  const slow = provider === 'noble'
  const kem = DecapsulationKey.generate('ML-KEM-768', { provider })
  const peer = EncapsulationKey.fromRaw('ML-KEM-768', kem.publicKey, { provider })
  const good = peer.encapsulate().ciphertext
  const key = SigningKey.generate('ML-DSA-44', { provider })
  const message = randomBytes(64)
  const signature = key.signSync(message)
  const [secret, guess] = [randomBytes(32), randomBytes(32)]
  return [
    {
      // Valid against rejected: implicit rejection must take the same time.
      name: 'ML-KEM-768 decapsulate, valid / rejected',
      samples: slow ? 1500 : 20_000,
      prepare: (group) => {
        const ciphertext = good.slice()
        if (group === 1) ciphertext[100]! ^= 1
        return () => kem.decapsulate(ciphertext)
      },
    },
    {
      // A fixed ciphertext against random ones.
      name: 'ML-KEM-768 decapsulate, fixed / random',
      samples: slow ? 1500 : 20_000,
      prepare: (group) => {
        // Both classes do the same work before the clock runs: caches would tell them apart.
        const fresh = peer.encapsulate().ciphertext
        const ciphertext = (group === 0 ? good : fresh).slice()
        return () => kem.decapsulate(ciphertext)
      },
    },
    {
      name: 'ML-DSA-44 verify, fixed / random message',
      samples: slow ? 800 : 8000,
      prepare: (group) => {
        const fresh = randomBytes(64)
        const text = (group === 0 ? message : fresh).slice()
        return () => key.publicKey.verify(text, signature)
      },
    },
    {
      name: 'equalBytes, differs at the first / last byte',
      samples: 60_000,
      prepare: (group) => {
        // One buffer for both classes: its place in memory would tell them apart.
        guess.set(secret)
        guess[group === 0 ? 0 : 31]! ^= 1
        return () => {
          let equal = false
          for (let i = 0; i < 8; i++) equal = equalBytes(secret, guess)
          return equal
        }
      },
    },
  ]
}

/** Welch's t over the times below their 90th percentile: the rest is the scheduler and the garbage collector. */
function welch({ samples, prepare }: Subject): number {
  const groups = randomBytes(samples).map((byte) => byte & 1)
  const times: [number[], number[]] = [[], []]
  for (const [i, group] of groups.entries()) {
    const work = prepare(group as 0 | 1)
    const start = process.hrtime.bigint()
    work()
    const time = Number(process.hrtime.bigint() - start)
    // The first tenth warms up.
    if (i > samples / 10) times[group as 0 | 1].push(time)
  }
  const cut = Float64Array.from([...times[0], ...times[1]]).sort()[
    Math.floor(0.9 * (times[0].length + times[1].length))
  ]!
  const [a, b] = times.map((group) => moments(group.filter((time) => time <= cut)))
  return (a!.mean - b!.mean) / Math.sqrt(a!.variance / a!.count + b!.variance / b!.count)
}

function moments(values: readonly number[]): { mean: number; variance: number; count: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
  return { mean, variance, count: values.length }
}
