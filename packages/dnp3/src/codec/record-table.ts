import { FILE_AUTHENTICATION, FILE_COMMAND, FILE_COMMAND_STATUS, FILE_DESCRIPTOR } from './file-objects.ts'
import { FILE_IDENTIFIER, FILE_TRANSPORT, FILE_TRANSPORT_STATUS } from './file-objects.ts'
import type { RecordCodec } from './record.ts'
import { record } from './record.ts'
import { AGGRESSIVE_REQUEST, CHALLENGE, KEY_CHANGE, KEY_STATUS, KEY_STATUS_REQUEST } from './security-objects.ts'
import { OCTETS, REPLY, SECURITY_ERROR, UPDATE_KEY_CHANGE, UPDATE_KEY_REPLY } from './security-objects.ts'
import { UPDATE_KEY_REQUEST, USER_CERTIFICATE, USER_STATUS_CHANGE } from './security-objects.ts'

/** g82v1 (obsolete): which functions, objects and qualifiers an outstation takes. */
export interface DeviceProfile {
  /** 64 bits, one per function code. */
  readonly functions: Uint8Array
  /** 2 octets: how many entries. */
  readonly entryCount: number
  /** 4 octets each: group, variation, qualifier, range. */
  readonly entries: Uint8Array
}
/** g83v1: an object that a vendor has registered. */
export interface PrivateObject {
  readonly vendor: number
  readonly object: number
  readonly data: Uint8Array
}
/** g83v2: what such an object is made of. */
export interface PrivateObjectDescriptor {
  readonly vendor: number
  readonly object: number
  readonly entryCount: number
  /** 4 octets each: quantity (2), group, variation. */
  readonly entries: Uint8Array
}
/** g91v1: what became of ACTIVATE_CONFIG. */
export interface ActivationStatus {
  /** Milliseconds until the outstation can be reached again. */
  readonly delay: number
  readonly entryCount: number
  /** Per object that was to be activated: length, status, text. */
  readonly entries: Uint8Array
}

export const DEVICE_PROFILE: RecordCodec<DeviceProfile> = record('functions:8 entryCount:u16 entries[*]')
export const PRIVATE_OBJECT: RecordCodec<PrivateObject> = record('vendor:u32 object:u16 len(data):u16 data[]')
export const PRIVATE_DESCRIPTOR: RecordCodec<PrivateObjectDescriptor> = record(
  'vendor:u32 object:u16 entryCount:u16 entries[*]',
)
export const ACTIVATION_STATUS: RecordCodec<ActivationStatus> = record('delay:u32 entryCount:u8 entries[*]')

type AnyRecord = RecordCodec<Record<string, number | Uint8Array>>

/** The records by group and variation; layouts of g81 to g83 and g91 are known from one public parser only. */
const RECORDS: Readonly<Record<string, unknown>> = {
  g70v1: FILE_IDENTIFIER,
  g70v2: FILE_AUTHENTICATION,
  g70v3: FILE_COMMAND,
  g70v4: FILE_COMMAND_STATUS,
  g70v5: FILE_TRANSPORT,
  g70v6: FILE_TRANSPORT_STATUS,
  g70v7: FILE_DESCRIPTOR,
  g70v8: OCTETS,
  g82v1: DEVICE_PROFILE,
  g83v1: PRIVATE_OBJECT,
  g83v2: PRIVATE_DESCRIPTOR,
  g90v1: OCTETS,
  g91v1: ACTIVATION_STATUS,
  g120v1: CHALLENGE,
  g120v2: REPLY,
  g120v3: AGGRESSIVE_REQUEST,
  g120v4: KEY_STATUS_REQUEST,
  g120v5: KEY_STATUS,
  g120v6: KEY_CHANGE,
  g120v7: SECURITY_ERROR,
  g120v8: USER_CERTIFICATE,
  g120v9: OCTETS,
  g120v10: USER_STATUS_CHANGE,
  g120v11: UPDATE_KEY_REQUEST,
  g120v12: UPDATE_KEY_REPLY,
  g120v13: UPDATE_KEY_CHANGE,
  g120v14: OCTETS,
  g120v15: OCTETS,
}

/**
 * How the octets of an object of variable size are made up, for those that are records: what {@link decodeObjects} gives
 * as `value` octets. Data sets and device attributes have codecs of their own.
 */
export function recordOf(group: number, variation: number): AnyRecord | undefined {
  return RECORDS[`g${group}v${variation}`] as AnyRecord | undefined
}
