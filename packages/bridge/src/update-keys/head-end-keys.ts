import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import type { SigningKey, VerifyingKey } from '@gridseal/pqc'
import { ProtocolError } from '@gridseal/wire'
import type { Report } from '../events.ts'
import { failure } from '../events.ts'
import type { ChannelService } from '../site/service.ts'
import type { OpenOffer } from './agreement.ts'
import { farIdentity, makeOffer, openAnswer } from './agreement.ts'
import type { HeadEndUpdateKey } from './config.ts'
import { readUpdateKeyFile, writeUpdateKeyFile } from './key-file.ts'
import type { Answer, Refusal } from './messages.ts'
import { PORT_UPDATE_KEYS, decodeMessage, encodeMessage } from './messages.ts'

export interface HeadEndKeysOptions {
  readonly site: string
  readonly key: SigningKey
  /** The far side's identity, known once a channel is up. */
  readonly peer: () => VerifyingKey | undefined
  readonly links: readonly { readonly id: string; readonly keys: readonly HeadEndUpdateKey[] }[]
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: () => number
  readonly report: Report
}

interface Entry {
  readonly link: string
  readonly config: HeadEndUpdateKey
  /** When a new key is wanted; Infinity: not known yet. */
  due: number
  failures: number
  open: OpenOffer | undefined
  /** The offer under way is given up then. */
  until: number
}

const ID_OCTETS = 16
/** An outstation that is told its key over a slow line may take this long, milliseconds. */
const ANSWER_MS = 120_000
const LONGEST_RETRY_MS = 3_600_000
const LOOK_MS = 60_000

/**
 * A head-end's part in update keys: when a key has come to its age, offers a new one over the channel, and gives it to the master's
 * key file once the outstation has it. Beside the file a mark stands from the first offer on until the file is written: an outstation
 * may have a key by then that no master knows, and the next start begins with another.
 */
export class HeadEndKeys implements ChannelService {
  readonly port: number = PORT_UPDATE_KEYS
  readonly #options: HeadEndKeysOptions
  readonly #entries: readonly Entry[]
  #send: ((bytes: Uint8Array) => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: HeadEndKeysOptions) {
    this.#options = options
    this.#entries = options.links.flatMap(({ id, keys }) =>
      keys.map((config) => ({ link: id, config, due: Infinity, failures: 0, open: undefined, until: 0 })),
    )
  }

  /** Looks at the key files. Throws `UsageError` for one that is there and is none. */
  async start(): Promise<void> {
    for (const entry of this.#entries) {
      const { file, every } = entry.config
      const known = existsSync(file) ? await readUpdateKeyFile(file) : undefined
      entry.due = known === undefined || existsSync(markOf(file)) ? 0 : known.installed + every
    }
    this.#look()
  }

  stop(): void {
    this.#stopped = true
    this.#send = undefined
    clearTimeout(this.#timer)
  }

  up(send: (bytes: Uint8Array) => void): void {
    this.#send = send
    this.#look()
  }

  down(): void {
    this.#send = undefined
    for (const entry of this.#entries) entry.open = undefined
  }

  receive(bytes: Uint8Array): void {
    const message = decodeMessage(bytes)
    if (message.kind === 'offer') throw new ProtocolError('bridge.update-key.message', 'an offer of a field bridge')
    const { link, user, id } = message
    const entry = this.#entries.find((one) => one.link === link && one.config.user === user)
    // An answer to an offer that was given up: another one is under way, or will be.
    if (entry?.open === undefined || Buffer.compare(entry.open.offer.id, id) !== 0) return
    const { open } = entry
    entry.open = undefined
    if (message.kind === 'answer') this.#answered(entry, open, message)
    else this.#refused(entry, message)
  }

  #answered(entry: Entry, open: OpenOffer, answer: Answer): void {
    const { site, peer, now, report } = this.#options
    const { user, file, every } = entry.config
    let updateKey: Uint8Array
    try {
      updateKey = openAnswer(site, open, answer, farIdentity(peer))
    } catch (error) {
      this.#failed(entry, error)
      throw error
    }
    const details = { site, link: entry.link, user }
    // While the file is being written, nothing is due.
    entry.due = Infinity
    const installed = now()
    const written = writeUpdateKeyFile(file, { user, number: answer.number, updateKey, installed })
    void written
      .then(() => rm(markOf(file), { force: true }))
      .then(
        () => {
          entry.failures = 0
          entry.due = installed + every
          const message = `${site}: ${entry.link}: a new update key of user ${user} is in ${file}`
          report({ level: 'info', code: 'bridge.update-key.agreed', message, details })
        },
        (error: unknown) => this.#failed(entry, error),
      )
      .then(() => this.#look())
  }

  #refused(entry: Entry, { reason }: Refusal): void {
    this.#failed(entry, new ProtocolError('bridge.update-key.refused', reason))
    this.#look()
  }

  #failed(entry: Entry, error: unknown): void {
    const { site, now, report } = this.#options
    const { user, retry, every } = entry.config
    entry.open = undefined
    entry.due = now() + Math.min(retry * 2 ** entry.failures++, Math.max(retry, every), LONGEST_RETRY_MS)
    const details = { site, link: entry.link, user }
    report(failure('warn', `${site}: ${entry.link}: no new update key of user ${user}`, error, details))
  }

  /** Offers what is due, gives up what was not answered, and looks again in time. */
  #look(): void {
    clearTimeout(this.#timer)
    if (this.#stopped || this.#entries.length === 0) return
    const now = this.#options.now()
    let next = now + LOOK_MS
    for (const entry of this.#entries) {
      if (entry.open !== undefined && now >= entry.until) {
        this.#failed(entry, new ProtocolError('bridge.update-key.timeout', 'the field bridge does not answer'))
      }
      if (entry.open === undefined && now >= entry.due && this.#send !== undefined) {
        entry.due = Infinity
        void this.#offer(entry)
      }
      // What is due while there is no channel waits for it.
      if (entry.open !== undefined) next = Math.min(next, entry.until)
      else if (this.#send !== undefined) next = Math.min(next, entry.due)
    }
    this.#timer = setTimeout(() => this.#look(), Math.max(1, next - now))
    this.#timer.unref()
  }

  async #offer(entry: Entry): Promise<void> {
    const { site, key, now } = this.#options
    const { link } = entry
    const { user, file } = entry.config
    try {
      await writeFile(markOf(file), '', { mode: 0o600 })
      const open = await makeOffer({ site, link, user }, randomBytes(ID_OCTETS), key)
      entry.due = now()
      if (this.#send === undefined) return
      entry.open = open
      entry.until = now() + ANSWER_MS
      this.#send(encodeMessage(open.offer))
    } catch (error) {
      this.#failed(entry, error)
    }
    this.#look()
  }
}

function markOf(file: string): string {
  return `${file}.offered`
}
