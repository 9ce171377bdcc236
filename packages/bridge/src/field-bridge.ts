import { TicketStore } from '@gridseal/channel'
import type { Journal } from '@gridseal/envelope'
import type { SigningKey, VerifyingKey } from '@gridseal/pqc'
import { readKeyFile, readPublicKeyFile } from '@gridseal/pqc'
import { ReconnectingLink } from '@gridseal/transport'
import type { Bridge, BridgeStats } from './bridge.ts'
import { openUplink } from './channel/uplink.ts'
import type { Uplink } from './channel/uplink.ts'
import { wallClock } from './clock.ts'
import type { FieldConfig } from './config/model.ts'
import type { Report } from './events.ts'
import { failure } from './events.ts'
import { openJournal } from './journal.ts'
import { DatagramEnd } from './link/datagram.ts'
import type { LinkEnd } from './link/end.ts'
import { deviceEnd } from './link/factory.ts'
import { exitPolicyOf } from './policy.ts'
import { adapterFor } from './protocols.ts'
import { SiteSession } from './site/session.ts'

/** The bridge beside the devices: dials the head-end and keeps dialling. */
export class FieldBridge implements Bridge {
  readonly role = 'field' as const
  readonly #config: FieldConfig
  readonly #report: Report
  readonly #key: SigningKey
  readonly #journal: Journal | undefined
  readonly #ends: readonly LinkEnd[]
  readonly #session: SiteSession
  readonly #uplink: ReconnectingLink<Uplink>
  readonly failed: Promise<unknown>
  #stopping = false

  private constructor(
    config: FieldConfig,
    report: Report,
    key: SigningKey,
    peer: VerifyingKey,
    journal: Journal | undefined,
  ) {
    this.#config = config
    this.#report = report
    this.#key = key
    this.#journal = journal
    const { promise, resolve } = Promise.withResolvers<unknown>()
    this.failed = promise
    const links = config.links.map((link) => ({
      end: deviceEnd(link, wallClock, report),
      policy: exitPolicyOf(link, adapterFor(link.protocol), 'to-device'),
      maxAge: link.maxAge,
      store: link.store,
    }))
    this.#ends = links.map((link) => link.end)
    this.#session = new SiteSession({
      site: config.site,
      inbound: 'to-master',
      key,
      peer,
      journal,
      links,
      limits: config.limits,
      store: config.store,
      holdConnections: config.channel.holdConnections,
      now: wallClock,
      report,
      onFault: resolve,
    })
    const uplink = { config: config.channel, identity: key, peer, ticketStore: new TicketStore() }
    this.#uplink = new ReconnectingLink((signal) => openUplink(uplink, signal))
    this.#uplink.connections.subscribe((connection) => void this.#run(connection))
    this.#uplink.failures.subscribe((error) => report(failure('warn', 'cannot reach the head-end', error)))
  }

  /** Reads keys and opens the journal. Throws `UsageError` for what is missing or wrong. */
  static async create(config: FieldConfig, report: Report): Promise<FieldBridge> {
    const key = await readKeyFile(config.identity)
    const peer = await readPublicKeyFile(config.channel.peer)
    const journal = await openJournal(config.journal, [key.publicKey, peer], report)
    try {
      return new FieldBridge(config, report, key, peer, journal)
    } catch (error) {
      await journal?.close()
      throw error
    }
  }

  get stats(): BridgeStats {
    const listening: Record<string, string> = {}
    for (const end of this.#ends) if (end instanceof DatagramEnd) listening[`${this.#config.site}/${end.id}`] = end.url
    return {
      role: 'field',
      algorithm: this.#key.algorithm,
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

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#session.stop()
    await this.#uplink.stop()
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
