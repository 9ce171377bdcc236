import { decodeObjects, forEachObject } from '../../codec/objects.ts'
import type { ObjectHeader } from '../../codec/object-walk.ts'
import { writeAttribute } from './attribute-requests.ts'
import { COMMAND } from './command-status.ts'
import type { Answer, RequestContext } from './context.ts'
import { OBJECT_UNKNOWN, PARAMETER_ERROR } from './context.ts'
import { writeDataSets } from './data-set-requests.ts'
import { writeFile } from './file-requests.ts'
import { kindOfStatic } from './point-kinds.ts'

const RESTART_INDEX = 7
const LATCH_ON = 3
const LATCH_OFF = 4

/** WRITE (IEEE 1815 clause 4, by object). All headers are looked at before any is acted on where one of them is unknown. */
export function write(context: RequestContext): Answer {
  const { headers } = context
  if (headers.length === 0) return { iin: PARAMETER_ERROR }
  if (headers.some(({ group }) => WRITERS[group] === undefined)) return { iin: OBJECT_UNKNOWN }
  let iin = 0
  let objects: Uint8Array | undefined
  for (const header of headers) {
    if (!header.carriesObjects) return { iin: PARAMETER_ERROR }
    const answer = WRITERS[header.group]!(context, header)
    if (typeof answer === 'number') iin |= answer
    else {
      iin |= answer.iin
      objects = answer.objects
    }
  }
  return { iin, ...(objects && { objects }) }
}

type Write = (context: RequestContext, header: ObjectHeader) => number | Answer

/** What can be written, by group. */
const WRITERS: Readonly<Record<number, Write>> = {
  0: writeAttribute,
  10: writeOutputs,
  34: writeDeadbands,
  50: writeTime,
  70: writeFile,
  80: writeIndications,
  85: writeDataSets,
  86: writeDataSets,
  87: writeDataSets,
  101: writeValues,
  102: writeValues,
  110: writeValues,
  112: writeTerminal,
}

/** g80v1: DEVICE_RESTART can be cleared, nothing else. */
function writeIndications({ session }: RequestContext, header: ObjectHeader): number {
  const states = decodeObjects(header)
  const [only] = states
  if (header.variation !== 1 || header.range.kind !== 'start-stop') return PARAMETER_ERROR
  if (states.length !== 1 || only?.index !== RESTART_INDEX || only.state !== 0) return PARAMETER_ERROR
  session.clearRestart()
  return 0
}

/** g50v1 sets the clock; g50v3 goes by the moment that RECORD_CURRENT_TIME has recorded, once; g50v4 are schedules. */
function writeTime(context: RequestContext, header: ObjectHeader): number {
  const { session, now, control } = context
  const { variation, range } = header
  if (variation === 4) return writeSchedules(context, header)
  if (variation !== 1 && variation !== 3) return OBJECT_UNKNOWN
  const [object, ...more] = decodeObjects(header)
  if (range.kind !== 'count' || more.length > 0 || object?.time === undefined) return PARAMETER_ERROR
  if (variation === 1) {
    session.setTime(object.time, now)
    return 0
  }
  const { recorded } = session
  session.recorded = undefined
  if (recorded === undefined || control.sequence !== ((recorded.sequence + 1) & 0x0f)) return PARAMETER_ERROR
  session.setTime(object.time + (now - recorded.at), now)
  return 0
}

function writeSchedules({ session }: RequestContext, header: ObjectHeader): number {
  let iin = 0
  forEachObject(header, ({ index, time = 0, interval = 0, units = 0 }) => {
    const schedule = { time, interval, units }
    if (session.schedules.set(index, schedule)) session.handler.scheduleWritten?.(index, schedule)
    else iin = PARAMETER_ERROR
  })
  return iin
}

/** g10v1: the state that outputs shall have, by latching. */
function writeOutputs({ session, now }: RequestContext, header: ObjectHeader): number {
  if (header.variation !== 1 || header.range.kind !== 'start-stop' || header.range.stop > 0xffff) return PARAMETER_ERROR
  const outputs = decodeObjects(header)
  if (outputs.some(({ index }) => session.database.point('binary-output', index) === undefined)) return PARAMETER_ERROR
  let iin = 0
  for (const { index, state } of outputs) {
    const code = state === 1 ? LATCH_ON : LATCH_OFF
    const status = session.command({ kind: 'binary', index, code, count: 1, onTime: 0, offTime: 0 }, 'direct', now)
    if (status !== COMMAND.SUCCESS) iin = PARAMETER_ERROR
  }
  return iin
}

function writeDeadbands({ session }: RequestContext, header: ObjectHeader): number {
  if (header.variation < 1 || header.variation > 3) return OBJECT_UNKNOWN
  let iin = 0
  for (const { index, value } of decodeObjects(header)) {
    const point = session.database.point('analog-input', index)
    if (point === undefined || typeof value !== 'number' || !(value >= 0)) iin = PARAMETER_ERROR
    else {
      point.deadband = value
      session.handler.deadbandWritten?.(index, value)
    }
  }
  return iin
}

/** Octet strings, BCD and unsigned integers. */
function writeValues({ session, now }: RequestContext, header: ObjectHeader): number {
  const spec = kindOfStatic(header.group)!
  let iin = 0
  forEachObject(header, ({ index, value }) => {
    const point = session.database.point(spec.kind, index)
    const written = spec.kind === 'bcd' && value instanceof Uint8Array ? bcdValue(value) : value
    if (point === undefined || written === undefined) iin = PARAMETER_ERROR
    else session.database.updatePoint(point, { value: written instanceof Uint8Array ? written.slice() : written }, now)
  })
  return iin
}

function bcdValue(octets: Uint8Array): number | undefined {
  let value = 0
  for (const octet of octets.toReversed()) {
    if ((octet & 0x0f) > 9 || octet >> 4 > 9) return undefined
    value = value * 100 + (octet >> 4) * 10 + (octet & 0x0f)
  }
  return value
}

function writeTerminal({ session }: RequestContext, header: ObjectHeader): number {
  const { handler } = session
  if (handler.terminal === undefined) return OBJECT_UNKNOWN
  let iin = 0
  forEachObject(header, ({ index, value }) => {
    if (!(value instanceof Uint8Array) || handler.terminal?.(index, value) !== true) iin = PARAMETER_ERROR
  })
  return iin
}
