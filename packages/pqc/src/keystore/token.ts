import { AuthError, ProtocolError, UsageError, describeError } from '@gridseal/wire'
import type { Attribute, Handle, Pkcs11 } from './pkcs11-binding.ts'
import {
  ALREADY_INITIALIZED,
  ALREADY_LOGGED_IN,
  CKF,
  CKU_USER,
  GONE,
  OS_LOCKING_OK,
  PIN_INCORRECT,
} from './pkcs11-numbers.ts'

export interface TokenOptions {
  /** The token's PKCS#11 library, e.g. `/usr/lib/softhsm/libsofthsm2.so`. */
  readonly library: string
  /** Label of the token. */
  readonly token: string
  readonly pin: string
}

/** Open tokens by library: the last one that is closed shuts the library down. */
const users = new Map<string, number>()

/** A logged-in session with a token, which is found again when it has been away. */
export class Token {
  reconnects = 0
  readonly #pkcs11: Pkcs11
  readonly #options: TokenOptions
  #open: { readonly slot: Handle; readonly session: Handle } | undefined
  /** A PIN that was refused is not tried again: tokens lock after a few. */
  #refused: AuthError | undefined
  #closed = false

  private constructor(pkcs11: Pkcs11, options: TokenOptions) {
    this.#pkcs11 = pkcs11
    this.#options = options
  }

  /** Throws `UsageError` `pqc.hsm.library`, `pqc.hsm.token` and `AuthError` `pqc.hsm.pin`. */
  static open(pkcs11: Pkcs11, options: TokenOptions): Token {
    try {
      pkcs11.load(options.library)
    } catch (error) {
      const message = `cannot load ${options.library}: ${describeError(error)}`
      throw new UsageError('pqc.hsm.library', message, { library: options.library }, error)
    }
    const token = new Token(pkcs11, options)
    users.set(options.library, (users.get(options.library) ?? 0) + 1)
    try {
      token.#connect()
    } catch (error) {
      token.close()
      throw asError(error)
    }
    return token
  }

  /** What the token says it can do. */
  mechanisms(): ReadonlySet<number> {
    return this.run((pkcs11, _session, slot) => new Set(pkcs11.C_GetMechanismList(slot)))
  }

  /** Handles of all objects that match a template. */
  find(template: Attribute[]): Handle[] {
    return this.run((pkcs11, session) => {
      pkcs11.C_FindObjectsInit(session, template)
      try {
        const found: Handle[] = []
        for (;;) {
          const some = pkcs11.C_FindObjects(session, 64)
          found.push(...some)
          if (some.length < 64) return found
        }
      } finally {
        pkcs11.C_FindObjectsFinal(session)
      }
    })
  }

  /** The handle of the only object that matches. Throws `UsageError` `pqc.hsm.ambiguous` where there are several. */
  findOne(template: Attribute[], label: string): Handle | undefined {
    const [handle, another] = this.find(template)
    if (another === undefined) return handle
    throw new UsageError('pqc.hsm.ambiguous', `the token has several keys "${label}"`, { label })
  }

  /**
   * Works with the session. If the token or the session is gone, it is looked for once more and the work repeated, so
   * `work` must find its objects itself. Throws `ProtocolError` `pqc.hsm.gone`, `pqc.hsm.failed`.
   */
  run<T>(work: (pkcs11: Pkcs11, session: Handle, slot: Handle) => T): T {
    if (this.#closed) throw new UsageError('pqc.hsm.closed', 'the token has been closed')
    try {
      const { session, slot } = this.#open ?? this.#connect()
      return work(this.#pkcs11, session, slot)
    } catch (error) {
      if (!GONE.has(resultOf(error))) throw asError(error)
    }
    try {
      this.#disconnect()
      const { session, slot } = this.#connect()
      this.reconnects++
      return work(this.#pkcs11, session, slot)
    } catch (error) {
      this.#disconnect()
      const message = `the token "${this.#options.token}" is gone: ${describeError(error)}`
      throw new ProtocolError('pqc.hsm.gone', message, { token: this.#options.token }, error)
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    const left = (users.get(this.#options.library) ?? 1) - 1
    users.set(this.#options.library, left)
    this.#disconnect(left === 0)
  }

  #connect(): { slot: Handle; session: Handle } {
    if (this.#refused !== undefined) throw this.#refused
    try {
      this.#pkcs11.C_Initialize({ flags: OS_LOCKING_OK })
    } catch (error) {
      // Somebody else in this process uses the library, too.
      if (resultOf(error) !== ALREADY_INITIALIZED) throw asError(error)
    }
    const labels: string[] = []
    for (const slot of this.#pkcs11.C_GetSlotList(true)) {
      const label = this.#labelOf(slot)
      if (label === undefined) continue
      labels.push(label)
      if (label !== this.#options.token) continue
      const session = this.#pkcs11.C_OpenSession(slot, CKF.SERIAL_SESSION | CKF.RW_SESSION)
      try {
        this.#login(session)
      } catch (error) {
        this.#closeSession(session)
        throw error
      }
      this.#open = { slot, session }
      return this.#open
    }
    const message = `there is no token "${this.#options.token}"; there are: ${labels.join(', ') || 'none'}`
    throw new UsageError('pqc.hsm.token', message, { token: this.#options.token, labels })
  }

  /** Undefined for a slot whose token does not answer. */
  #labelOf(slot: Handle): string | undefined {
    try {
      return this.#pkcs11.C_GetTokenInfo(slot).label.trim()
    } catch (error) {
      if (resultOf(error) < 0) throw error
      return undefined
    }
  }

  #login(session: Handle): void {
    try {
      this.#pkcs11.C_Login(session, CKU_USER, this.#options.pin)
    } catch (error) {
      const result = resultOf(error)
      if (result === ALREADY_LOGGED_IN) return
      if (!PIN_INCORRECT.has(result)) throw asError(error)
      this.#refused = new AuthError('pqc.hsm.pin', 'the token does not take the PIN', {}, error)
      throw this.#refused
    }
  }

  /** A library that has lost its token finds it again only after C_Finalize; who else uses it connects again, too. */
  #disconnect(finalize = true): void {
    const open = this.#open
    this.#open = undefined
    if (open !== undefined) this.#closeSession(open.session)
    try {
      if (finalize) this.#pkcs11.C_Finalize()
    } catch {
      // It is not initialized any more.
    }
  }

  #closeSession(session: Handle): void {
    try {
      this.#pkcs11.C_CloseSession(session)
    } catch {
      // It is gone already.
    }
  }
}

/** The CK_RV of an error of the binding; -1 for any other. */
function resultOf(error: unknown): number {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'number' ? code : -1
}

function asError(error: unknown): unknown {
  if (resultOf(error) < 0) return error
  const result = `0x${resultOf(error).toString(16)}`
  return new ProtocolError('pqc.hsm.failed', `the token says ${describeError(error)}`, { result }, error)
}
