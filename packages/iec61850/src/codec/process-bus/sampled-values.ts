import type { BerTag } from '@gridseal/wire'
import { BerReader, BerWriter, DecodeError, Writer } from '@gridseal/wire'
import type { WireForm } from '../mms/wire-form.ts'
import { formOf } from '../mms/wire-form.ts'
import type { UtcTime } from '../utc-time.ts'
import { decodeInteger, encodeInteger } from '../mms/integer.ts'
import type { OpenedFrame, ProcessBusFrame } from './header.ts'
import { APDU_TAG, ETHER_TYPE_SV, openFrame, writeFrame } from './header.ts'
import { openRoutable } from '../routable/open.ts'
import type { FieldRow, Forms } from './sequence.ts'
import { decodeError, readSequence, writeSequence } from './sequence.ts'

/** One ASDU (IEC 61850-9-2 8.5.2). */
export interface Asdu {
  readonly svId: string
  readonly datSet?: string
  /** Counts samples, 0 at the top of the second. */
  readonly smpCnt: number
  readonly confRev: number
  readonly refrTm?: UtcTime
  /** 0 not synchronised, 1 local clock, 2 global clock, 5 to 254 identity of a local clock. */
  readonly smpSynch: number
  /** Samples per period, per second, or seconds per sample, as `smpMod` says. */
  readonly smpRate?: number
  /** Sequence of values of the data set, without tags or lengths. */
  readonly sample: Uint8Array
  /** 0 samples per nominal period (default), 1 per second, 2 seconds per sample. */
  readonly smpMod?: number
  /** Identity of the grandmaster clock (IEC 61850-9-3), eight octets. */
  readonly gmIdentity?: Uint8Array
  readonly forms?: Forms
  /** Of the ASDU's own length field. */
  readonly form?: WireForm
}

const ASDU_FIELDS: readonly FieldRow<Exclude<keyof Asdu, 'forms' | 'form'>>[] = [
  { name: 'svId', tag: 0x80, type: 'text' },
  { name: 'datSet', tag: 0x81, type: 'text', optional: true },
  { name: 'smpCnt', tag: 0x82, type: 'u16' },
  { name: 'confRev', tag: 0x83, type: 'u32' },
  { name: 'refrTm', tag: 0x84, type: 'utcTime', optional: true },
  { name: 'smpSynch', tag: 0x85, type: 'u8' },
  { name: 'smpRate', tag: 0x86, type: 'u16', optional: true },
  { name: 'sample', tag: 0x87, type: 'octets' },
  { name: 'smpMod', tag: 0x88, type: 'u16', optional: true },
  { name: 'gmIdentity', tag: 0x89, type: 'octets', optional: true, size: 8 },
]

/** SavPdu (IEC 61850-9-2 8.5.2). */
export interface SavPdu {
  readonly noAsdu: number
  /** Reserved for digital signatures; never seen. */
  readonly security?: Uint8Array
  readonly asdus: readonly Asdu[]
  /** Of `noAsdu`, `security` and `asdus`. */
  readonly forms?: Forms
}

/** A whole frame of sampled values. */
export interface SvFrame extends ProcessBusFrame {
  readonly pdu: SavPdu
}

/** What could be read of a frame. */
export interface ExaminedSv {
  readonly frame: OpenedFrame
  readonly noAsdu: number | undefined
  readonly security: Uint8Array | undefined
  readonly asdus: readonly Partial<Asdu>[]
  readonly forms: Forms | undefined
  readonly malformed: DecodeError | undefined
  readonly violation: DecodeError | undefined
}

const NO_ASDU: BerTag = 0x80
const SECURITY: BerTag = 0x81
const SEQUENCE_OF_ASDU: BerTag = 0xa2
const ASDU: BerTag = 0x30
const MOST_ASDUS = 0xffff

/** Reads as much of a frame as there is; never throws for what is in the octets. */
export function examineSv(bytes: Uint8Array): ExaminedSv {
  const problems: DecodeError[] = []
  return examine(openFrame(bytes, ETHER_TYPE_SV, APDU_TAG.sv, problems), problems)
}

/** The same for a datagram of R-SV (IEC 61850-90-5); of one that is encrypted there is no PDU. */
export function examineRoutableSv(bytes: Uint8Array): ExaminedSv {
  const problems: DecodeError[] = []
  return examine(openRoutable(bytes, 'sv', problems), problems)
}

function examine(frame: OpenedFrame, problems: DecodeError[]): ExaminedSv {
  const asdus: Partial<Asdu>[] = []
  const forms: Record<string, WireForm> = {}
  let noAsdu: number | undefined
  let security: Uint8Array | undefined
  if (frame.contents !== undefined) {
    const r = BerReader.of(frame.contents, {}, frame.contentsAt)
    try {
      noAsdu = readCount(r, forms)
      if (r.is(SECURITY)) {
        security = r.contents(SECURITY, 'security')
        note(forms, 'security', formOf(r, security.length))
      }
      readAsdus(r, asdus, forms, problems)
    } catch (error) {
      problems.push(decodeError(error))
    }
  }
  const malformed = problems[0]
  const wrong = malformed === undefined && frame.contents !== undefined && noAsdu !== asdus.length
  const violation = wrong
    ? new DecodeError('sv.asdus', frame.contentsAt, 'noASDU', `${noAsdu} ASDUs, ${asdus.length} there`)
    : undefined
  const given = Object.keys(forms).length === 0 ? undefined : forms
  return { frame, noAsdu, security, asdus, forms: given, malformed, violation }
}

function note(forms: Record<string, WireForm>, name: string, form: WireForm | undefined): void {
  if (form !== undefined) forms[name] = form
}

function readCount(r: BerReader, forms: Record<string, WireForm>): number {
  const octets = r.contents(NO_ASDU, 'noASDU')
  const offset = r.offset - octets.length
  const { value, form } = decodeInteger(octets, offset, 'noASDU')
  if (value < 0 || value > MOST_ASDUS) throw new DecodeError('decode.range', offset, 'noASDU', `${value}`)
  note(forms, 'noAsdu', formOf(r, octets.length, form))
  return Number(value)
}

function readAsdus(
  r: BerReader,
  asdus: Partial<Asdu>[],
  forms: Record<string, WireForm>,
  problems: DecodeError[],
): void {
  const inner = r.enter(SEQUENCE_OF_ASDU, 'asdu')
  note(forms, 'asdus', formOf(r, inner.remaining))
  while (!inner.atEnd) {
    const contents = inner.contents(ASDU, 'ASDU')
    const form = formOf(inner, contents.length)
    const { values, forms: own } = readSequence(ASDU_FIELDS, contents, inner.offset - contents.length, problems)
    asdus.push({ ...values, ...(own === undefined ? {} : { forms: own }), ...(form === undefined ? {} : { form }) })
  }
  r.expectEnd('savPdu')
}

/** Throws `DecodeError`. Byte values are views of the frame. */
export function decodeSvFrame(bytes: Uint8Array): SvFrame {
  const { frame, noAsdu, security, asdus, forms, malformed } = examineSv(bytes)
  if (malformed !== undefined) throw malformed
  const { ethernet, header, extension, padding, form } = frame as Required<OpenedFrame>
  const pdu: SavPdu = {
    noAsdu: noAsdu!,
    asdus: asdus as readonly Asdu[],
    ...(security === undefined ? {} : { security }),
    ...(forms === undefined ? {} : { forms }),
  }
  const whole = { ethernet, header, extension, padding, pdu }
  return form === undefined ? whole : { ...whole, form }
}

/** Throws `UsageError` for values that do not fit. */
export function encodeSvFrame(frame: SvFrame): Uint8Array {
  const { noAsdu, security, asdus, forms = {} } = frame.pdu
  const w = new BerWriter(256)
  const write = (): void => {
    const count = forms['noAsdu']
    w.contents(NO_ASDU, encodeInteger(noAsdu, count?.octets), count?.lengthOctets)
    if (security !== undefined) w.contents(SECURITY, security, forms['security']?.lengthOctets)
    w.constructed(SEQUENCE_OF_ASDU, () => asdus.forEach((asdu) => writeAsdu(w, asdu)), forms['asdus']?.lengthOctets)
  }
  w.constructed(APDU_TAG.sv, write, frame.form?.lengthOctets)
  return writeFrame(new Writer(320), frame, w.finish())
}

function writeAsdu(w: BerWriter, { forms, form, ...fields }: Asdu): void {
  w.constructed(ASDU, () => writeSequence(ASDU_FIELDS, w, fields, forms), form?.lengthOctets)
}
