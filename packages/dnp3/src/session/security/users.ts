import { UsageError } from '@gridseal/wire'

/** A user as an outstation knows it. */
export interface SecurityUser {
  /** 1..65535; 1 is the default user. */
  readonly number: number
  readonly name: string
  readonly role: number
  /** 16 or 32 octets. */
  readonly updateKey: Uint8Array
  /** UTC milliseconds after which the role is none; undefined: never. */
  readonly expires?: number
  /** Signs changes of the update key by our post-quantum method. */
  readonly publicKey?: Uint8Array
}

/** What must survive a restart: sequence numbers that never go back, and users that were added over the wire. */
export interface SecurityState {
  /** Key change sequence number. */
  readonly ksq: number
  /** Challenge sequence number. */
  readonly csq: number
  /** The least status change sequence number that is taken. */
  readonly scs: number
  readonly users: readonly SecurityUser[]
}

/** Where {@link SecurityState} is kept. */
export interface SecurityStore {
  load(): SecurityState | undefined
  save(state: SecurityState): void
}

/** Throws {@link UsageError} `dnp3.security.user` for users that cannot be. */
export function checkUsers(users: readonly SecurityUser[]): void {
  const seen = new Set<number>()
  for (const { number, name, updateKey } of users) {
    if (!Number.isInteger(number) || number < 1 || number > 0xffff || seen.has(number)) {
      throw new UsageError('dnp3.security.user', `user ${name}: number ${number} is none, or is there twice`)
    }
    if (updateKey.length !== 16 && updateKey.length !== 32) {
      throw new UsageError(
        'dnp3.security.user',
        `user ${name}: an update key has 16 or 32 octets, not ${updateKey.length}`,
      )
    }
    seen.add(number)
  }
}
