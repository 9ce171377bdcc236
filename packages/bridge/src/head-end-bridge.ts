import { TicketKeys } from '@gridseal/channel'
import type { MessageChannel } from '@gridseal/channel'
import type { Journal } from '@gridseal/envelope'
import type { SigningKey, VerifyingKey } from '@gridseal/pqc'
import { readKeyFile, readPublicKeyFile } from '@gridseal/pqc'
import { UsageError, toHex } from '@gridseal/wire'
import type { Bridge, BridgeStats } from './bridge.ts'
import { Inlet } from './channel/inlet.ts'
import { wallClock } from './clock.ts'
import type { HeadEndConfig, SiteConfig } from './config/model.ts'
import type { Report } from './events.ts'
import { failure } from './events.ts'
import { openJournal } from './journal.ts'
import { DatagramEnd } from './link/datagram.ts'
import type { LinkEnd } from './link/end.ts'
import { masterEnd } from './link/factory.ts'
import { TcpMasterEnd } from './link/tcp-master.ts'
import { exitPolicyOf } from './policy.ts'
import { adapterFor } from './protocols.ts'
import { SiteSession } from './site/session.ts'

interface Site {
  readonly session: SiteSession
  readonly ends: readonly LinkEnd[]
}

/** The bridge beside the masters: field bridges dial in, each known by its key. */
export class HeadEndBridge implements Bridge {
  readonly role = 'head-end' as const
  readonly #config: HeadEndConfig
  readonly #report: Report
  readonly #key: SigningKey
  readonly #journal: Journal | undefined
  /** By the fingerprint of the field bridge, in hex. */
  readonly #sites = new Map<string, Site>()
  readonly failed: Promise<unknown>
  readonly #fail: (error: unknown) => void
  readonly #inlet: Inlet
  #stopping = false

  private constructor(
    config: HeadEndConfig,
    report: Report,
    key: SigningKey,
    peers: readonly VerifyingKey[],
    journal: Journal | undefined,
  ) {
    this.#config = config
    this.#report = report
    this.#key = key
    this.#journal = journal
    const { promise, resolve } = Promise.withResolvers<unknown>()
    this.failed = promise
    this.#fail = resolve
    this.#inlet = new Inlet({
      config: config.channel,
      identity: key,
      peers: (fingerprint) => this.#sites.get(toHex(fingerprint))?.session.peer,
      // Field bridges that dial again need no new signatures; after a restart of this process they do.
      ticketKeys: TicketKeys.generate(),
      accepted: (channel, cut) => void this.#run(channel, cut),
      refused: (remote, error) => report(failure('warn', `refused ${remote}`, error, { remote })),
    })
    config.sites.forEach((site, index) => {
      const peer = peers[index]
      if (peer === undefined) return
      const id = toHex(peer.fingerprint)
      if (this.#sites.has(id)) throw new UsageError('config.peer', `two sites with the key ${peer.fingerprintText}`)
      this.#sites.set(id, this.#site(site, peer))
    })
  }

  /** Reads keys and opens the journal. Throws `UsageError` for what is missing or wrong. */
  static async create(config: HeadEndConfig, report: Report): Promise<HeadEndBridge> {
    const key = await readKeyFile(config.identity)
    const peers = await Promise.all(config.sites.map((site) => readPublicKeyFile(site.peer)))
    const journal = await openJournal(config.journal, [key.publicKey, ...peers], report)
    try {
      return new HeadEndBridge(config, report, key, peers, journal)
    } catch (error) {
      await journal?.close()
      throw error
    }
  }

  #site(site: SiteConfig, peer: VerifyingKey): Site {
    const { limits, channel } = this.#config
    const links = site.links.map((link) => ({
      end: masterEnd(link, wallClock, this.#report),
      policy: exitPolicyOf(link, adapterFor(link.protocol), 'to-master'),
      maxAge: Number.POSITIVE_INFINITY,
    }))
    const session = new SiteSession({
      site: site.site,
      inbound: 'to-device',
      key: this.#key,
      peer,
      journal: this.#journal,
      links,
      limits,
      // Nothing is kept towards devices.
      store: { maxBacklog: 0, whenFull: 'drop' },
      holdConnections: channel.holdConnections,
      now: wallClock,
      report: this.#report,
      onFault: this.#fail,
    })
    return { session, ends: links.map((link) => link.end) }
  }

  get stats(): BridgeStats {
    const listening: Record<string, string> = {}
    for (const [index, url] of this.#inlet.urls.entries()) listening[index === 0 ? 'channel' : `channel/${index}`] = url
    for (const { session, ends } of this.#sites.values()) {
      for (const end of ends) {
        if (end instanceof TcpMasterEnd || end instanceof DatagramEnd) listening[`${session.site}/${end.id}`] = end.url
      }
    }
    return {
      role: 'head-end',
      algorithm: this.#key.algorithm,
      listening,
      sites: [...this.#sites.values()].map(({ session }) => session.stats),
      journal: this.#journal && { ...this.#journal.stats },
    }
  }

  async start(): Promise<void> {
    try {
      for (const { session } of this.#sites.values()) await session.start()
      this.#journal?.beginRetention()
      await this.#inlet.open()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all([...this.#sites.values()].map(({ session }) => session.stop()))
    await this.#inlet.close()
    await this.#journal?.close()
  }

  async #run(channel: MessageChannel, cut: () => void): Promise<void> {
    const site = this.#stopping ? undefined : this.#sites.get(toHex(channel.peer.fingerprint))
    if (site === undefined) await channel.close()
    else await site.session.attach(channel, cut)
  }
}
