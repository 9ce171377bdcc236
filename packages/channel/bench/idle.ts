import { SigningKey } from '@gridseal/pqc'
import type { Channel } from '@gridseal/channel'
import { StaticKey } from '@gridseal/channel'
import { inMemory } from './handshakes.ts'

/** Bytes that so many idle channels keep in this process, one end each: the pairs are counted, then halved. */
export async function idleMemory(count: number): Promise<number> {
  const [field, head] = [StaticKey.generate('ML-KEM-768'), SigningKey.generate('ML-DSA-65')]
  const kind = {
    connect: { identity: field, peer: head.publicKey },
    accept: { identity: head, peers: () => field.publicKey },
  }
  const used = (): number => {
    globalThis.gc?.()
    const { rss } = process.memoryUsage()
    return rss
  }
  const warm = await Promise.all(Array.from({ length: 50 }, () => inMemory(kind)))
  await Promise.all(warm.map(({ near }) => near.close()))
  const before = used()
  const open: { near: Channel; far: Channel }[] = []
  for (let i = 0; i < count / 2; i += 10) {
    open.push(...(await Promise.all(Array.from({ length: 10 }, () => inMemory(kind)))))
  }
  const bytes = used() - before
  for (const { near } of open) await near.close()
  return bytes
}
