import { memoryPair } from '@gridseal/transport'
import { StaticKey, TicketKeys, TicketStore, acceptChannel, connectChannel } from '@gridseal/channel'
import type { AcceptOptions, Channel, ConnectOptions } from '@gridseal/channel'
import { SigningKey } from '@gridseal/pqc'
import { primitives } from './primitives.ts'

/** A way to come to a session: what both ends are given. */
export interface HandshakeKind {
  readonly name: string
  readonly connect: ConnectOptions
  readonly accept: AcceptOptions
  /** Must be done before the handshakes that are measured. */
  readonly prepare?: () => Promise<void>
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
      connect: { identity: field, peer: head.publicKey },
      accept: { identity: head, peers: () => field.publicKey },
      floor: primitives({ kem: 'CH-KEM-v1', agreements: 1, signature: algorithm }),
    })
  }
  for (const kem of ['CH-KEM-v1', 'X-Wing', 'ML-KEM-768'] as const) {
    const [field, head] = [StaticKey.generate(kem), StaticKey.generate(kem)]
    const suites = [`${kem}, AES-256-GCM`]
    kinds.push({
      name: `static ${kem} identities, ${kem}`,
      connect: { identity: field, peer: head.publicKey, suites },
      accept: { identity: head, peers: () => field.publicKey, suites },
      floor: primitives({ kem, agreements: 3 }),
    })
  }
  for (const kem of ['CH-KEM-v1', 'X-Wing', 'ML-KEM-768'] as const) {
    const [field, head] = [SigningKey.generate('ML-DSA-65'), SigningKey.generate('ML-DSA-65')]
    const suites = [`${kem}, AES-256-GCM`]
    const [ticketKeys, ticketStore] = [TicketKeys.generate(), new TicketStore()]
    const connect = { identity: field, peer: head.publicKey, suites, ticketStore }
    const accept = { identity: head, peers: () => field.publicKey, suites, ticketKeys }
    kinds.push({
      name: `resumption, ${kem}`,
      connect,
      accept,
      prepare: async () => {
        const { near } = await inMemory({ connect, accept })
        await near.close()
      },
      floor: primitives({ kem, agreements: 1 }),
    })
  }
  return kinds
}

/** A session over memory, so that nothing but the protocol is measured. */
export async function inMemory({
  connect,
  accept,
}: Pick<HandshakeKind, 'connect' | 'accept'>): Promise<{ readonly near: Channel; readonly far: Channel }> {
  const [a, b] = memoryPair()
  const [near, far] = await Promise.all([connectChannel(a, connect), acceptChannel(b, accept)])
  near.messages.subscribe()
  far.messages.subscribe()
  return { near, far }
}
