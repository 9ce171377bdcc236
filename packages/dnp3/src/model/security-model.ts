import { UsageError, fromHex } from '@gridseal/wire'
import { parse } from 'yaml'
import { ROLES } from '../session/security/roles.ts'
import type { SecurityUser } from '../session/security/users.ts'

/** Secure authentication of a simulated outstation. */
export interface SecurityModel {
  /** The outstation's name in key changes. */
  readonly name: string
  /** 16 or 32 octets: users and update keys may be changed over the wire. */
  readonly authorityKey: Uint8Array | undefined
  readonly users: readonly SecurityUser[]
  /** File that keeps sequence numbers and changed users. */
  readonly state: string | undefined
}

type Row = Readonly<Record<string, unknown>>

const MODEL_KEYS = ['name', 'authority', 'users', 'state']
const USER_KEYS = ['number', 'name', 'role', 'updateKey']

/**
 * Reads a model of secure authentication (YAML). Throws {@link UsageError} `dnp3.model` that names the file and the place.
 *
 * @example
 * name: RTU 7
 * authority: 32 or 64 hex digits
 * users:
 *   - { number: 5, name: bob, role: OPERATOR, updateKey: 32 or 64 hex digits }
 * state: rtu-7.state
 */
export function parseSecurityModel(source: string, file: string): SecurityModel {
  const wrong = (where: string, why: string): UsageError =>
    new UsageError('dnp3.model', `${file}: ${where === '' ? '' : `${where}: `}${why}`, { file, where })
  const rowOf = (value: unknown, where: string, keys: readonly string[]): Row => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw wrong(where, 'names with values are needed')
    const unknown = Object.keys(value).find((key) => !keys.includes(key))
    if (unknown !== undefined) throw wrong(where, `there is no "${unknown}", only ${keys.join(', ')}`)
    return value as Row
  }
  const keyOf = (value: unknown, where: string, ...lengths: readonly number[]): Uint8Array => {
    const text = String(value)
    if (!/^[0-9a-fA-F]*$/.test(text) || !lengths.includes(text.length / 2)) {
      throw wrong(where, `${lengths.map((length) => 2 * length).join(' or ')} hex digits are needed, in quotes`)
    }
    return fromHex(text)
  }
  let document: unknown
  try {
    document = parse(source)
  } catch (error) {
    throw wrong('', error instanceof Error ? error.message : String(error))
  }
  const { name = 'outstation', authority, users, state } = rowOf(document, '', MODEL_KEYS)
  if (!Array.isArray(users)) throw wrong('users', 'a list of users is needed')
  return {
    name: String(name),
    authorityKey: authority === undefined ? undefined : keyOf(authority, 'authority', 16, 32),
    state: state === undefined ? undefined : String(state),
    users: users.map((user: unknown, i) => {
      const where = `users[${i}]`
      const { number, name: userName, role, updateKey } = rowOf(user, where, USER_KEYS)
      const spec = ROLES.find((one) => one.name === role)
      if (spec === undefined) throw wrong(where, `role is one of ${ROLES.map((one) => one.name).join(', ')}`)
      if (typeof number !== 'number' || userName === undefined) throw wrong(where, 'number and name are needed')
      return {
        number,
        name: String(userName),
        role: spec.code,
        updateKey: keyOf(updateKey, `${where}.updateKey`, 16, 32),
      }
    }),
  }
}
