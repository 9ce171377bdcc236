import type { AcceptConfig, BridgeConfig, LoadedConfig, PeerConfig } from '@gridseal/bridge'
import { loadConfig, located, openKey, readIdentity, readPeer } from '@gridseal/bridge'
import { readPublicKeyFile } from '@gridseal/pqc'
import type { Certificate } from '@gridseal/pqc'
import { print, toJson } from '../output.ts'
import { explainDnp3 } from './explain-dnp3.ts'
import type { ShownKey, ShownPeer } from './explain-trust.ts'
import {
  explainAccept,
  explainCertificate,
  explainGroup,
  explainPeer,
  explainSigning,
  filterText,
  shortPeer,
} from './explain-trust.ts'

/** Validates a configuration with the keys that it names, and explains it. */
export async function check(file: string, json: boolean): Promise<void> {
  const loaded = await loadConfig(file)
  try {
    await checkLoaded(loaded, json)
  } catch (error) {
    throw located(error, loaded)
  }
}

async function checkLoaded({ file, config }: LoadedConfig, json: boolean): Promise<void> {
  const { key, certificate } = await readIdentity(config)
  const identity = key.publicKey.fingerprintText
  const peers: Record<string, ShownPeer> = {}
  for (const [name, at, peer] of peersOf(config)) {
    peers[name] = { known: await readPeer(at, peer), trust: peer.trust }
  }
  const signing = await signingKeys(config)
  const listed: Record<string, readonly string[]> = {}
  for (const [name, { signers }] of accepts(config)) {
    const keys = await Promise.all(signers.map((signer) => readPublicKeyFile(signer.file)))
    listed[name] = keys.map(({ fingerprintText }) => fingerprintText)
  }
  const names = { identity, certificate, peers, listed, signing }
  if (json) {
    const short = Object.fromEntries(Object.entries(peers).map(([name, peer]) => [name, shortPeer(peer)]))
    const shown = { identity, peers: short, listed, signing: signing.map((one) => one.fingerprint) }
    print(toJson({ file, valid: true, ...shown, config }))
  } else for (const line of explain(config, names)) print(line)
}

/** What the files and tokens of a configuration hold. */
interface Names {
  readonly identity: string
  readonly certificate: Certificate | undefined
  readonly peers: Readonly<Record<string, ShownPeer>>
  readonly listed: Readonly<Record<string, readonly string[]>>
  readonly signing: readonly ShownKey[]
}

async function signingKeys(config: BridgeConfig): Promise<ShownKey[]> {
  const shown: ShownKey[] = []
  for (const key of config.signing?.keys ?? []) {
    const { signer, close } = await openKey(key)
    shown.push({ key, fingerprint: signer.publicKey.fingerprintText })
    await close()
  }
  return shown
}

function accepts(config: BridgeConfig): [string, AcceptConfig][] {
  if (config.role === 'field') return [['head-end', config.channel.accept]]
  return config.sites.map((site) => [site.site, site.accept])
}

/** Each far bridge: its name, where the configuration has it, and what it says. */
function peersOf(config: BridgeConfig): [name: string, at: string, peer: PeerConfig][] {
  if (config.role === 'field') return [['head-end', 'channel', config.channel]]
  return config.sites.map((site, index) => [site.site, `sites[${index}]`, site])
}

function explain(config: BridgeConfig, { identity, certificate, peers, listed, signing }: Names): string[] {
  const lines = [`${config.role} bridge, identity ${identity}`, ...explainCertificate(certificate, Date.now())]
  lines.push(...explainSigning(signing, Date.now()))
  const indent = (by: string, more: readonly string[]): void => void lines.push(...more.map((line) => `${by}${line}`))
  if (config.role === 'field') {
    const { connect, use } = config.channel
    const both = use === 'redundant' ? ' and ' : ', else '
    lines.push(`  site ${config.site}: dials the head-end at ${connect.join(both)}`)
    lines.push(...wireText(connect, config.channel))
    lines.push(...explainPeer('  takes only the head-end', peers['head-end']))
    indent('    ', explainAccept(config.channel.accept, listed['head-end'] ?? []))
    for (const link of config.links) {
      lines.push(`  link ${link.id}: ${link.protocol} device at ${link.device}${ruleText(link.policy)}`)
      if (link.group !== undefined) {
        lines.push(
          `    multicast of the head-end's group ${link.group}: each datagram under its MAC at once, signed behind`,
        )
        if (link.device.startsWith('eth://')) lines.push(`    ${filterText(link)}`)
      }
      lines.push(`    frames to it that are older than ${link.maxAge} ms are not delivered`)
      indent('    ', explainDnp3(link))
      if (link.store !== undefined)
        lines.push(`    what it sends is kept until the head-end has it, as ${link.store} traffic`)
    }
  } else {
    const from = config.channel.allow === undefined ? 'any address' : config.channel.allow.join(', ')
    const { listen, guard } = config.channel
    lines.push(`  field bridges come in at ${listen.join(', ')} from ${from}`)
    lines.push(...wireText(listen, config.channel), ...guardText(guard))
    for (const site of config.sites) {
      lines.push(...explainPeer(`  site ${site.site}: only`, peers[site.site]))
      indent('    ', explainAccept(site.accept, listed[site.site] ?? []))
      for (const link of site.links) {
        const masters = link.allow === undefined ? 'any address' : link.allow.join(', ')
        lines.push(
          `    link ${link.id}: ${link.protocol} masters at ${link.master} from ${masters}${ruleText(link.policy)}`,
        )
        indent('      ', explainDnp3(link))
      }
    }
    for (const group of config.groups) lines.push(...explainGroup(group))
  }
  lines.push(
    config.journal === undefined
      ? '  no journal: nothing can be proven later'
      : `  journal in ${config.journal.directory}${config.journal.sync ? '' : ' (not synced to disk)'}`,
  )
  if (config.health !== undefined)
    lines.push(`  GET /health and /metrics at ${config.health.listen}, for whoever can reach it`)
  return lines
}

/** What differs from one kind of way to another. */
function wireText(urls: readonly string[], { keepAlive, idleTimeout, rekeyInterval }: ChannelTimes): string[] {
  const lines = [`    fresh keys every ${rekeyInterval} ms at the latest`]
  if (urls.some((url) => /^(udp|serial):/.test(url))) {
    lines.push(`    packets: asks after ${keepAlive} ms of silence, gives up after ${idleTimeout} ms`)
  }
  return lines
}

function guardText(guard: object): string[] {
  const set = Object.entries(guard).filter(([, value]) => value !== undefined)
  return set.length === 0 ? [] : [`    limits: ${set.map(([name, value]) => `${name} ${value}`).join(', ')}`]
}

interface ChannelTimes {
  readonly keepAlive: number
  readonly idleTimeout: number
  readonly rekeyInterval: number
}

function ruleText(policy: PolicyText): string {
  if (policy === undefined) return ''
  const parts: string[] = []
  if (policy.allow !== undefined) parts.push(`only ${policy.allow.join(', ')}`)
  if (policy.deny.length > 0) parts.push(`never ${policy.deny.join(', ')}`)
  if (policy.rules !== undefined) parts.push(`by ${policy.rules.length} rules of its protocol`)
  return parts.length === 0 ? '' : ` (${parts.join('; ')}; else ${policy.onDeny})`
}

type PolicyText =
  | {
      readonly allow?: readonly string[] | undefined
      readonly deny: readonly string[]
      readonly rules?: readonly unknown[] | undefined
      readonly onDeny: string
    }
  | undefined
