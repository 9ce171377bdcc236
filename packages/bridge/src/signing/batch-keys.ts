import { followSuccessions } from '@gridseal/envelope'
import type { MessageSigner, SigningKey } from '@gridseal/pqc'
import { KeyRing } from '@gridseal/pqc'
import { toHex } from '@gridseal/wire'
import type { SigningConfig, SigningKeyConfig } from '../config/model.ts'
import type { Report } from '../events.ts'
import { failure } from '../events.ts'
import type { OpenKey } from './open-key.ts'
import { openKey } from './open-key.ts'

const OWN = 'own'
/** Windows are looked at this often at least, ms: the system clock may be set. */
const LOOK_EVERY = 3_600_000

type Tokens = Map<string, OpenKey>

/** The batch keys of one configuration, opened. */
interface Ring {
  readonly ring: KeyRing<MessageSigner>
  /** In the order of the configuration. */
  readonly signers: readonly MessageSigner[]
  /** When windows open or close, ms. */
  readonly borders: readonly number[]
}

/**
 * What signs this bridge's batches: the key whose window opened last, or the identity where none is configured. A change
 * is told to all who seal; each lets its old key sign for the new one. The receipts of changes lead from the identity,
 * which the far side has pinned, to the key that signs now.
 */
export class BatchKeys {
  readonly #identity: SigningKey
  readonly #now: () => number
  readonly #report: Report
  readonly #listeners = new Set<(key: MessageSigner) => void>()
  /** By token and name. None is closed before the end: a stream that waits may still have to sign its change with it. */
  readonly #tokens: Tokens
  #receipts: readonly Uint8Array[]
  #ring: Ring
  #current: MessageSigner
  #timer: NodeJS.Timeout | undefined
  #closed = false

  private constructor(
    identity: SigningKey,
    ring: Ring,
    tokens: Tokens,
    receipts: readonly Uint8Array[],
    now: () => number,
    report: Report,
  ) {
    this.#identity = identity
    this.#tokens = tokens
    this.#ring = ring
    this.#now = now
    this.#report = report
    this.#receipts = followSuccessions(receipts, [identity.publicKey]).map(({ receipt }) => receipt)
    this.#current = ring.ring.current(OWN, now()) ?? identity
    this.#tellExpired()
    this.#await()
  }

  /**
   * Opens the keys of a configuration. `receipts`: those of earlier changes. `now` in ms since 1970-01-01 UTC. Throws
   * what opening a key throws.
   */
  static async open(
    identity: SigningKey,
    config: SigningConfig | undefined,
    receipts: readonly Uint8Array[],
    now: () => number,
    report: Report,
  ): Promise<BatchKeys> {
    const tokens: Tokens = new Map()
    try {
      return new BatchKeys(identity, await openRing(config, tokens), tokens, receipts, now, report)
    } catch (error) {
      await closeAll(tokens)
      throw error
    }
  }

  /** The key that signs now. */
  get current(): MessageSigner {
    return this.#current
  }

  /**
   * What a stream begins with that then changes to {@link current}: the same, if the far side can be led to it, or the
   * newest that it can be led to.
   */
  get first(): MessageSigner {
    const known = new Set(this.#led().map((key) => toHex(key.fingerprint)))
    const own = [this.#current, ...this.#ring.signers.toReversed()]
    return own.find(({ publicKey }) => known.has(toHex(publicKey.fingerprint))) ?? this.#identity
  }

  /** Receipts of changes, each verifiable with what came before it. */
  get receipts(): readonly Uint8Array[] {
    return this.#receipts
  }

  /** A stream has changed keys. Returns whether the far side could not be led to the new key before. */
  changed(receipt: Uint8Array): boolean {
    const followed = followSuccessions([...this.#receipts, receipt], [this.#identity.publicKey])
    const before = new Set(this.#led().map((key) => toHex(key.fingerprint)))
    const last = followed.at(-1)?.succession.key
    if (last === undefined || followed.length === this.#receipts.length || before.has(toHex(last.fingerprint)))
      return false
    this.#receipts = followed.map((one) => one.receipt)
    return true
  }

  /** Calls back when another key is to sign; returns what ends that. */
  onChange(listener: (key: MessageSigner) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes another configuration. Throws what opening a key throws; then nothing changes. */
  async reload(config: SigningConfig | undefined): Promise<void> {
    this.#ring = await openRing(config, this.#tokens)
    this.#look()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await closeAll(this.#tokens)
  }

  #led(): readonly { readonly fingerprint: Uint8Array }[] {
    const followed = followSuccessions(this.#receipts, [this.#identity.publicKey])
    return [this.#identity.publicKey, ...followed.map(({ succession }) => succession.key)]
  }

  #look(): void {
    if (this.#closed) return
    const configured = this.#ring.signers.length > 0
    const next = this.#ring.ring.current(OWN, this.#now()) ?? (configured ? this.#current : this.#identity)
    this.#tellExpired()
    if (toHex(next.publicKey.fingerprint) !== toHex(this.#current.publicKey.fingerprint)) {
      this.#current = next
      const { fingerprintText: key } = next.publicKey
      const message = `batches are signed with ${key} from now on; the key before signs the change`
      this.#report({ level: 'info', code: 'signing.changed', message, details: { key } })
      for (const listener of this.#listeners) listener(next)
    }
    this.#await()
  }

  /** Without a key whose window is open the last one goes on: a bridge that falls silent is worse. */
  #tellExpired(): void {
    if (this.#ring.signers.length === 0 || this.#ring.ring.current(OWN, this.#now()) !== undefined) return
    const message = `no signing key is valid now: ${this.#current.publicKey.fingerprintText} goes on`
    this.#report({ level: 'error', code: 'signing.expired', message, details: {} })
  }

  #await(): void {
    clearTimeout(this.#timer)
    if (this.#ring.signers.length === 0) return
    const now = this.#now()
    const next = Math.min(...this.#ring.borders.filter((border) => border > now), now + LOOK_EVERY)
    this.#timer = setTimeout(() => this.#lookSafely(), Math.max(1, next - now))
    this.#timer.unref()
  }

  #lookSafely(): void {
    try {
      this.#look()
    } catch (error) {
      this.#report(failure('error', 'the change of signing keys', error))
      this.#await()
    }
  }
}

async function openRing(config: SigningConfig | undefined, tokens: Tokens): Promise<Ring> {
  const ring = new KeyRing<MessageSigner>()
  const signers: MessageSigner[] = []
  const borders: number[] = []
  for (const key of config?.keys ?? []) {
    const { from: notBefore = Number.NEGATIVE_INFINITY, until: notAfter = Number.POSITIVE_INFINITY } = key
    const signer = await openOnce(key, tokens)
    signers.push(signer)
    ring.add(OWN, { key: signer, notBefore, notAfter })
    borders.push(...[notBefore, notAfter].filter(Number.isFinite))
  }
  return { ring, signers, borders }
}

async function openOnce(key: SigningKeyConfig, tokens: Tokens): Promise<MessageSigner> {
  const id = key.token && JSON.stringify(key.token)
  const open = (id === undefined ? undefined : tokens.get(id)) ?? (await openKey(key))
  if (id !== undefined) tokens.set(id, open)
  return open.signer
}

async function closeAll(tokens: Tokens): Promise<void> {
  await Promise.all([...tokens.values()].map(({ close }) => close()))
}
