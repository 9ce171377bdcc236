import { isIPv4 } from 'node:net'
import { UsageError } from '@gridseal/wire'
import { addressBytes } from './ip-address.ts'

interface Network {
  readonly bytes: Uint8Array
  /** Leading bits of the 128 that count. */
  readonly prefix: number
}

/**
 * Networks that may connect, in CIDR notation: `10.1.0.0/16`, `2001:db8::/32`, or single addresses. IPv4-mapped IPv6
 * addresses count as IPv4; `0.0.0.0/0` is all of IPv4, `::/0` is everything.
 */
export class AllowList {
  readonly #networks: readonly Network[]

  /** Throws {@link UsageError} `transport.allow` for what is no network, also if bits are set right of the prefix. */
  constructor(networks: readonly string[]) {
    this.#networks = networks.map((text) => parseNetwork(text))
  }

  admits(address: string): boolean {
    const bytes = addressBytes(address)
    return bytes !== undefined && this.#networks.some((network) => contains(network, bytes))
  }
}

function parseNetwork(text: string): Network {
  const [address = '', length, ...more] = text.split('/')
  const bytes = address.includes('%') ? undefined : addressBytes(address)
  if (bytes === undefined || more.length > 0) throw wrong(text, 'it is no address or network like 10.1.0.0/16')
  const bits = isIPv4(address) ? 32 : 128
  const given = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : -1
  if (given < 0 || given > bits) throw wrong(text, `the prefix is a number from 0 to ${bits}`)
  const network = { bytes, prefix: given + 128 - bits }
  if (!hostBitsAreZero(network)) throw wrong(text, `it has bits set right of its prefix of ${given}`)
  return network
}

function contains({ bytes, prefix }: Network, address: Uint8Array): boolean {
  const whole = prefix >> 3
  for (let i = 0; i < whole; i++) if (bytes[i] !== address[i]) return false
  const mask = 0xff00 >> (prefix & 7)
  return (((bytes[whole] ?? 0) ^ (address[whole] ?? 0)) & mask & 0xff) === 0
}

function hostBitsAreZero({ bytes, prefix }: Network): boolean {
  const whole = prefix >> 3
  if (((bytes[whole] ?? 0) & (0xff >> (prefix & 7))) !== 0) return false
  return bytes.subarray(whole + 1).every((byte) => byte === 0)
}

function wrong(text: string, message: string): UsageError {
  return new UsageError('transport.allow', `"${text}" in the allow-list: ${message}`, { network: text })
}
