import { ChannelMetrics, TicketKeys } from '@gridseal/channel'
import type { MessageChannel } from '@gridseal/channel'
import type { Journal } from '@gridseal/envelope'
import { readSuccessions } from '@gridseal/envelope'
import { VerifyingKey } from '@gridseal/pqc'
import type { OpenEthernet } from '@gridseal/transport'
import { UsageError, toHex } from '@gridseal/wire'
import type { Bridge, BridgeStats } from './bridge.ts'
import { Inlet } from './channel/inlet.ts'
import { wallClock } from './clock.ts'
import { EpochMemory } from './group/epoch-memory.ts'
import { GroupHub } from './group/group-hub.ts'
import type { BridgeConfig, GroupConfig, HeadEndConfig, SiteConfig } from './config/model.ts'
import type { Report } from './events.ts'
import { failure } from './events.ts'
import { CertifiedPeer, CertifiedPeers, readPeer } from './identity/certified-peer.ts'
import type { KnownPeer } from './identity/certified-peer.ts'
import { ExpiryNotice, readIdentity } from './identity/own-identity.ts'
import type { BridgeIdentity } from './identity/own-identity.ts'
import type { Recheck } from './identity/recheck.ts'
import { judgeAgain, recheckOf, renewIdentity, renewOrKeep, renewPeer } from './identity/renew.ts'
import { openJournal } from './journal.ts'
import { DatagramEnd } from './link/datagram.ts'
import type { LinkEnd } from './link/end.ts'
import { masterEnd } from './link/factory.ts'
import { TcpMasterEnd } from './link/tcp-master.ts'
import { exitPolicyOf } from './policy.ts'
import { adapterFor } from './protocols.ts'
import { BatchKeys } from './signing/batch-keys.ts'
import { reportLeftOver, trustOf } from './signing/reload.ts'
import { readListed } from './site/peer-signers.ts'
import { SiteSession } from './site/session.ts'
import { Turns } from './turns.ts'
import { HeadEndKeys } from './update-keys/head-end-keys.ts'

/** A field bridge: who it is, and what else may sign. */
interface Peer {
  readonly known: KnownPeer
  readonly listed: readonly VerifyingKey[]
}

async function readSite(site: SiteConfig, index: number): Promise<Peer> {
  return { known: await readPeer(`sites[${index}]`, site), listed: await readListed(site.accept) }
}

/** What {@link HeadEndBridge.create} has read. */
interface Opened {
  readonly identity: BridgeIdentity
  readonly keys: BatchKeys
  readonly peers: readonly Peer[]
  readonly journal: Journal | undefined
  readonly receipts: readonly Uint8Array[]
  readonly openEthernet: OpenEthernet
  /** In the order of the groups; none without a journal. */
  readonly epochs: readonly EpochMemory[]
}

interface Site {
  readonly session: SiteSession
  known: KnownPeer
  readonly keys: HeadEndKeys
  readonly ends: readonly LinkEnd[]
  readonly recheck: Recheck | undefined
}

/** The bridge beside the masters: field bridges dial in, each known by its key or by certificates for its name. */
export class HeadEndBridge implements Bridge {
  readonly role = 'head-end' as const
  #config: HeadEndConfig
  readonly #report: Report
  #identity: BridgeIdentity
  readonly #keys: BatchKeys
  readonly #journal: Journal | undefined
  /** In the order of the configuration. */
  readonly #sites: Site[] = []
  /** Those whose key is pinned, by its fingerprint in hex. */
  readonly #pinned = new Map<string, Site>()
  readonly #certified: CertifiedPeers | undefined
  readonly failed: Promise<unknown>
  readonly channelMetrics: ChannelMetrics = new ChannelMetrics()
  readonly #fail: (error: unknown) => void
  readonly #inlet: Inlet
  /** What is read again must not come in force after what was read later. */
  readonly #readings = new Turns()
  #stopping = false
  readonly #hubs: readonly GroupHub[]
  readonly #expiry: ExpiryNotice

  private constructor(config: HeadEndConfig, report: Report, opened: Opened) {
    const { identity, keys, peers, journal, receipts, openEthernet, epochs } = opened
    const { key } = identity
    this.#config = config
    this.#report = report
    this.#identity = identity
    this.#keys = keys
    this.#journal = journal
    const { promise, resolve } = Promise.withResolvers<unknown>()
    this.failed = promise
    this.#fail = resolve
    this.#expiry = new ExpiryNotice(() => this.#identity, report)
    const shared = { identity: key, now: wallClock, report, openEthernet }
    this.#hubs = config.groups.map((group, index) => new GroupHub(group, { ...shared, memory: epochs[index] }))
    this.#certified = CertifiedPeers.of(certifiedOf(peers))
    this.#inlet = new Inlet({
      config: config.channel,
      identity: identity.shown,
      peers: (fingerprint) => this.#pinned.get(toHex(fingerprint))?.session.peer.key,
      certificates: this.#certified,
      // Field bridges that dial again need no new signatures; after a restart of this process they do.
      ticketKeys: TicketKeys.generate(),
      metrics: this.channelMetrics,
      accepted: (channel, cut) => void this.#run(channel, cut),
      refused: (remote, error) => report(failure('warn', `refused ${remote}`, error, { remote })),
    })
    config.sites.forEach((site, index) => {
      const peer = peers[index]
      if (peer === undefined) return
      const opened = this.#site(site, peer, receipts)
      this.#sites.push(opened)
      if (!(peer.known instanceof VerifyingKey)) return
      const { fingerprint, fingerprintText } = peer.known
      const id = toHex(fingerprint)
      if (this.#pinned.has(id)) throw new UsageError('config.peer', `two sites with the key ${fingerprintText}`)
      this.#pinned.set(id, opened)
    })
  }

  /** Reads keys and opens the journal. Throws `UsageError` for what is missing or wrong. */
  static async create(config: HeadEndConfig, report: Report, openEthernet: OpenEthernet): Promise<HeadEndBridge> {
    const identity = await readIdentity(config)
    const { key } = identity
    const peers = await Promise.all(config.sites.map(readSite))
    const trusted = peers.flatMap(({ known, listed }) => [...(known instanceof VerifyingKey ? [known] : []), ...listed])
    const journal = await openJournal(config.journal, [key.publicKey, ...trusted], report)
    let keys: BatchKeys | undefined
    try {
      const receipts = journal === undefined ? [] : await readSuccessions(journal.directory)
      keys = await BatchKeys.open(key, config.signing, receipts, () => Date.now(), report)
      const memories = journal && config.groups.map(({ name }) => EpochMemory.open(journal.directory, name, report))
      const epochs = await Promise.all(memories ?? [])
      return new HeadEndBridge(config, report, { identity, keys, peers, journal, receipts, openEthernet, epochs })
    } catch (error) {
      await keys?.close()
      await journal?.close()
      throw error
    }
  }

  #site(site: SiteConfig, peer: Peer, receipts: readonly Uint8Array[]): Site {
    const { limits, channel } = this.#config
    const links = site.links.map((link) => ({
      end: masterEnd(link, wallClock, this.#report),
      policy: exitPolicyOf(link, adapterFor(link.protocol), 'to-master'),
      maxAge: Number.POSITIVE_INFINITY,
    }))
    const keys = new HeadEndKeys({
      site: site.site,
      key: this.#identity.key,
      peer: () => session.peer.key,
      links: site.links.map(({ id, updateKeys = [] }) => ({ id, keys: updateKeys })),
      now: Date.now,
      report: this.#report,
    })
    const session: SiteSession = new SiteSession({
      site: site.site,
      inbound: 'to-device',
      keys: this.#keys,
      peer: peer.known instanceof VerifyingKey ? peer.known : undefined,
      accept: site.accept,
      listed: peer.listed,
      receipts,
      journal: this.#journal,
      links,
      groupEnds: [],
      groups: this.#config.groups.flatMap((group, index) => {
        const member = group.members.find((one) => one.site === site.site)
        const hub = this.#hubs[index]
        return member === undefined || hub === undefined ? [] : [hub.siteGroup(member.site, member.link)]
      }),
      limits,
      // Nothing is kept towards devices.
      store: { maxBacklog: 0, whenFull: 'drop' },
      holdConnections: channel.holdConnections,
      service: keys,
      now: wallClock,
      report: this.#report,
      onFault: this.#fail,
    })
    for (const hub of this.#hubs) hub.attach(site.site, session)
    const judge = (): Promise<void> => this.#readings.next(() => this.#judge(opened))
    const recheck = recheckOf(site, () => opened.known, session, judge)
    const opened: Site = { session, known: peer.known, keys, ends: links.map((link) => link.end), recheck }
    return opened
  }

  get stats(): BridgeStats {
    const listening: Record<string, string> = {}
    for (const [index, url] of this.#inlet.urls.entries()) listening[index === 0 ? 'channel' : `channel/${index}`] = url
    for (const { session, ends } of this.#sites) {
      for (const end of ends) {
        if (end instanceof TcpMasterEnd || end instanceof DatagramEnd) listening[`${session.site}/${end.id}`] = end.url
      }
    }
    for (const { name, end } of this.#hubs) if (end !== undefined) listening[`group/${name}`] = end.url
    return {
      role: 'head-end',
      algorithm: this.#keys.current.publicKey.algorithm,
      signer: this.#keys.current.publicKey.fingerprintText,
      certificateEnds: this.#identity.certificate?.notAfter.getTime(),
      listening,
      sites: this.#sites.map(({ session }) => session.stats),
      groups: Object.fromEntries(
        this.#hubs.flatMap(({ name, end }) => (end === undefined ? [] : [[name, { ...end.counters }]])),
      ),
      journal: this.#journal && { ...this.#journal.stats },
    }
  }

  async start(): Promise<void> {
    try {
      for (const hub of this.#hubs) await hub.start()
      for (const { session, keys, recheck } of this.#sites) {
        await keys.start()
        await session.start()
        recheck?.start()
      }
      this.#expiry.start()
      this.#journal?.beginRetention()
      await this.#inlet.open()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  reload(config: BridgeConfig): Promise<void> {
    return this.#readings.next(() => this.#reload(config))
  }

  async #reload(config: BridgeConfig): Promise<void> {
    if (config.role !== 'head-end') throw new UsageError('config.role', 'this is a head-end bridge')
    const sites = await Promise.all(
      this.#config.sites.map(async (site, index) => {
        const next = config.sites.find((other) => other.site === site.site)
        const accept = next === undefined ? site.accept : trustOf(site.accept, next.accept)
        const running = this.#sites.find(({ session }) => session.site === site.site)?.known
        const known = running && (await renewPeer(`sites[${index}]`, running, next ?? site))
        const trust = known instanceof CertifiedPeer ? (next ?? site).trust : site.trust
        return { site: { ...site, accept, trust }, listed: await readListed(accept), known }
      }),
    )
    const { certificate, signing } = config
    const identity = await renewIdentity(this.#identity, { identity: this.#config.identity, certificate }, this.#report)
    await this.#keys.reload(config.signing)
    this.#identity = identity
    this.#inlet.show(identity.shown)
    this.#certified?.replace(certifiedOf(sites))
    for (const { site, listed, known } of sites) {
      for (const key of listed) await this.#journal?.addKey(key)
      const running = this.#sites.find(({ session }) => session.site === site.site)
      if (running === undefined || known === undefined) continue
      running.session.peer.trust(site.accept, listed)
      judgeAgain(running.session, running.known, known, this.#report)
      running.known = known
    }
    const groups = await this.#reloadGroups(config)
    this.#config = { ...this.#config, certificate, signing, sites: sites.map(({ site }) => site), groups }
    reportLeftOver(config, this.#config, this.#report)
  }

  async #judge(site: Site): Promise<void> {
    const index = this.#sites.indexOf(site)
    const config = this.#config.sites[index]
    if (config === undefined) return
    const known = await renewOrKeep(`sites[${index}]`, site.known, config, this.#report)
    if (this.#stopping) return
    judgeAgain(site.session, site.known, known, this.#report)
    site.known = known
    this.#certified?.replace(certifiedOf(this.#sites))
  }

  /** Members of groups come and go; what else a group has, and groups themselves, wait for a restart. */
  async #reloadGroups(config: HeadEndConfig): Promise<readonly GroupConfig[]> {
    const reloaded: GroupConfig[] = []
    for (const [index, hub] of this.#hubs.entries()) {
      const before = this.#config.groups[index]
      const next = config.groups.find(({ name }) => name === hub.name)
      if (before === undefined) continue
      const members = (next ?? before).members.filter(({ site }) => this.#session(site) !== undefined)
      const group = { ...before, members }
      const joined = hub.newMembers(group)
      await hub.reload(group)
      for (const { site, link } of joined) {
        const session = this.#session(site)
        if (session === undefined) continue
        hub.attach(site, session)
        session.joinGroup(hub.siteGroup(site, link))
      }
      reloaded.push(group)
    }
    return reloaded
  }

  #session(site: string): SiteSession | undefined {
    return this.#sites.find(({ session }) => session.site === site)?.session
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#expiry.stop()
    for (const { keys, recheck } of this.#sites) {
      keys.stop()
      recheck?.stop()
    }
    await Promise.all(this.#sites.map(({ session }) => session.stop()))
    await Promise.all(this.#hubs.map((hub) => hub.stop()))
    await this.#inlet.close()
    await this.#keys.close()
    await this.#journal?.close()
  }

  async #run(channel: MessageChannel, cut: () => void): Promise<void> {
    const { peer } = channel
    const site = this.#stopping || !(peer instanceof VerifyingKey) ? undefined : this.#siteOf(peer)
    if (site === undefined || !(peer instanceof VerifyingKey)) return channel.close()
    site.session.peer.identify(peer)
    await site.session.attach(channel, cut)
  }

  #siteOf(key: VerifyingKey): Site | undefined {
    const pinned = this.#pinned.get(toHex(key.fingerprint))
    return pinned ?? this.#sites.find(({ known }) => known instanceof CertifiedPeer && known.knows(key))
  }
}

function certifiedOf(peers: readonly { readonly known: KnownPeer | undefined }[]): CertifiedPeer[] {
  return peers.flatMap(({ known }) => (known instanceof CertifiedPeer ? [known] : []))
}
