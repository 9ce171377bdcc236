import { isIP } from 'node:net'
import type { AltName } from './extensions.ts'

/** Whether a DNS name, IP address or URI is among the names (RFC 9525 6): one wildcard as the whole first label. */
export function matchesHost(names: readonly AltName[], host: string): boolean {
  if (host.includes('://') || host.startsWith('urn:')) {
    return names.some((name) => name.type === 'uri' && name.value === host)
  }
  const address = addressBytes(host)
  if (address !== undefined) {
    return names.some((name) => name.type === 'ip' && Buffer.compare(name.value, address) === 0)
  }
  const wanted = host.toLowerCase()
  const [, ...rest] = wanted.split('.')
  return names.some((name) => {
    if (name.type !== 'dns') return false
    const value = name.value.toLowerCase()
    return value === wanted || (rest.length > 1 && value === `*.${rest.join('.')}`)
  })
}

/** 4 or 16 bytes of an IP address in text; undefined if it is none. */
export function addressBytes(text: string): Uint8Array | undefined {
  const version = isIP(text)
  if (version === 4) return Uint8Array.from(text.split('.').map(Number))
  if (version !== 6 || text.includes('%')) return undefined
  // An IPv4 tail is two groups.
  const plain = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, a: string, b: string, c: string, d: string) =>
    [256 * Number(a) + Number(b), 256 * Number(c) + Number(d)].map((group) => group.toString(16)).join(':'),
  )
  const [head = '', tail] = plain.split('::')
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const [front, back] = [groups(head), tail === undefined ? [] : groups(tail)]
  const all = [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back]
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]))
}
