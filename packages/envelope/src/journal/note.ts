import { CborReader } from '../cbor/reader.ts'
import { CborWriter } from '../cbor/writer.ts'

// A note is what a journal says of itself:  ["note", kind, time, [a, b]]
const NAME = 'note'
const FIRST_OCTET = 0x84

export type Note =
  /** The journal was opened for the n-th time. */
  | { readonly kind: 'opened'; readonly time: bigint; readonly journal: Uint8Array; readonly epoch: number }
  /** Retention has removed segments. */
  | { readonly kind: 'removed'; readonly time: bigint; readonly from: number; readonly to: number }

const JOURNAL_ID_LENGTH = 16

/** Whether a journal record is a note. */
export function isNote(bytes: Uint8Array): boolean {
  return bytes[0] === FIRST_OCTET
}

export function encodeNote(note: Note): Uint8Array {
  const w = new CborWriter(64).array(4).text(NAME).text(note.kind).uint(note.time).array(2)
  if (note.kind === 'opened') w.bytes(note.journal).uint(note.epoch)
  else w.uint(note.from).uint(note.to)
  return w.finish()
}

/** Throws `DecodeError`. */
export function decodeNote(bytes: Uint8Array): Note {
  const r = new CborReader(bytes)
  r.fixedArray(4, 'note')
  if (r.text('name') !== NAME) throw r.error('journal.note', 'name', 'not a note')
  const kind = r.text('kind')
  const time = r.uint64('time')
  r.fixedArray(2, 'details')
  let note: Note
  if (kind === 'opened') {
    note = { kind, time, journal: r.fixedBytes(JOURNAL_ID_LENGTH, 'journal'), epoch: r.uint('epoch') }
  } else if (kind === 'removed') note = { kind, time, from: r.uint('from'), to: r.uint('to') }
  else throw r.error('journal.note', 'kind', 'unknown note')
  r.expectEnd('end')
  return note
}
