import { SigningKey, randomBytes } from '@gridseal/pqc'
import { encapsulateTo, freshPair } from '#src/handshake/kem.ts'
import { extend, EMPTY_TRANSCRIPT } from '#src/handshake/transcript.ts'
import { finalSecrets, handshakeSecrets } from '#src/handshake/key-schedule.ts'
import { TicketKeys } from '#src/handshake/ticket.ts'
import { epochKeys } from '#src/record/epoch.ts'
import { openRecord, sealContent } from '#src/record/record.ts'
import { settleConnect } from '#src/options.ts'

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
  const hello = randomBytes(1714)
  const master = randomBytes(64)
  const keys = epochKeys(randomBytes(32), 'AES-256-GCM')
  const record = sealContent(keys, 0, message)
  const tickets = TicketKeys.generate()
  const state = { authenticated: 1, suite: 1, initiator: randomBytes(32), secret: randomBytes(32) }
  const ticket = tickets.seal(state, message)
  const options = { identity: key, peer: key.publicKey }
  rows.push(
    ['ML-DSA-65 sign', () => key.signSync(message)],
    ['ML-DSA-65 verify', () => key.publicKey.verify(message, signature)],
    ['transcript: a hello', () => extend(EMPTY_TRANSCRIPT, hello)],
    ['secrets of the handshake', () => handshakeSecrets({ shared: randomBytes(32) }, EMPTY_TRANSCRIPT)],
    ['secrets of the session', () => finalSecrets(master, EMPTY_TRANSCRIPT)],
    ['record keys', () => epochKeys(message.subarray(0, 32), 'AES-256-GCM')],
    ['seal a handshake record', () => sealContent(keys, 0, message)],
    ['open a handshake record', () => openRecord(keys, 0, record)],
    ['seal a ticket', () => tickets.seal(state, message)],
    ['open a ticket', () => tickets.open(ticket, message)],
    ['check options', () => settleConnect(options)],
  )
  return rows
}
