import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bridge, BridgeEvent, BridgeParts } from '@gridseal/bridge'
import { createBridge, parseConfig } from '@gridseal/bridge'
import { SigningKey, writeKeyFile, writePublicKeyFile } from '@gridseal/pqc'
import { expect } from 'chai'
import type { RealtimeStats } from '#src/site/realtime.ts'
import { until } from './pair.ts'

export const NAMES = ['head-end', 'a', 'b'] as const
export type Name = (typeof NAMES)[number]
export type Site = 'a' | 'b'

/** Where the group is on a bridge's side: a URL, and what else configuration says of it. */
export interface Network {
  readonly url: string
  readonly more?: object
}

/** A head-end that owns a group, and two field bridges that are its members; the group is on a network of each. */
export class GroupStation {
  readonly events: BridgeEvent[] = []
  readonly bridges = new Map<string, Bridge>()
  readonly folder: string
  readonly #protocol: string
  readonly #networks: Readonly<Record<Name, Network>>
  readonly #parts: BridgeParts
  #channel = 'tcp://127.0.0.1:0'

  constructor(folder: string, protocol: string, networks: Readonly<Record<Name, Network>>, parts: BridgeParts = {}) {
    this.folder = folder
    this.#protocol = protocol
    this.#networks = networks
    this.#parts = parts
  }

  /** A new folder with the keys of all three. */
  static async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'gridseal-group-'))
    for (const name of NAMES) {
      const key = SigningKey.generate('ML-DSA-44')
      await writeKeyFile(join(folder, `${name}.key`), key)
      await writePublicKeyFile(join(folder, `${name}.pub`), key.publicKey)
    }
    return folder
  }

  bridge(name: string): Bridge {
    return this.bridges.get(name) ?? expect.fail(`no bridge ${name}`)
  }

  group(site: Site, bridge: string = site): RealtimeStats {
    const found = this.bridges.get(bridge)?.stats.sites.find((one) => one.site === site)?.groups['relays']
    return found ?? expect.fail(`no group of ${site} at ${bridge}`)
  }

  headEndConfig(members: readonly Site[], group: object = {}): object {
    const { url, more } = this.#networks['head-end']
    return {
      role: 'head-end',
      identity: join(this.folder, 'head-end.key'),
      channel: { listen: this.#channel },
      journal: { directory: join(this.folder, 'journal-head-end'), sync: false },
      sites: (['a', 'b'] as const).map((site) => ({
        site,
        peer: join(this.folder, `${site}.pub`),
        links: [{ id: 'meter', protocol: 'raw', master: 'tcp://127.0.0.1:0' }],
      })),
      groups: [
        {
          name: 'protection',
          protocol: this.#protocol,
          address: url,
          ...more,
          members: members.map((site) => ({ site, link: 'relays' })),
          ...group,
        },
      ],
    }
  }

  async startHeadEnd(members: readonly Site[], group: object = {}): Promise<void> {
    const bridge = await this.#start('head-end', this.headEndConfig(members, group))
    this.#channel = bridge.stats.listening['channel'] ?? ''
  }

  async startField(site: Site, limits: object = {}, link: object = {}): Promise<void> {
    const { url, more } = this.#networks[site]
    await this.#start(site, {
      role: 'field',
      site,
      identity: join(this.folder, `${site}.key`),
      channel: { connect: this.#channel, peer: join(this.folder, 'head-end.pub') },
      journal: { directory: join(this.folder, `journal-${site}`), sync: false },
      limits,
      links: [{ id: 'relays', protocol: this.#protocol, device: url, ...more, group: 'protection', ...link }],
    })
    await until(`${site} is up`, () => this.bridges.get(site)?.stats.sites[0]?.channel === 'up')
  }

  async reload(members: readonly Site[]): Promise<void> {
    const config = parseConfig(JSON.stringify(this.headEndConfig(members)), 'test')
    await this.bridges.get('head-end')?.reload(config)
  }

  keyed(...sites: Site[]): Promise<void> {
    return until('they have keys', () => sites.every((site) => this.group(site).epoch > 0))
  }

  async #start(name: string, config: object): Promise<Bridge> {
    const checked = parseConfig(JSON.stringify(config), 'test')
    const bridge = await createBridge(checked, (event) => this.events.push(event), this.#parts)
    this.bridges.set(name, bridge)
    await bridge.start()
    return bridge
  }

  async stop(name: string): Promise<void> {
    await this.bridges.get(name)?.stop()
    this.bridges.delete(name)
  }

  async close(): Promise<void> {
    for (const name of ['a', 'b', 'head-end']) await this.stop(name)
    await rm(this.folder, { recursive: true, force: true })
  }
}
