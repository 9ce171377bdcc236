/**
 * Whom a limit per address counts: an IPv4 address, or the /64 network of an IPv6 address, of which one customer has
 * all. What is no address stands for itself. Takes a URL such as `tcp://[2001:db8::1]:4712` or a bare address.
 */
export function limitKey(remote: string): string {
  const host = /^[a-z]+:\/\/(\[[^\]]*\]|[^:/]*)/i.exec(remote)?.[1] ?? remote
  const address = host.replace(/^\[|\]$|%.*$/g, '')
  if (!address.includes(':')) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups =
    tail === undefined
      ? left
      : [...left, ...new Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right]
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')}::/64`
}
