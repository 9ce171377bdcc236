import { isIPv6 } from 'node:net'
import { UsageError } from '@gridseal/wire'

export const PARITIES = ['none', 'even', 'odd'] as const
export type Parity = (typeof PARITIES)[number]

export const FLOWS = ['none', 'hardware', 'software'] as const
/** How a serial device says that it cannot take more: not at all, by RTS/CTS, or by XON/XOFF. */
export type Flow = (typeof FLOWS)[number]

export const RS485_MODES = ['off', 'rts', 'rts-inverted'] as const
/** Who switches an RS-485 driver on to send: the adapter itself, or this end by RTS (high or low while sending). */
export type Rs485 = (typeof RS485_MODES)[number]

export interface TcpEndpoint {
  readonly kind: 'tcp'
  /** Name or address; an IPv6 address stands without brackets. */
  readonly host: string
  readonly port: number
}

/** TCP under TLS; certificates are in the options. */
export interface TlsEndpoint {
  readonly kind: 'tls'
  readonly host: string
  readonly port: number
}

/** A WebSocket (RFC 6455), under TLS for `wss`; bytes go in binary messages. */
export interface WebSocketEndpoint {
  readonly kind: 'ws' | 'wss'
  readonly host: string
  readonly port: number
  /** Begins with a slash. */
  readonly path: string
}

export interface UdpEndpoint {
  readonly kind: 'udp'
  readonly host: string
  readonly port: number
}

export interface SerialEndpoint {
  readonly kind: 'serial'
  /** `/dev/ttyUSB0`, `COM3`. */
  readonly path: string
  readonly baud: number
  readonly dataBits: 5 | 6 | 7 | 8
  readonly parity: Parity
  readonly stopBits: 1 | 1.5 | 2
  /** Default none. */
  readonly flow?: Flow
  /** Default off. */
  readonly rs485?: Rs485
  /** Milliseconds between switching the driver and the first bit, and from the last bit to switching back. Default 0. */
  readonly rs485Delay?: number
  /** The line hands back what this end sends, as two-wire RS-485 often does: it is taken out. Default false. */
  readonly echo?: boolean
  /** Milliseconds of silence between two characters that end a frame. Default: the protocol's. */
  readonly gap?: number
  /** Several links share the line, one at a time: how long, in milliseconds, each waits for its answer. Default: no. */
  readonly shared?: number
}

/** An Ethernet interface, for frames as they are (Linux). */
export interface EthernetEndpoint {
  readonly kind: 'eth'
  /** `eth1`, `enp3s0.100`. */
  readonly interface: string
  /** Hear all frames on the wire, not only those that the interface is asked for. Default false. */
  readonly promiscuous?: boolean
}

/** A name within this process. */
export interface MemoryEndpoint {
  readonly kind: 'memory'
  readonly name: string
}

/** Where bytes come from and go to. */
export type Endpoint =
  TcpEndpoint | TlsEndpoint | WebSocketEndpoint | UdpEndpoint | SerialEndpoint | EthernetEndpoint | MemoryEndpoint

const URL_SHAPE = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i
const AUTHORITY = /^(?:\[([^\]\s]+)\]|([^\s:/?#@[\]]+)):(\d{1,5})\/?$/
const PATH = /^\/[\w\-.~%/]*$/
/** A name of up to 15 characters, as Linux has it. */
const INTERFACE = /^[^\s/?#]{1,15}$/

/**
 * Reads `tcp://host:port`, `tls://host:port`, `ws://host:port/path`, `wss://host:port/path`, `udp://host:port`,
 * `serial:///dev/ttyUSB0?baud=9600&parity=even`, `eth://eth1` (key `promiscuous`) or `memory://name`.
 * Serial keys: `baud` (9600), `dataBits` (8), `parity` (none), `stopBits` (1), `flow` (none), `rs485` (off), `rs485Delay`,
 * `echo`, `gap`, `shared`: see {@link SerialEndpoint}.
 *
 * Throws {@link UsageError} with a code `transport.url.…` that names the part that is wrong.
 */
export function parseEndpoint(url: string): Endpoint {
  const [, scheme, rest] = URL_SHAPE.exec(url) ?? []
  if (scheme === undefined || rest === undefined) {
    throw wrong('form', url, 'write it like tcp://host:port or serial:///dev/ttyUSB0?baud=9600')
  }
  switch (scheme.toLowerCase()) {
    case 'tcp':
      return { kind: 'tcp', ...hostAndPort(url, rest) }
    case 'tls':
      return { kind: 'tls', ...hostAndPort(url, rest) }
    case 'udp':
      return { kind: 'udp', ...hostAndPort(url, rest) }
    case 'ws':
      return webSocketEndpoint('ws', url, rest)
    case 'wss':
      return webSocketEndpoint('wss', url, rest)
    case 'serial':
      return serialEndpoint(url, rest)
    case 'eth':
      return ethernetEndpoint(url, rest)
    case 'memory':
      if (rest === '') throw wrong('name', url, 'the name is missing, as in memory://name')
      return { kind: 'memory', name: rest }
    default:
      throw unknownScheme(url)
  }
}

/** The URL of an endpoint; the inverse of {@link parseEndpoint}. Serial keys at their default are left out, baud stays. */
export function formatEndpoint(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'tcp':
    case 'tls':
    case 'udp':
      return formatAddress(endpoint.kind, endpoint.host, endpoint.port)
    case 'ws':
    case 'wss':
      return formatAddress(endpoint.kind, endpoint.host, endpoint.port) + (endpoint.path === '/' ? '' : endpoint.path)
    case 'serial': {
      const { path, baud, dataBits, parity, stopBits, flow = 'none' } = endpoint
      const { rs485 = 'off', rs485Delay = 0, echo = false, gap, shared } = endpoint
      const query = [
        `baud=${baud}`,
        ...(dataBits === 8 ? [] : [`dataBits=${dataBits}`]),
        ...(parity === 'none' ? [] : [`parity=${parity}`]),
        ...(stopBits === 1 ? [] : [`stopBits=${stopBits}`]),
        ...(flow === 'none' ? [] : [`flow=${flow}`]),
        ...(rs485 === 'off' ? [] : [`rs485=${rs485}`]),
        ...(rs485Delay === 0 ? [] : [`rs485Delay=${rs485Delay}`]),
        ...(echo ? ['echo=true'] : []),
        ...(gap === undefined ? [] : [`gap=${gap}`]),
        ...(shared === undefined ? [] : [`shared=${shared}`]),
      ]
      return `serial://${path}?${query.join('&')}`
    }
    case 'eth':
      return `eth://${endpoint.interface}${endpoint.promiscuous === true ? '?promiscuous=true' : ''}`
    case 'memory':
      return `memory://${endpoint.name}`
  }
}

/** `scheme://host:port` with brackets where an IPv6 address needs them. */
export function formatAddress(scheme: 'tcp' | 'tls' | 'udp' | 'ws' | 'wss', host: string, port: number): string {
  return host.includes(':') ? `${scheme}://[${host}]:${port}` : `${scheme}://${host}:${port}`
}

function hostAndPort(url: string, rest: string): { host: string; port: number } {
  const [, bracketed, plain, digits] = AUTHORITY.exec(rest) ?? []
  const host = bracketed ?? plain
  if (host === undefined)
    throw wrong('host', url, 'host and port are needed, as in tcp://10.0.0.7:502 or tcp://[::1]:502')
  if (bracketed !== undefined && !isIPv6(bracketed)) throw wrong('host', url, `${bracketed} is no IPv6 address`)
  const port = Number(digits)
  if (port > 65535) throw wrong('port', url, 'a port is a number from 0 to 65535')
  return { host, port }
}

function webSocketEndpoint(kind: 'ws' | 'wss', url: string, rest: string): WebSocketEndpoint {
  const at = rest.indexOf('/')
  const path = at < 0 ? '/' : rest.slice(at)
  if (!PATH.test(path)) throw wrong('path', url, 'a path has letters, digits and - . _ ~ % / in it, and no query')
  return { kind, ...hostAndPort(url, at < 0 ? rest : rest.slice(0, at)), path }
}

function ethernetEndpoint(url: string, rest: string): EthernetEndpoint {
  const [name = '', query, more] = rest.split('?')
  if (!INTERFACE.test(name) || name === '.' || name === '..') {
    throw wrong('interface', url, 'the name of an interface is needed, as in eth://eth1')
  }
  if (query === undefined) return { kind: 'eth', interface: name }
  const [key = '', value] = query.split('=')
  if (more !== undefined || key !== 'promiscuous') throw wrong('query', url, `"${query}" is not promiscuous=true`)
  const promiscuous = oneOf(url, key, value, ['true', 'false']) === 'true'
  return { kind: 'eth', interface: name, ...(promiscuous ? { promiscuous } : {}) }
}

function serialEndpoint(url: string, rest: string): SerialEndpoint {
  const at = rest.indexOf('?')
  const path = at < 0 ? rest : rest.slice(0, at)
  if (path === '') throw wrong('path', url, 'the device is missing, as in serial:///dev/ttyUSB0')
  const keys: Record<string, string> = { ...SERIAL_DEFAULTS }
  const seen = new Set<string>()
  for (const pair of at < 0 ? [] : rest.slice(at + 1).split('&')) {
    const [key = '', value = ''] = pair.split('=')
    if (!Object.hasOwn(keys, key)) throw wrong('query', url, `"${key}" is not one of ${Object.keys(keys).join(', ')}`)
    if (seen.has(key)) throw wrong('query', url, `${key} is given twice`)
    seen.add(key)
    keys[key] = value
  }
  const baud = /^\d{2,7}$/.test(keys['baud'] ?? '') ? Number(keys['baud']) : 0
  if (baud < 50 || baud > 4_000_000) throw wrong('query', url, 'baud is a number from 50 to 4000000')
  return {
    kind: 'serial',
    path,
    baud,
    dataBits: oneOf(url, 'dataBits', Number(keys['dataBits']), [5, 6, 7, 8]),
    parity: oneOf(url, 'parity', keys['parity'], PARITIES),
    stopBits: oneOf(url, 'stopBits', Number(keys['stopBits']), [1, 1.5, 2]),
    flow: oneOf(url, 'flow', keys['flow'], FLOWS),
    ...lineHabits(url, keys),
  }
}

const SERIAL_DEFAULTS: Readonly<Record<string, string>> = {
  baud: '9600',
  dataBits: '8',
  parity: 'none',
  stopBits: '1',
  flow: 'none',
  rs485: 'off',
  rs485Delay: '0',
  echo: 'false',
  gap: '',
  shared: '',
}

/** What is there only where it was asked for. */
function lineHabits(url: string, keys: Readonly<Record<string, string>>): Partial<SerialEndpoint> {
  const rs485 = oneOf(url, 'rs485', keys['rs485'], RS485_MODES)
  const rs485Delay = milliseconds(url, 'rs485Delay', keys['rs485Delay'] ?? '', 0, 1000)
  const echo = oneOf(url, 'echo', keys['echo'], ['true', 'false']) === 'true'
  if (rs485 !== 'off' && keys['flow'] === 'hardware')
    throw wrong('query', url, 'RTS is for rs485 or for flow, not both')
  return {
    ...(rs485 === 'off' ? {} : { rs485, rs485Delay }),
    ...(echo ? { echo } : {}),
    ...(keys['gap'] === '' ? {} : { gap: milliseconds(url, 'gap', keys['gap'] ?? '', 1, 10_000) }),
    ...(keys['shared'] === '' ? {} : { shared: milliseconds(url, 'shared', keys['shared'] ?? '', 1, 60_000) }),
  }
}

function milliseconds(url: string, key: string, text: string, least: number, most: number): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (value >= least && value <= most) return value
  throw wrong('query', url, `${key} is a number of milliseconds from ${least} to ${most}`)
}

function oneOf<const T extends string | number>(url: string, key: string, value: unknown, all: readonly T[]): T {
  const found = all.find((item) => item === value)
  if (found === undefined) throw wrong('query', url, `${key} is one of ${all.join(', ')}`)
  return found
}

function unknownScheme(url: string): UsageError {
  return wrong('scheme', url, 'the scheme is one of tcp, tls, ws, wss, udp, serial, eth, memory')
}

function wrong(part: string, url: string, message: string): UsageError {
  return new UsageError(`transport.url.${part}`, `${url}: ${message}`, { url })
}
