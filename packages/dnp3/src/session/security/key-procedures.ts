import { DecodeError, ProtocolError } from '@gridseal/wire'
import type { Fragment } from '../../codec/application.ts'
import { sizedOctets } from '../../codec/header-octets.ts'
import { decodeObjects } from '../../codec/objects.ts'
import type { RecordCodec } from '../../codec/record.ts'
import {
  OCTETS,
  SECURITY_ERROR,
  UPDATE_KEY_CHANGE,
  UPDATE_KEY_REPLY,
  UPDATE_KEY_REQUEST,
  USER_STATUS_CHANGE,
} from '../../codec/security-objects.ts'
import type { UserStatusChange } from '../../codec/security-objects.ts'
import type { MasterProcedure } from '../master/task.ts'
import { equalMacs } from './algorithms.ts'
import { updateKeyConfirmation } from './key-material.ts'

const AUTHENTICATE_REQ = 32

/** The object of a fragment that is of this variation of g120. */
export function objectOf<T>(fragment: Fragment | undefined, variation: number, codec: RecordCodec<T>): T | undefined {
  const header = fragment?.headers.find((one) => one.group === 120 && one.variation === variation)
  const [object] = header === undefined ? [] : decodeObjects(header)
  if (!(object?.value instanceof Uint8Array)) return undefined
  try {
    return codec.decode(object.value)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

/** Hands a certified user status change on (g120v10). */
export function* changeUserStatus(change: UserStatusChange): MasterProcedure<void> {
  yield { function: AUTHENTICATE_REQ, objects: sizedOctets(120, 10, USER_STATUS_CHANGE.encode(change)) }
}

/** What an update key change needs from who has the keys: the new key and the objects that carry it. */
export interface UpdateKeySource {
  readonly method: number
  readonly userName: Uint8Array
  readonly outstationName: Uint8Array
  /** g120v13's content for the challenges, and either nothing (g120v15 proves it) or a signature (g120v14). */
  seal(parts: {
    readonly masterChallenge: Uint8Array
    readonly outstationChallenge: Uint8Array
    readonly ksq: number
    readonly user: number
  }): { readonly updateKey: Uint8Array; readonly encrypted: Uint8Array; readonly signature?: Uint8Array }
}

/** Changes an update key (g120v11 to v15); returns it with the user's number when the outstation has proved that it has it. */
export function* changeUpdateKey(
  source: UpdateKeySource,
  masterChallenge: Uint8Array,
): MasterProcedure<{ readonly user: number; readonly updateKey: Uint8Array }> {
  const { method, userName, outstationName } = source
  const request = UPDATE_KEY_REQUEST.encode({ method, userName, challenge: masterChallenge })
  const replied = yield { function: AUTHENTICATE_REQ, objects: sizedOctets(120, 11, request) }
  const reply = objectOf(replied.fragments[0], 12, UPDATE_KEY_REPLY)
  if (reply === undefined) throw refusedChange(replied.fragments[0], 'no update key reply')
  const { ksq, user } = reply
  const outstationChallenge = reply.challenge.slice()
  const { updateKey, encrypted, signature } = source.seal({ masterChallenge, outstationChallenge, ksq, user })
  const confirmation = updateKeyConfirmation(updateKey, outstationName, masterChallenge, outstationChallenge, ksq, user)
  const objects = Buffer.concat([
    sizedOctets(120, 13, UPDATE_KEY_CHANGE.encode({ ksq, user, encrypted })),
    signature === undefined
      ? sizedOctets(120, 15, OCTETS.encode({ octets: confirmation }))
      : sizedOctets(120, 14, OCTETS.encode({ octets: signature })),
  ])
  const changed = yield { function: AUTHENTICATE_REQ, objects }
  const proof = objectOf(changed.fragments[0], 15, OCTETS)
  const expected = updateKeyConfirmation(updateKey, userName, outstationChallenge, masterChallenge, ksq, user)
  if (proof === undefined || !equalMacs(proof.octets, expected)) {
    throw refusedChange(changed.fragments[0], 'the outstation does not prove that it has the update key')
  }
  return { user, updateKey }
}

/** Why an update key was not changed: what the outstation says, if it says anything. */
function refusedChange(fragment: Fragment | undefined, why: string): ProtocolError {
  const error = objectOf(fragment, 7, SECURITY_ERROR)?.error
  const said = error === undefined ? '' : `: security error ${error}`
  return new ProtocolError('dnp3.security.update-key', `${why}${said}`, { error })
}
