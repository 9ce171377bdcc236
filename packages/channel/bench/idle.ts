import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { SigningKey } from '@gridseal/pqc'
import type { Channel } from '@gridseal/channel'
import { StaticKey } from '@gridseal/channel'
import { inMemory } from './handshakes.ts'

const execute = promisify(execFile)

/**
 * Bytes that so many idle channels keep in a process that has done nothing else: where others have run before, they come
 * to lie in memory that the process has already.
 */
export async function idleMemoryAlone(count: number): Promise<number> {
  const script = fileURLToPath(new URL('idle-process.ts', import.meta.url))
  const { stdout } = await execute(process.execPath, [...process.execArgv, '--expose-gc', script, `${count}`])
  return Number(stdout)
}

/** Bytes that so many idle channels keep in this process: half as many pairs, both ends of which are here. */
export async function idleMemory(count: number): Promise<number> {
  const [field, head] = [StaticKey.generate('ML-KEM-768'), SigningKey.generate('ML-DSA-65')]
  const connect = { identity: field, peer: head.publicKey }
  const accept = { identity: head, peers: () => field.publicKey }
  const used = (): number => {
    globalThis.gc?.()
    const { rss } = process.memoryUsage()
    return rss
  }
  const warm = await Promise.all(Array.from({ length: 50 }, () => inMemory(connect, accept)))
  await Promise.all(warm.map(({ near }) => near.close()))
  const before = used()
  const open: { near: Channel; far: Channel }[] = []
  for (let i = 0; i < count / 2; i += 10) {
    open.push(...(await Promise.all(Array.from({ length: 10 }, () => inMemory(connect, accept)))))
  }
  return used() - before
}
