import type { Entry, FrameEntry, SealedBatch, SealerLimits, SealerOptions } from '@gridseal/envelope'
import { Opener, Sealer } from '@gridseal/envelope'
import type { VerifyingKey } from '@gridseal/pqc'
import { SigningKey, algorithmInfo } from '@gridseal/pqc'

/** A key that is the same in every run. */
export const KEY: SigningKey = SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(7))
export const OTHER_KEY: SigningKey = SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(8))

export function trusting(...keys: readonly VerifyingKey[]): (fingerprint: Uint8Array) => VerifyingKey | undefined {
  return (fingerprint) => keys.find((key) => Buffer.compare(key.fingerprint, fingerprint) === 0)
}

export const trusted = trusting(KEY.publicKey)

export function frame(n: number, bytes: Uint8Array = Uint8Array.of(n & 0xff, n >> 8)): FrameEntry {
  const time = 1_700_000_000_000_000_000n + BigInt(n)
  return { kind: 'frame', link: 'meter-1', connection: 1, direction: 'to-master', time, protocol: 'modbus', bytes }
}

export function frames(count: number, from = 0): FrameEntry[] {
  return Array.from({ length: count }, (_, i) => frame(from + i))
}

/** Frames of the other direction. */
export function commands(count: number, from = 0): FrameEntry[] {
  return frames(count, from).map((entry) => ({ ...entry, direction: 'to-device' }))
}

/** A sealer whose batches are collected. */
export function collecting(options: Partial<SealerOptions> & { limits?: Partial<SealerLimits> } = {}): {
  sealer: Sealer
  batches: SealedBatch[]
} {
  const batches: SealedBatch[] = []
  const sealer = new Sealer({
    key: KEY,
    site: 'substation-7',
    direction: 'to-master',
    onBatch: (batch) => batches.push(batch),
    onError: (error) => {
      throw error
    },
    ...options,
  })
  return { sealer, batches }
}

/** Each group of entries as a batch of its own. */
export async function batchesOf(
  groups: readonly (readonly Entry[])[],
  options: Partial<SealerOptions> = {},
): Promise<SealedBatch[]> {
  const { sealer, batches } = collecting(options)
  for (const group of groups) {
    sealer.add(group)
    await sealer.flush()
  }
  return batches
}

export function opener(): Opener {
  return new Opener({ key: trusted, site: 'substation-7', direction: 'to-master' })
}

/** Where the signature of our key lies in a batch or receipt: first offset, and the one behind its last octet. */
export function signatureIn(bytes: Uint8Array): readonly [number, number] {
  const { signatureLength: length } = algorithmInfo(KEY.algorithm)
  const head = Buffer.from([0x59, length >> 8, length & 0xff])
  const at = Buffer.from(bytes).indexOf(head)
  if (at < 0) throw new RangeError('no signature')
  return [at + head.length, at + head.length + length]
}
