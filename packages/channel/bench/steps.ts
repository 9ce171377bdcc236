import { SigningKey, randomBytes } from '@gridseal/pqc'
import { encapsulateTo, freshPair } from '#src/handshake/kem.ts'
import { epochKeys } from '#src/record/epoch.ts'

/** What one handshake is made of, each step by itself: name and operation. */
export function steps(): (readonly [name: string, once: () => unknown])[] {
  const rows: (readonly [string, () => unknown])[] = []
  for (const kem of ['CH-KEM-v1', 'X-Wing', 'ML-KEM-768'] as const) {
    const pair = freshPair(kem, randomBytes)
    const { ciphertext } = encapsulateTo(kem, pair.publicKey, 'responder')
    rows.push(
      [`${kem} key pair`, () => freshPair(kem, randomBytes)],
      [`${kem} encapsulate`, () => encapsulateTo(kem, pair.publicKey, 'responder')],
      [`${kem} decapsulate`, () => pair.decapsulate(ciphertext, 'responder')],
    )
  }
  const key = SigningKey.generate('ML-DSA-65')
  const message = randomBytes(100)
  const signature = key.signSync(message)
  rows.push(
    ['ML-DSA-65 sign', () => key.signSync(message)],
    ['ML-DSA-65 verify', () => key.publicKey.verify(message, signature)],
    ['record keys', () => epochKeys(message.subarray(0, 32), 'AES-256-GCM')],
  )
  return rows
}
