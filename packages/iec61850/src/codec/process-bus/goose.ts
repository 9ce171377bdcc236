import { BerWriter, DecodeError, Writer } from '@gridseal/wire'
import type { Data } from '../mms/data.ts'
import type { UtcTime } from '../utc-time.ts'
import type { OpenedFrame, ProcessBusFrame } from './header.ts'
import { APDU_TAG, ETHER_TYPE_GOOSE, openFrame, writeFrame } from './header.ts'
import { openRoutable } from '../routable/open.ts'
import type { FieldRow, Forms } from './sequence.ts'
import { readSequence, writeSequence } from './sequence.ts'

/** IECGoosePdu (IEC 61850-8-1 Annex A). */
export interface GoosePdu {
  readonly gocbRef: string
  /** Milliseconds after which a subscriber need wait no longer for the next message. */
  readonly timeAllowedToLive: number
  readonly datSet: string
  /** Absent in edition 1 where it is that of the control block. */
  readonly goId?: string
  /** When the state changed. */
  readonly t: UtcTime
  readonly stNum: number
  readonly sqNum: number
  /** FALSE where absent; named `test` in edition 1. */
  readonly simulation?: boolean
  readonly confRev: number
  /** FALSE where absent. */
  readonly ndsCom?: boolean
  readonly numDatSetEntries: number
  readonly allData: readonly Data[]
  /** Reserved for digital signatures; never seen. */
  readonly security?: Uint8Array
  readonly forms?: Forms
}

const GOOSE_FIELDS: readonly FieldRow<Exclude<keyof GoosePdu, 'forms'>>[] = [
  { name: 'gocbRef', tag: 0x80, type: 'text' },
  { name: 'timeAllowedToLive', tag: 0x81, type: 'unsigned' },
  { name: 'datSet', tag: 0x82, type: 'text' },
  { name: 'goId', tag: 0x83, type: 'text', optional: true },
  { name: 't', tag: 0x84, type: 'utcTime' },
  { name: 'stNum', tag: 0x85, type: 'unsigned' },
  { name: 'sqNum', tag: 0x86, type: 'unsigned' },
  { name: 'simulation', tag: 0x87, type: 'boolean', optional: true },
  { name: 'confRev', tag: 0x88, type: 'unsigned' },
  { name: 'ndsCom', tag: 0x89, type: 'boolean', optional: true },
  { name: 'numDatSetEntries', tag: 0x8a, type: 'unsigned' },
  { name: 'allData', tag: 0xab, type: 'data' },
  { name: 'security', tag: 0x8c, type: 'octets', optional: true },
]

/** A whole GOOSE frame. */
export interface GooseFrame extends ProcessBusFrame {
  readonly pdu: GoosePdu
}

/** What could be read of a frame. */
export interface ExaminedGoose {
  readonly frame: OpenedFrame
  readonly pdu: Partial<GoosePdu>
  /** The octets are no GOOSE frame. */
  readonly malformed: DecodeError | undefined
  /** They are, but the standard does not allow it. */
  readonly violation: DecodeError | undefined
}

/** Reads as much of a GOOSE frame as there is; never throws for what is in the octets. */
export function examineGoose(bytes: Uint8Array): ExaminedGoose {
  const problems: DecodeError[] = []
  return examine(openFrame(bytes, ETHER_TYPE_GOOSE, APDU_TAG.goose, problems), problems)
}

/** The same for a datagram of R-GOOSE (IEC 61850-90-5); of one that is encrypted there is no PDU. */
export function examineRoutableGoose(bytes: Uint8Array): ExaminedGoose {
  const problems: DecodeError[] = []
  return examine(openRoutable(bytes, 'goose', problems), problems)
}

function examine(frame: OpenedFrame, problems: DecodeError[]): ExaminedGoose {
  if (frame.contents === undefined) return { frame, pdu: {}, malformed: problems[0], violation: undefined }
  const { values, forms } = readSequence(GOOSE_FIELDS, frame.contents, frame.contentsAt, problems)
  const pdu = (forms === undefined ? values : { ...values, forms }) as Partial<GoosePdu>
  return { frame, pdu, malformed: problems[0], violation: violationOf(frame, pdu) }
}

function violationOf({ header, contentsAt }: OpenedFrame, pdu: Partial<GoosePdu>): DecodeError | undefined {
  const { numDatSetEntries: said, allData, confRev, simulation = false } = pdu
  if (said !== undefined && allData !== undefined && said !== allData.length) {
    return new DecodeError('goose.entries', contentsAt, 'numDatSetEntries', `${said} entries, ${allData.length} there`)
  }
  // Behind confRev it is known whether `simulation` is there.
  if (header !== undefined && confRev !== undefined && header.simulated !== simulation) {
    return new DecodeError('goose.simulation', contentsAt, 'simulation', 'the S bit and `simulation` disagree')
  }
  return undefined
}

/** Throws `DecodeError`. Byte values are views of the frame. */
export function decodeGooseFrame(bytes: Uint8Array): GooseFrame {
  const { frame, pdu, malformed } = examineGoose(bytes)
  if (malformed !== undefined) throw malformed
  const { ethernet, header, extension, padding, form } = frame as Required<OpenedFrame>
  const whole = { ethernet, header, extension, padding, pdu: pdu as GoosePdu }
  return form === undefined ? whole : { ...whole, form }
}

/** Throws `UsageError` for values that do not fit. */
export function encodeGooseFrame(frame: GooseFrame): Uint8Array {
  const { forms, ...fields } = frame.pdu
  const w = new BerWriter(256)
  w.constructed(APDU_TAG.goose, () => writeSequence(GOOSE_FIELDS, w, fields, forms), frame.form?.lengthOctets)
  return writeFrame(new Writer(320), frame, w.finish())
}
