import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { cannotTest, needLinux, needOptional, which } from './requirements.ts'

const run = promisify(execFile)

/** Two Ethernet interfaces that are the ends of one wire. */
export interface VethPair {
  readonly a: string
  readonly b: string
  remove(): Promise<void>
}

/**
 * For tests of raw Ethernet: a pair of virtual interfaces of its own. Where that is not to be had (another system than
 * Linux, no root, no CAP_NET_ADMIN or CAP_NET_RAW, no `ip`), the test is skipped and says why; it fails nowhere but
 * where only the package that makes it possible is missing.
 */
export async function vethPair(context: Mocha.Context): Promise<VethPair> {
  needLinux(context)
  const ip = which('ip')
  needOptional(context, ip !== undefined, 'needs ip (iproute2) on PATH')
  const koffi = await import('koffi').then(
    () => true,
    () => false,
  )
  if (!koffi) cannotTest(context, 'needs the optional package koffi')
  const name = `gs${randomBytes(4).toString('hex')}`
  const [a, b] = [`${name}a`, `${name}b`]
  const command = (...parts: string[]): Promise<unknown> => run(ip!, ['link', ...parts])
  try {
    await command('add', a, 'type', 'veth', 'peer', 'name', b)
  } catch (error) {
    const reason = (error as { readonly stderr?: string }).stderr?.trim() ?? String(error)
    needOptional(context, false, `needs a pair of virtual interfaces, which takes CAP_NET_ADMIN: ${reason}`)
  }
  const remove = async (): Promise<void> => void (await command('del', a).catch(() => undefined))
  try {
    await command('set', a, 'up')
    await command('set', b, 'up')
    const { openEthernet } = await import('@gridseal/transport')
    const socket = await openEthernet({ url: `eth://${a}`, etherType: 0x88b8 })
    await socket.close()
  } catch (error) {
    await remove()
    needOptional(context, false, `needs packet sockets (CAP_NET_RAW): ${String(error)}`)
  }
  return { a, b, remove }
}
