import { OPERATION_KINDS } from '@gridseal/adapter'
import { parseEndpoint } from '@gridseal/transport'
import { UsageError } from '@gridseal/wire'
import { z } from 'zod'
import { adapterFor, PROTOCOLS } from '../protocols.ts'
import { duration, parsed, size, text, url } from './fields.ts'
import { checkGroups, checkMulticast, ethernetFilter, groups } from './group-schema.ts'
import type { BridgeConfig, FieldLinkConfig, HeadEndLinkConfig, LinkConfig } from './model.ts'
import { accept, peerProblem, signing, trust } from './trust-schema.ts'
import { fieldUpdateKeys, headEndUpdateKeys } from '../update-keys/config.ts'
import { parseDuration } from './units.ts'

// The one place where every key, its default and what it means is written.

/** Largest `batchBytes`: half a message of the channel leaves room for what leaves add. */
const MAX_BATCH = 2 << 20

/** Less would stand still: the far side tells every 16 KiB what it has taken. */
const MIN_WINDOW = 64 << 10
const MIN_BACKLOG = 1 << 20
/** A journal is not to become a file for each batch. */
const MIN_SEGMENT = 64 << 10

const policy = z.strictObject({
  /** Kinds of operation that may pass; default all. */
  allow: z.array(z.enum(OPERATION_KINDS)).optional(),
  /** Kinds that may not, also if allowed above. */
  deny: z.array(z.enum(OPERATION_KINDS)).default([]),
  /** The protocol's own rules: modbus by unit, function and address range, dnp3 by station, function and object. */
  rules: z.array(z.unknown()).optional(),
  /** What happens to a frame that may not pass: it is left out, or its connection is closed as well. */
  onDeny: z.enum(['drop', 'close']).default('drop'),
})

const linkBase = {
  /** Unique within the site; both ends use the same. */
  id: text.max(100),
  protocol: z.enum(PROTOCOLS),
  /** The protocol's framing, e.g. modbus: tcp, rtu, ascii; default the protocol's first. */
  framing: z.string().optional(),
  /** Carry frames whose check sum is wrong, too. */
  keepInvalid: z.boolean().default(false),
  policy: policy.optional(),
  /** Bytes under way on one connection before its sender is paused. */
  window: size.refine((bytes) => bytes >= MIN_WINDOW, `at least ${MIN_WINDOW}`).default(1 << 20),
  /** Serial lines: silence that ends a frame. */
  silence: duration.default(50),
  /** Names of points for readings: dnp3, YAML or CSV as for `gridseal simulate dnp3 --model`. */
  points: text.optional(),
}

const fieldLink = z.strictObject({
  ...linkBase,
  /** The device: tcp, udp or serial; for goose and sv the interface, eth. */
  device: url('tcp', 'udp', 'serial', 'eth'),
  /** A frame to the device that is older than this is not delivered and its connection is reset. */
  maxAge: duration.default(10_000),
  /** UDP, serial: keep what the device sends until the head-end has it, in this class; default live only. */
  store: z.enum(['urgent', 'normal', 'bulk']).optional(),
  /** UDP multicast, Ethernet: the head-end's group of this name, whose keys protect each datagram or frame. */
  group: text.max(100).optional(),
  ...ethernetFilter,
  /** UDP multicast: IPv4 address of the interface; default the system's choice. */
  interface: z.ipv4().optional(),
  /** UDP: where the device's datagrams come in; default any port. */
  bind: url('udp').optional(),
  /** DNP3 with secure authentication: update keys agreed on with the head-end, and how the outstation gets them. */
  updateKeys: fieldUpdateKeys(duration).optional(),
})

const headEndLink = z.strictObject({
  ...linkBase,
  /** Where masters come in: tcp and udp listen, serial opens the port. */
  master: url('tcp', 'udp', 'serial'),
  /** Addresses that may connect (CIDR); default for UDP: the peer's host, or the one that speaks first. */
  allow: z.array(text).optional(),
  /** TCP, serial: while the device is out of reach, close masters' connections or answer as the protocol has it. */
  away: z.enum(['close', 'answer']).default('close'),
  /** UDP: most datagrams a second of what was kept (`store` at the field bridge). */
  pace: z.number().int().min(1).max(1_000_000).default(1000),
  /** UDP: the master; it gets what devices send before it has spoken. */
  peer: url('udp').optional(),
  /** DNP3 with secure authentication: update keys agreed on with the field bridge, and the master's key files. */
  updateKeys: headEndUpdateKeys(duration).optional(),
})

const journal = z.strictObject({
  directory: text,
  /** Wait for the disk before a batch is acknowledged. */
  sync: z.boolean().default(true),
  maxSegment: size.refine((bytes) => bytes >= MIN_SEGMENT, `at least ${MIN_SEGMENT}`).default(64 << 20),
  maxSegmentAge: duration.refine((ms) => ms >= 1000, 'at least 1s').default(86_400_000),
  /** Remove segments that are older; default never. What is not acknowledged stays. */
  keep: parsed(parseDuration).optional(),
  /** Remove the oldest segments above this size; default never. What is not acknowledged stays. */
  maxSize: size.optional(),
  /** File with the 32-byte key that encrypts the journal at rest. */
  key: text.optional(),
  /** File, best on another disk, by which a restored older copy of the journal is noticed. */
  anchor: text.optional(),
})

const store = z
  .strictObject({
    /** Bytes that may wait for the head-end; normal traffic may take 90 % of it, bulk 75 %. */
    maxBacklog: size.refine((bytes) => bytes >= MIN_BACKLOG, `at least ${MIN_BACKLOG}`).default(1 << 30),
    /** Beyond: drop what comes and count it, or stop reading the devices. */
    whenFull: z.enum(['drop', 'stop']).default('drop'),
  })
  .prefault({})

const limits = z
  .strictObject({
    /** Most frames of one batch. */
    batchEntries: z.number().int().min(1).max(100_000).default(1024),
    /** Frame bytes after which a batch is full; a batch must fit a message of the channel. */
    batchBytes: size.refine((bytes) => bytes >= 1 && bytes <= MAX_BATCH, `allowed: 1 to ${MAX_BATCH}`).default(1 << 20),
    /** How long a frame may wait for company; 0 signs at once. */
    batchDelay: duration.default(0),
    /** Bytes of batches sent and not yet acknowledged before sealing pauses. */
    unacknowledged: size.refine((bytes) => bytes >= MIN_BACKLOG, `at least ${MIN_BACKLOG}`).default(8 << 20),
  })
  .prefault({})

/** Where `GET /health` and `GET /metrics` are answered over HTTP; default nowhere. */
const health = z.strictObject({ listen: url('tcp') }).optional()

const positive = z.number().positive()
const time = duration.refine((ms) => ms >= 1, 'at least 1ms')

const channelBase = {
  /** How long mirrored connections outlive the channel. */
  holdConnections: duration.default(5_000),
  handshakeTimeout: time.default(10_000),
  /** Longest wait for the answer to a close. */
  closeTimeout: time.default(5_000),
  /** How often fresh keys are agreed on, besides after records and bytes. */
  rekeyInterval: time.refine((ms) => ms <= 86_400_000, 'at most a day').default(3_600_000),
  /** udp, serial: silence after which the peer is asked whether it is there, and paths are probed. */
  keepAlive: time.default(15_000),
  /** udp, serial: silence after which the channel is over. */
  idleTimeout: time.default(60_000),
  /** udp, serial: largest packet in bytes; default 1200 and 512. */
  mtu: z.number().int().min(256).max(4092).optional(),
  /** udp: several paths one at a time, or all at once. */
  use: z.enum(['failover', 'redundant']).default('failover'),
}

/** Limits of who may come in, see GuardOptions of @gridseal/channel; a default is there for each. */
const guard = z
  .strictObject({
    /** New connections of one address, and of all, a second and at once. */
    connectionsPerSecond: positive.optional(),
    connectionBurst: positive.optional(),
    totalConnectionsPerSecond: positive.optional(),
    totalConnectionBurst: positive.optional(),
    /** Handshakes for which keys are agreed on. */
    handshakesPerSecond: positive.optional(),
    handshakeBurst: positive.optional(),
    totalHandshakesPerSecond: positive.optional(),
    totalHandshakeBurst: positive.optional(),
    /** Unfinished handshakes of one address, and of all. */
    halfOpenPerAddress: positive.optional(),
    halfOpen: positive.optional(),
    /** Unfinished handshakes above which every hello must bring a cookie first. */
    cookiesAbove: positive.optional(),
    /** Addresses that are told apart. */
    addresses: positive.optional(),
  })
  .prefault({})

/** One URL, or several of them. */
function urls(...schemes: string[]): z.ZodType<string[], string | string[]> {
  const one = url(...schemes)
  return z.union([one, z.array(one).min(1).max(8)]).transform((value) => (typeof value === 'string' ? [value] : value))
}

const fieldConfig = z.strictObject({
  role: z.literal('field'),
  site: text.max(100),
  /** This bridge's private key (gridseal keygen). */
  identity: text,
  /** Its certificates (PEM, its own first), for peers that have not pinned its key. */
  certificate: text.optional(),
  /** What signs batches; default the identity. */
  signing,
  channel: z.strictObject({
    /** Several: paths of one channel, udp only. */
    connect: urls('tcp', 'ws', 'wss', 'udp', 'serial'),
    /** The head-end's public key, or who vouches for it by certificates. */
    peer: text.optional(),
    trust,
    /** What batches of the head-end must be. */
    accept,
    ...channelBase,
  }),
  journal: journal.optional(),
  health,
  store,
  limits,
  links: z.array(fieldLink).min(1),
})

const site = z.strictObject({
  site: text.max(100),
  /** The field bridge's public key, or who vouches for it by certificates. */
  peer: text.optional(),
  trust,
  /** What batches of the field bridge must be. */
  accept,
  links: z.array(headEndLink).min(1),
})

const headEndConfig = z.strictObject({
  role: z.literal('head-end'),
  identity: text,
  certificate: text.optional(),
  signing,
  channel: z.strictObject({
    /** Several: all at once; udp ones are paths of one channel. */
    listen: urls('tcp', 'ws', 'udp', 'serial'),
    guard,
    /** Longest wait for the first message of whoever comes in. */
    helloTimeout: time.default(5_000),
    /** Addresses that field bridges may come from (CIDR). */
    allow: z.array(text).optional(),
    ...channelBase,
  }),
  journal: journal.optional(),
  health,
  limits,
  sites: z.array(site).min(1),
  groups,
})

/** What a configuration file may hold. */
export const configSchema: z.ZodType<BridgeConfig> = z
  .discriminatedUnion('role', [fieldConfig, headEndConfig])
  .superRefine((config, context) => {
    const lists =
      config.role === 'field'
        ? [{ path: ['links'], links: config.links }]
        : config.sites.map((s, index) => ({ path: ['sites', index, 'links'], links: s.links }))
    if (config.role === 'head-end') unique(config.sites, 'site', ['sites'], context)
    joinable(config, context)
    known(config, context)
    storable(config, context)
    if (config.role === 'field') checkMulticast(config, context)
    else checkGroups(config, context)
    answerable(config, context)
    for (const { path, links } of lists) {
      unique(links, 'id', path, context)
      links.forEach((link, index) => {
        const { framings, rules } = adapterFor(link.protocol)
        const place = 'device' in link ? 'device' : 'master'
        carriedWhole(link.protocol, 'device' in link ? link.device : link.master, [...path, index, place], context)
        if (link.points !== undefined && adapterFor(link.protocol).pointNames === undefined) {
          const message = `${link.protocol} has no files that name points`
          context.addIssue({ code: 'custom', path: [...path, index, 'points'], message })
        }
        keyed(link, [...path, index, 'updateKeys'], context)
        if (link.policy?.rules !== undefined) {
          checkRules(rules, link.policy.rules, [...path, index, 'policy', 'rules'], context)
        }
        if (link.framing !== undefined && !framings.includes(link.framing)) {
          context.addIssue({
            code: 'custom',
            path: [...path, index, 'framing'],
            message: `allowed for ${link.protocol}: ${framings.join(', ') || 'none'}`,
          })
        }
      })
    }
  })

/** Each far bridge is known by a key or by certificates; what is agreed on with a key needs one that is known before. */
function known(config: BridgeConfig, context: z.RefinementCtx): void {
  const peers =
    config.role === 'field'
      ? [{ path: ['channel'], peer: config.channel }]
      : config.sites.map((peer, index) => ({ path: ['sites', index], peer }))
  for (const { path, peer } of peers) {
    const message = peerProblem(peer)
    if (message !== undefined) context.addIssue({ code: 'custom', path: [...path, 'peer'], message })
  }
  if (config.role === 'field') {
    if (config.channel.trust === undefined) return
    config.links.forEach(({ group }, index) => {
      if (group === undefined) return
      const message = "a group's keys come from a head-end whose key is pinned (channel.peer)"
      context.addIssue({ code: 'custom', path: ['links', index, 'group'], message })
    })
    return
  }
  const names = new Map<string, number>()
  config.sites.forEach(({ trust: certified }, index) => {
    if (certified === undefined) return
    const name = certified.name.toLowerCase()
    if (names.has(name)) {
      const message = `"${certified.name}" is the name of another site already`
      context.addIssue({ code: 'custom', path: ['sites', index, 'trust', 'name'], message })
    }
    names.set(name, index)
  })
}

/** One channel has several paths only where it is made of packets, and a serial line is not opened twice. */
function joinable(config: BridgeConfig, context: z.RefinementCtx): void {
  const field = config.role === 'field'
  const given = field ? config.channel.connect : config.channel.listen
  // What is wrong by itself has been reported.
  if (!Array.isArray(given)) return
  const path = ['channel', field ? 'connect' : 'listen']
  if (field && given.length > 1 && given.some((one) => !one.startsWith('udp://'))) {
    context.addIssue({ code: 'custom', path, message: 'several paths: allowed: udp://' })
  }
  if (new Set(given).size < given.length) context.addIssue({ code: 'custom', path, message: 'a URL is there twice' })
}

/** What is kept needs a journal to be kept in, and a medium without connections that end. */
function storable(config: BridgeConfig, context: z.RefinementCtx): void {
  if (config.role !== 'field') return
  config.links.forEach((link, index) => {
    if (link.store === undefined) return
    const path = ['links', index, 'store']
    if (config.journal === undefined) context.addIssue({ code: 'custom', path, message: 'needs a journal' })
    if (parseEndpoint(link.device).kind === 'tcp') {
      const message = 'only for udp and serial devices: a TCP device keeps its events itself when its connection ends'
      context.addIssue({ code: 'custom', path, message })
    }
  })
}

/** What has no length of its own needs a medium that keeps the borders of frames. */
function carriedWhole(
  protocol: LinkConfig['protocol'],
  place: string,
  path: readonly (string | number)[],
  context: z.RefinementCtx,
): void {
  const { kind } = parseEndpoint(place)
  const isEthernet = adapterFor(protocol).recognition.etherTypes.length > 0
  if (isEthernet && kind !== 'eth' && kind !== 'udp') {
    context.addIssue({ code: 'custom', path: [...path], message: `${protocol}: allowed: eth://, udp://` })
  }
  if (!isEthernet && kind === 'eth') {
    context.addIssue({ code: 'custom', path: [...path], message: `not for ${protocol}: eth:// is for goose and sv` })
  }
}

/** Only DNP3 has update keys; to tell an outstation a key, it must take a connection beside the masters' own. */
function keyed(
  link: FieldLinkConfig | HeadEndLinkConfig,
  path: readonly (string | number)[],
  context: z.RefinementCtx,
): void {
  if (link.updateKeys === undefined) return
  const wrong = (message: string): void => context.addIssue({ code: 'custom', path: [...path], message })
  if (link.protocol !== 'dnp3') wrong('only for dnp3')
  if (!('device' in link)) return
  const installed = link.updateKeys.some(({ install }) => install !== undefined)
  if (installed && parseEndpoint(link.device).kind !== 'tcp') wrong('install is for tcp devices; use file')
}

function checkRules(
  rules: ((raw: unknown) => unknown) | undefined,
  given: readonly unknown[],
  path: readonly (string | number)[],
  context: z.RefinementCtx,
): void {
  try {
    if (rules === undefined) throw new UsageError('config.rules', 'this protocol has no rules of its own')
    rules(given)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    context.addIssue({ code: 'custom', path: [...path], message: error.message })
  }
}

/** Only a protocol that has an answer for it can answer for a device that is out of reach. */
function answerable(config: BridgeConfig, context: z.RefinementCtx): void {
  if (config.role !== 'head-end') return
  config.sites.forEach(({ links }, site) => {
    links.forEach(({ away, protocol }, link) => {
      if (away === 'close' || adapterFor(protocol).unavailable !== undefined) return
      const message = `${protocol} has no answer for a device that is out of reach: allowed: close`
      context.addIssue({ code: 'custom', path: ['sites', site, 'links', link, 'away'], message })
    })
  })
}

function unique<K extends string>(
  items: readonly Readonly<Record<K, string>>[],
  key: K,
  path: readonly (string | number)[],
  context: z.RefinementCtx,
): void {
  const seen = new Set<string>()
  items.forEach((item, index) => {
    if (seen.has(item[key])) {
      context.addIssue({ code: 'custom', path: [...path, index, key], message: `"${item[key]}" is there already` })
    }
    seen.add(item[key])
  })
}
