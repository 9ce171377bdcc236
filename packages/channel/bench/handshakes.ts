import { memoryPair } from '@gridseal/transport'
import { StaticKey, TicketKeys, TicketStore, acceptChannel, connectChannel } from '@gridseal/channel'
import type { AcceptOptions, Channel, ConnectOptions } from '@gridseal/channel'
import { SigningKey } from '@gridseal/pqc'
import { primitives } from './primitives.ts'

/** A way to come to a session. */
export interface HandshakeKind {
  readonly name: string
  /** What one that calls is given; with a ticket of its own, where it resumes. */
  readonly caller: () => Promise<ConnectOptions>
  readonly accept: AcceptOptions
  /** The same without the protocol: {@link primitives}. */
  readonly floor: () => Promise<void>
}

/** Identities of each kind, with the suites that suit them, and resumption. */
export function handshakeKinds(): HandshakeKind[] {
  const kinds: HandshakeKind[] = []
  for (const algorithm of ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const) {
    const [field, head] = [SigningKey.generate(algorithm), SigningKey.generate(algorithm)]
    kinds.push({
      name: `${algorithm} identities, CH-KEM-v1`,
      caller: () => Promise.resolve({ identity: field, peer: head.publicKey }),
      accept: { identity: head, peers: () => field.publicKey },
      floor: primitives({ kem: 'CH-KEM-v1', agreements: 1, signature: algorithm }),
    })
  }
  for (const kem of ['CH-KEM-v1', 'X-Wing', 'ML-KEM-768'] as const) {
    const [field, head] = [StaticKey.generate(kem), StaticKey.generate(kem)]
    const suites = [`${kem}, AES-256-GCM`]
    kinds.push({
      name: `static ${kem} identities, ${kem}`,
      caller: () => Promise.resolve({ identity: field, peer: head.publicKey, suites }),
      accept: { identity: head, peers: () => field.publicKey, suites },
      floor: primitives({ kem, agreements: 3 }),
    })
  }
  for (const kem of ['CH-KEM-v1', 'X-Wing', 'ML-KEM-768'] as const) {
    const [field, head] = [SigningKey.generate('ML-DSA-65'), SigningKey.generate('ML-DSA-65')]
    const suites = [`${kem}, AES-256-GCM`]
    const accept = { identity: head, peers: () => field.publicKey, suites, ticketKeys: TicketKeys.generate() }
    kinds.push({
      name: `resumption, ${kem}`,
      caller: async () => {
        const connect = { identity: field, peer: head.publicKey, suites, ticketStore: new TicketStore() }
        const { near } = await inMemory(connect, accept)
        await near.close()
        return connect
      },
      accept,
      floor: primitives({ kem, agreements: 1 }),
    })
  }
  return kinds
}

/** A session over memory, so that nothing but the protocol is measured. */
export async function inMemory(
  connect: ConnectOptions,
  accept: AcceptOptions,
): Promise<{ readonly near: Channel; readonly far: Channel }> {
  const [a, b] = memoryPair()
  const [near, far] = await Promise.all([connectChannel(a, connect), acceptChannel(b, accept)])
  near.messages.subscribe()
  far.messages.subscribe()
  return { near, far }
}
