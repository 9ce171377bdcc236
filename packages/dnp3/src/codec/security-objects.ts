import type { RecordCodec } from './record.ts'
import { record } from './record.ts'

// Secure authentication version 5: g120 (IEEE 1815-2012 clause 7). v3 and v4 travel with qualifier 07, the others with 5B.

/** g120v1 */
export interface Challenge {
  /** Challenge sequence number. */
  readonly csq: number
  /** 0 from an outstation. */
  readonly user: number
  readonly macAlgorithm: number
  /** 1: a critical function. */
  readonly reason: number
  /** At least 4 octets. */
  readonly challenge: Uint8Array
}
/** g120v2 */
export interface Reply {
  readonly csq: number
  readonly user: number
  readonly mac: Uint8Array
}
/** g120v3 */
export interface AggressiveRequest {
  readonly csq: number
  readonly user: number
}
/** g120v4 */
export interface KeyStatusRequest {
  readonly user: number
}
/** g120v5 */
export interface KeyStatus {
  /** Key change sequence number. */
  readonly ksq: number
  readonly user: number
  readonly keyWrap: number
  readonly status: number
  readonly macAlgorithm: number
  readonly challenge: Uint8Array
  /** Empty where `macAlgorithm` is 0. */
  readonly mac: Uint8Array
}
/** g120v6 */
export interface KeyChange {
  readonly ksq: number
  readonly user: number
  readonly wrapped: Uint8Array
}
/** g120v7 */
export interface SecurityErrorObject {
  /** CSQ or KSQ of what was refused. */
  readonly sequence: number
  readonly user: number
  readonly association: number
  readonly error: number
  /** Milliseconds since 1970-01-01 UTC. */
  readonly time: number
  readonly text: Uint8Array
}
/** g120v8 */
export interface UserCertificate {
  readonly method: number
  /** 1 identity, 2 attribute. */
  readonly type: number
  readonly certificate: Uint8Array
}
/** g120v9, g120v14, g120v15: nothing but octets. */
export interface Octets {
  readonly octets: Uint8Array
}
/** g120v10 */
export interface UserStatusChange {
  readonly method: number
  /** 1 add, 2 delete, 3 change. */
  readonly operation: number
  /** Status change sequence number. */
  readonly scs: number
  readonly role: number
  /** Days until the role expires. */
  readonly expiryDays: number
  readonly userName: Uint8Array
  readonly publicKey: Uint8Array
  readonly certification: Uint8Array
}
/** g120v11 */
export interface UpdateKeyRequest {
  readonly method: number
  readonly userName: Uint8Array
  readonly challenge: Uint8Array
}
/** g120v12 */
export interface UpdateKeyReply {
  readonly ksq: number
  readonly user: number
  readonly challenge: Uint8Array
}
/** g120v13 */
export interface UpdateKeyChange {
  readonly ksq: number
  readonly user: number
  readonly encrypted: Uint8Array
}

export const CHALLENGE: RecordCodec<Challenge> = record('csq:u32 user:u16 macAlgorithm:u8 reason:u8 challenge[*]')
export const REPLY: RecordCodec<Reply> = record('csq:u32 user:u16 mac[*]')
export const AGGRESSIVE_REQUEST: RecordCodec<AggressiveRequest> = record('csq:u32 user:u16')
export const KEY_STATUS_REQUEST: RecordCodec<KeyStatusRequest> = record('user:u16')
export const KEY_STATUS: RecordCodec<KeyStatus> = record(
  'ksq:u32 user:u16 keyWrap:u8 status:u8 macAlgorithm:u8 len(challenge):u16 challenge[] mac[*]',
)
export const KEY_CHANGE: RecordCodec<KeyChange> = record('ksq:u32 user:u16 wrapped[*]')
export const SECURITY_ERROR: RecordCodec<SecurityErrorObject> = record(
  'sequence:u32 user:u16 association:u16 error:u8 time:u48 text[*]',
)
export const USER_CERTIFICATE: RecordCodec<UserCertificate> = record('method:u8 type:u8 certificate[*]')
export const OCTETS: RecordCodec<Octets> = record('octets[*]')
export const USER_STATUS_CHANGE: RecordCodec<UserStatusChange> = record(
  'method:u8 operation:u8 scs:u32 role:u16 expiryDays:u16 len(userName):u16 len(publicKey):u16 len(certification):u16 ' +
    'userName[] publicKey[] certification[]',
)
export const UPDATE_KEY_REQUEST: RecordCodec<UpdateKeyRequest> = record(
  'method:u8 len(userName):u16 len(challenge):u16 userName[] challenge[]',
)
export const UPDATE_KEY_REPLY: RecordCodec<UpdateKeyReply> = record('ksq:u32 user:u16 len(challenge):u16 challenge[]')
export const UPDATE_KEY_CHANGE: RecordCodec<UpdateKeyChange> = record('ksq:u32 user:u16 len(encrypted):u16 encrypted[]')
