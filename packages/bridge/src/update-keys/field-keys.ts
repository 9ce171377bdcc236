import type { SigningKey, VerifyingKey } from '@gridseal/pqc'
import { ProtocolError, describeError } from '@gridseal/wire'
import type { Report } from '../events.ts'
import { failure } from '../events.ts'
import type { ChannelService } from '../site/service.ts'
import { farIdentity, takeOffer } from './agreement.ts'
import type { FieldUpdateKey } from './config.ts'
import { changeKeyAtOutstation } from './install.ts'
import { writeUpdateKeyFile } from './key-file.ts'
import type { Offer } from './messages.ts'
import { PORT_UPDATE_KEYS, decodeMessage, encodeMessage } from './messages.ts'

/** A link with update keys to agree on. */
export interface FieldKeyLink {
  readonly id: string
  readonly device: string
  readonly keys: readonly FieldUpdateKey[]
}

export interface FieldKeysOptions {
  readonly site: string
  readonly key: SigningKey
  /** The far side's identity, known once a channel is up. */
  readonly peer: () => VerifyingKey | undefined
  readonly links: readonly FieldKeyLink[]
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: () => number
  readonly report: Report
}

/**
 * A field bridge's part in update keys: takes the head-end's offers, brings each key to its outstation and answers when it is
 * there. There is one for every site, also without keys in the configuration: a head-end that has some is told so.
 */
export class FieldKeys implements ChannelService {
  readonly port: number = PORT_UPDATE_KEYS
  readonly #options: FieldKeysOptions
  #send: ((bytes: Uint8Array) => void) | undefined
  /** Users whose key is being installed, or waits for it. */
  readonly #busy = new Set<string>()
  /** What each link's outstation is being told: one key after the other. */
  readonly #under = new Map<string, Promise<void>>()

  constructor(options: FieldKeysOptions) {
    this.#options = options
  }

  up(send: (bytes: Uint8Array) => void): void {
    this.#send = send
  }

  down(): void {
    this.#send = undefined
  }

  receive(bytes: Uint8Array): void {
    const message = decodeMessage(bytes)
    if (message.kind !== 'offer') throw new ProtocolError('bridge.update-key.message', `${message.kind} of a head-end`)
    const { site, peer, links } = this.#options
    const { updateKey, answer } = takeOffer(site, message, farIdentity(peer))
    const link = links.find(({ id }) => id === message.link)
    const entry = link?.keys.find(({ user }) => user === message.user)
    if (link === undefined || entry === undefined) return this.#refuse(message, 'no such user is configured here')
    const name = `${link.id}/${entry.user}`
    if (this.#busy.has(name)) return this.#refuse(message, 'another key is being installed')
    this.#busy.add(name)
    const before = this.#under.get(link.id) ?? Promise.resolve()
    const work = before
      .then(() => this.#install(link, entry, message, updateKey, answer))
      .finally(() => this.#busy.delete(name))
    this.#under.set(link.id, work)
  }

  async #install(
    link: FieldKeyLink,
    entry: FieldUpdateKey,
    offer: Offer,
    updateKey: Uint8Array,
    answer: ReturnType<typeof takeOffer>['answer'],
  ): Promise<void> {
    const { site, key, now, report } = this.#options
    const { user, install, file } = entry
    const details = { site, link: link.id, user }
    // Never rejects: what goes wrong is told.
    try {
      let { number } = entry
      if (install !== undefined) number = await changeKeyAtOutstation(link.device, user, install, updateKey)
      else if (file !== undefined) await writeUpdateKeyFile(file, { user, number, updateKey, installed: now() })
      const message = `${site}: ${link.id}: the outstation has a new update key of user ${user}`
      report({ level: 'info', code: 'bridge.update-key.installed', message, details })
      this.#send?.(encodeMessage(await answer(number, key)))
    } catch (error) {
      report(failure('warn', `${site}: ${link.id}: no new update key of user ${user}`, error, details))
      this.#refuse(offer, describeError(error))
    }
  }

  #refuse({ link, user, id }: Offer, reason: string): void {
    this.#send?.(encodeMessage({ kind: 'refusal', link, user, id, reason }))
  }
}
