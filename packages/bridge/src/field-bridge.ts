import { ChannelMetrics, TicketStore } from '@gridseal/channel'
import type { Journal } from '@gridseal/envelope'
import { readSuccessions } from '@gridseal/envelope'
import { VerifyingKey } from '@gridseal/pqc'
import type { OpenEthernet } from '@gridseal/transport'
import { ReconnectingLink } from '@gridseal/transport'
import { UsageError } from '@gridseal/wire'
import type { Bridge, BridgeStats } from './bridge.ts'
import { openUplink } from './channel/uplink.ts'
import type { Uplink, UplinkOptions } from './channel/uplink.ts'
import { wallClock } from './clock.ts'
import type { BridgeConfig, FieldConfig } from './config/model.ts'
import type { Report } from './events.ts'
import { failure } from './events.ts'
import { CertifiedPeer, readPeer } from './identity/certified-peer.ts'
import type { KnownPeer } from './identity/certified-peer.ts'
import { ExpiryNotice, readIdentity } from './identity/own-identity.ts'
import type { BridgeIdentity } from './identity/own-identity.ts'
import type { Recheck } from './identity/recheck.ts'
import { judgeAgain, recheckOf, renewIdentity, renewOrKeep, renewPeer } from './identity/renew.ts'
import { openJournal } from './journal.ts'
import { DatagramEnd } from './link/datagram.ts'
import type { LinkEnd } from './link/end.ts'
import { deviceEnd, multicastEnd } from './link/factory.ts'
import { MulticastEnd } from './link/multicast.ts'
import { memberGroup } from './group/member-group.ts'
import { exitPolicyOf } from './policy.ts'
import { adapterFor } from './protocols.ts'
import { BatchKeys } from './signing/batch-keys.ts'
import { reportLeftOver, trustOf } from './signing/reload.ts'
import { readListed } from './site/peer-signers.ts'
import { SiteSession } from './site/session.ts'
import { Turns } from './turns.ts'
import { FieldKeys } from './update-keys/field-keys.ts'

/** What {@link FieldBridge.create} has read. */
interface Opened {
  readonly identity: BridgeIdentity
  readonly keys: BatchKeys
  readonly peer: KnownPeer
  readonly listed: readonly VerifyingKey[]
  readonly journal: Journal | undefined
  readonly receipts: readonly Uint8Array[]
  readonly openEthernet: OpenEthernet
}

/** The bridge beside the devices: dials the head-end and keeps dialling. */
export class FieldBridge implements Bridge {
  readonly role = 'field' as const
  #config: FieldConfig
  readonly #report: Report
  readonly #keys: BatchKeys
  readonly #journal: Journal | undefined
  readonly #ends: readonly LinkEnd[]
  readonly #session: SiteSession
  readonly #uplink: ReconnectingLink<Uplink>
  #way: UplinkOptions
  #identity: BridgeIdentity
  #peer: KnownPeer
  readonly failed: Promise<unknown>
  readonly channelMetrics: ChannelMetrics = new ChannelMetrics()
  readonly #recheck: Recheck | undefined
  readonly #expiry: ExpiryNotice
  /** What is read again must not come in force after what was read later. */
  readonly #readings = new Turns()
  #stopping = false

  private constructor(config: FieldConfig, report: Report, opened: Opened) {
    const { identity, keys, peer, listed, journal, receipts, openEthernet } = opened
    const { key } = identity
    const pinned = peer instanceof VerifyingKey ? peer : undefined
    this.#config = config
    this.#identity = identity
    this.#peer = peer
    this.#report = report
    this.#keys = keys
    this.#journal = journal
    const { promise, resolve } = Promise.withResolvers<unknown>()
    this.failed = promise
    const groupLinks = config.links.filter((link) => link.group !== undefined)
    const plainLinks = config.links.filter((link) => link.group === undefined)
    const links = plainLinks.map((link) => ({
      end: deviceEnd(link, wallClock, report),
      policy: exitPolicyOf(link, adapterFor(link.protocol), 'to-device'),
      maxAge: link.maxAge,
      store: link.store,
    }))
    const multicast = groupLinks.flatMap((link) => {
      // Groups need a pinned head-end: the configuration was checked for it.
      if (pinned === undefined) return []
      const end = multicastEnd(link, wallClock, report, openEthernet)
      return [{ end, group: memberGroup(link, end, pinned) }]
    })
    this.#ends = [...links.map((link) => link.end), ...multicast.map(({ end }) => end)]
    this.#session = new SiteSession({
      site: config.site,
      inbound: 'to-master',
      keys,
      peer: pinned,
      accept: config.channel.accept,
      listed,
      receipts,
      journal,
      links,
      groupEnds: multicast.map(({ end }) => end),
      groups: multicast.map(({ group }) => group),
      limits: config.limits,
      store: config.store,
      holdConnections: config.channel.holdConnections,
      service: new FieldKeys({
        site: config.site,
        key,
        peer: () => this.#session.peer.key,
        links: config.links.map(({ id, device, updateKeys = [] }) => ({ id, device, keys: updateKeys })),
        now: Date.now,
        report,
      }),
      now: wallClock,
      report,
      onFault: resolve,
    })
    this.#recheck = recheckOf(
      config.channel,
      () => this.#peer,
      this.#session,
      () => this.#readings.next(() => this.#judgePeer()),
    )
    this.#expiry = new ExpiryNotice(() => this.#identity, report)
    const ticketStore = new TicketStore()
    this.#way = {
      config: config.channel,
      identity: identity.shown,
      peer,
      ticketStore,
      metrics: this.channelMetrics,
    }
    this.#uplink = new ReconnectingLink((signal) => openUplink(this.#way, signal))
    this.#uplink.connections.subscribe((connection) => void this.#run(connection))
    this.#uplink.failures.subscribe((error) => report(failure('warn', 'cannot reach the head-end', error)))
  }

  /** Reads keys and opens the journal. Throws `UsageError` for what is missing or wrong. */
  static async create(config: FieldConfig, report: Report, openEthernet: OpenEthernet): Promise<FieldBridge> {
    const identity = await readIdentity(config)
    const { key } = identity
    const peer = await readPeer('channel', config.channel)
    const listed = await readListed(config.channel.accept)
    const pinned = peer instanceof VerifyingKey ? [peer] : []
    const journal = await openJournal(config.journal, [key.publicKey, ...pinned, ...listed], report)
    let keys: BatchKeys | undefined
    try {
      const receipts = journal === undefined ? [] : await readSuccessions(journal.directory)
      keys = await BatchKeys.open(key, config.signing, receipts, () => Date.now(), report)
      return new FieldBridge(config, report, { identity, keys, peer, listed, journal, receipts, openEthernet })
    } catch (error) {
      await keys?.close()
      await journal?.close()
      throw error
    }
  }

  get stats(): BridgeStats {
    const listening: Record<string, string> = {}
    for (const end of this.#ends) {
      if (end instanceof DatagramEnd || end instanceof MulticastEnd)
        listening[`${this.#config.site}/${end.id}`] = end.url
    }
    return {
      role: 'field',
      algorithm: this.#keys.current.publicKey.algorithm,
      signer: this.#keys.current.publicKey.fingerprintText,
      certificateEnds: this.#identity.certificate?.notAfter.getTime(),
      listening,
      sites: [this.#session.stats],
      groups: {},
      journal: this.#journal && { ...this.#journal.stats },
    }
  }

  async start(): Promise<void> {
    try {
      await this.#session.start()
      this.#journal?.beginRetention()
    } catch (error) {
      await this.stop()
      throw error
    }
    this.#recheck?.start()
    this.#expiry.start()
    this.#uplink.start()
  }

  async #judgePeer(): Promise<void> {
    const peer = await renewOrKeep('channel', this.#peer, this.#config.channel, this.#report)
    if (this.#stopping) return
    judgeAgain(this.#session, this.#peer, peer, this.#report)
    this.#peer = peer
    this.#way = { ...this.#way, peer }
  }

  reload(config: BridgeConfig): Promise<void> {
    return this.#readings.next(() => this.#reload(config))
  }

  async #reload(config: BridgeConfig): Promise<void> {
    if (config.role !== 'field') throw new UsageError('config.role', 'this is a field bridge')
    const accept = trustOf(this.#config.channel.accept, config.channel.accept)
    const listed = await readListed(accept)
    const { certificate, signing } = config
    const identity = await renewIdentity(this.#identity, { identity: this.#config.identity, certificate }, this.#report)
    const peer = await renewPeer('channel', this.#peer, config.channel)
    await this.#keys.reload(config.signing)
    for (const key of listed) await this.#journal?.addKey(key)
    this.#session.peer.trust(accept, listed)
    this.#way = { ...this.#way, identity: identity.shown, peer }
    judgeAgain(this.#session, this.#peer, peer, this.#report)
    this.#identity = identity
    this.#peer = peer
    const trust = peer instanceof CertifiedPeer ? config.channel.trust : this.#config.channel.trust
    const channel = { ...this.#config.channel, accept, trust }
    this.#config = { ...this.#config, certificate, signing, channel }
    reportLeftOver(config, this.#config, this.#report)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#recheck?.stop()
    this.#expiry.stop()
    await this.#session.stop()
    await this.#uplink.stop()
    await this.#keys.close()
    await this.#journal?.close()
  }

  async #run(uplink: Uplink): Promise<void> {
    if (this.#stopping) {
      uplink.destroy()
      return
    }
    try {
      const channel = await uplink.channel()
      if (channel.peer instanceof VerifyingKey) this.#session.peer.identify(channel.peer)
      await this.#session.attach(channel, () => uplink.destroy())
    } catch (error) {
      this.#report(failure('warn', 'no channel to the head-end', error))
      uplink.destroy()
    }
  }
}
