import { ChannelMetrics, TicketStore } from '@gridseal/channel'
import type { Journal } from '@gridseal/envelope'
import { readSuccessions } from '@gridseal/envelope'
import type { SigningKey, VerifyingKey } from '@gridseal/pqc'
import { readKeyFile, readPublicKeyFile } from '@gridseal/pqc'
import { ReconnectingLink } from '@gridseal/transport'
import { UsageError } from '@gridseal/wire'
import type { Bridge, BridgeStats } from './bridge.ts'
import { openUplink } from './channel/uplink.ts'
import type { Uplink } from './channel/uplink.ts'
import { wallClock } from './clock.ts'
import type { BridgeConfig, FieldConfig } from './config/model.ts'
import type { Report } from './events.ts'
import { failure } from './events.ts'
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
import { FieldKeys } from './update-keys/field-keys.ts'

/** What {@link FieldBridge.create} has read. */
interface Opened {
  readonly key: SigningKey
  readonly keys: BatchKeys
  readonly peer: VerifyingKey
  readonly listed: readonly VerifyingKey[]
  readonly journal: Journal | undefined
  readonly receipts: readonly Uint8Array[]
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
  readonly failed: Promise<unknown>
  readonly channelMetrics: ChannelMetrics = new ChannelMetrics()
  #stopping = false

  private constructor(config: FieldConfig, report: Report, { key, keys, peer, listed, journal, receipts }: Opened) {
    this.#config = config
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
    const multicast = groupLinks.map((link) => {
      const end = multicastEnd(link, wallClock, report)
      return { end, group: memberGroup(link, end, peer) }
    })
    this.#ends = [...links.map((link) => link.end), ...multicast.map(({ end }) => end)]
    this.#session = new SiteSession({
      site: config.site,
      inbound: 'to-master',
      keys,
      peer,
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
        peer,
        links: config.links.map(({ id, device, updateKeys = [] }) => ({ id, device, keys: updateKeys })),
        now: Date.now,
        report,
      }),
      now: wallClock,
      report,
      onFault: resolve,
    })
    const ticketStore = new TicketStore()
    const uplink = { config: config.channel, identity: key, peer, ticketStore, metrics: this.channelMetrics }
    this.#uplink = new ReconnectingLink((signal) => openUplink(uplink, signal))
    this.#uplink.connections.subscribe((connection) => void this.#run(connection))
    this.#uplink.failures.subscribe((error) => report(failure('warn', 'cannot reach the head-end', error)))
  }

  /** Reads keys and opens the journal. Throws `UsageError` for what is missing or wrong. */
  static async create(config: FieldConfig, report: Report): Promise<FieldBridge> {
    const key = await readKeyFile(config.identity)
    const peer = await readPublicKeyFile(config.channel.peer)
    const listed = await readListed(config.channel.accept)
    const journal = await openJournal(config.journal, [key.publicKey, peer, ...listed], report)
    let keys: BatchKeys | undefined
    try {
      const receipts = journal === undefined ? [] : await readSuccessions(journal.directory)
      keys = await BatchKeys.open(key, config.signing, receipts, () => Date.now(), report)
      return new FieldBridge(config, report, { key, keys, peer, listed, journal, receipts })
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
      listening,
      sites: [this.#session.stats],
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
    this.#uplink.start()
  }

  async reload(config: BridgeConfig): Promise<void> {
    if (config.role !== 'field') throw new UsageError('config.role', 'this is a field bridge')
    const accept = trustOf(this.#config.channel.accept, config.channel.accept)
    const listed = await readListed(accept)
    await this.#keys.reload(config.signing)
    for (const key of listed) await this.#journal?.addKey(key)
    this.#session.trust(accept, listed)
    this.#config = { ...this.#config, signing: config.signing, channel: { ...this.#config.channel, accept } }
    reportLeftOver(config, this.#config, this.#report)
  }

  async stop(): Promise<void> {
    this.#stopping = true
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
      await this.#session.attach(await uplink.channel(), () => uplink.destroy())
    } catch (error) {
      this.#report(failure('warn', 'no channel to the head-end', error))
      uplink.destroy()
    }
  }
}
