import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { UsageError, describeError, fromHex, toHex } from '@gridseal/wire'
import type { SecurityState, SecurityStore, SecurityUser } from '../session/security/users.ts'

/** Sequence numbers are written so far ahead: after a restart some are left out, and not every challenge waits for the disk. */
const AHEAD = 100

interface StoredUser {
  readonly number: number
  readonly name: string
  readonly role: number
  readonly updateKey: string
  readonly expires?: number
  readonly publicKey?: string
}

/**
 * Keeps what secure authentication must not forget in a file (JSON, 0600) that is whole at any time. Calls throw `UsageError`
 * `dnp3.security.store` for a file that cannot be read or written: without it numbers could come twice.
 */
export class FileSecurityStore implements SecurityStore {
  readonly #path: string
  #written: { readonly ksq: number; readonly csq: number; readonly scs: number; readonly users: string } | undefined

  constructor(path: string) {
    this.#path = path
  }

  load(): SecurityState | undefined {
    if (!existsSync(this.#path)) return undefined
    try {
      const { ksq, csq, scs, users } = JSON.parse(readFileSync(this.#path, 'utf8')) as Readonly<Record<string, unknown>>
      const numbers = [ksq, csq, scs].map(Number)
      if (numbers.some((number) => !Number.isSafeInteger(number)) || !Array.isArray(users))
        throw new TypeError('not a store')
      const known = (users as readonly StoredUser[]).map(userOf)
      return { ksq: numbers[0]!, csq: numbers[1]!, scs: numbers[2]!, users: known }
    } catch (error) {
      throw this.#wrong('read', error)
    }
  }

  save({ ksq, csq, scs, users }: SecurityState): void {
    const stored = JSON.stringify(users.map(storedUser))
    const before = this.#written
    if (before?.scs === scs && before.users === stored && ksq <= before.ksq && csq <= before.csq) return
    const next = { ksq: ksq + AHEAD, csq: csq + AHEAD, scs, users: stored }
    const fresh = `${this.#path}.new`
    try {
      const file = openSync(fresh, 'w', 0o600)
      try {
        writeSync(file, `{"ksq":${next.ksq},"csq":${next.csq},"scs":${scs},"users":${stored}}\n`)
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
      renameSync(fresh, this.#path)
    } catch (error) {
      rmSync(fresh, { force: true })
      throw this.#wrong('write', error)
    }
    this.#written = next
  }

  #wrong(what: string, error: unknown): UsageError {
    const path = this.#path
    return new UsageError('dnp3.security.store', `cannot ${what} ${path}: ${describeError(error)}`, { path }, error)
  }
}

function storedUser({ number, name, role, updateKey, expires, publicKey }: SecurityUser): StoredUser {
  const more = { ...(expires !== undefined && { expires }), ...(publicKey && { publicKey: toHex(publicKey) }) }
  return { number, name, role, updateKey: toHex(updateKey), ...more }
}

function userOf({ number, name, role, updateKey, expires, publicKey }: StoredUser): SecurityUser {
  const more = {
    ...(expires !== undefined && { expires }),
    ...(publicKey !== undefined && { publicKey: fromHex(publicKey) }),
  }
  return { number, name, role, updateKey: fromHex(updateKey), ...more }
}
