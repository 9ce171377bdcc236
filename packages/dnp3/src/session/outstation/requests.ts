import { Writer } from '@gridseal/wire'
import { decodeObjects } from '../../codec/objects.ts'
import { ACTIVATION_STATUS } from '../../codec/record-table.ts'
import { operate } from './commands.ts'
import { assignClass, unsolicitedClasses } from './classes.ts'
import type { Answer, RequestContext } from './context.ts'
import { NO_FUNC_CODE_SUPPORT, OBJECT_UNKNOWN, OK, PARAMETER_ERROR } from './context.ts'
import { fileFunction } from './file-requests.ts'
import { freeze, freezeAtTime } from './freeze.ts'
import { headerOctets, sizedOctets } from '../../codec/header-octets.ts'
import { write } from './write.ts'

const UNSUPPORTED: Answer = { iin: NO_FUNC_CODE_SUPPORT }

type Carry = (context: RequestContext) => Answer

/** What each function does, by code; READ, CONFIRM and authentication have their own ways. */
const FUNCTIONS: Readonly<Record<number, Carry>> = {
  2: write,
  3: (context) => operate(context, 'select'),
  4: (context) => operate(context, 'operate'),
  5: (context) => operate(context, 'direct'),
  6: (context) => operate(context, 'direct'),
  7: (context) => freeze(context, false),
  8: (context) => freeze(context, false),
  9: (context) => freeze(context, true),
  10: (context) => freeze(context, true),
  11: freezeAtTime,
  12: freezeAtTime,
  13: (context) => restart(context, 'cold'),
  14: (context) => restart(context, 'warm'),
  16: (context) => application(context, 'initialize'),
  17: (context) => application(context, 'start'),
  18: (context) => application(context, 'stop'),
  19: saveConfiguration,
  20: (context) => unsolicited(context, true),
  21: (context) => unsolicited(context, false),
  22: assignClass,
  23: () => ({ iin: 0, objects: headerOctets(52, 2, 0x07, [{ index: 0, value: 0 }]) }),
  24: recordTime,
  25: fileFunction,
  26: fileFunction,
  27: fileFunction,
  28: fileFunction,
  29: fileFunction,
  30: fileFunction,
  31: activate,
}

/** Functions that are carried out and never answered. */
export const NO_RESPONSE: ReadonlySet<number> = new Set([6, 8, 10, 12])

/** Functions that may be broadcast. */
export const BROADCASTABLE: ReadonlySet<number> = new Set([2, 6, 8, 10, 12, 20, 21, 22, 24])

/** Carries a request out. */
export function carryOut(context: RequestContext): Answer {
  return FUNCTIONS[context.function]?.(context) ?? UNSUPPORTED
}

function unsolicited(context: RequestContext, enabled: boolean): Answer {
  return context.session.settings.unsolicited === undefined ? UNSUPPORTED : unsolicitedClasses(context, enabled)
}

function restart({ session, now }: RequestContext, kind: 'cold' | 'warm'): Answer {
  const { handler } = session
  if (handler.restart === undefined) return UNSUPPORTED
  const delay = Math.max(0, Math.round(handler.restart(kind)))
  session.restartAfter(delay, kind, now)
  const seconds = delay > 0xffff
  const value = seconds ? Math.min(Math.ceil(delay / 1000), 0xffff) : delay
  return { iin: 0, objects: headerOctets(52, seconds ? 1 : 2, 0x07, [{ index: 0, value }]) }
}

function recordTime({ session, control, now }: RequestContext): Answer {
  session.recorded = { sequence: control.sequence, at: now }
  return OK
}

function saveConfiguration({ session }: RequestContext): Answer {
  if (session.handler.saveConfiguration === undefined) return UNSUPPORTED
  session.handler.saveConfiguration()
  return OK
}

function application({ session, headers }: RequestContext, operation: 'initialize' | 'start' | 'stop'): Answer {
  const { handler } = session
  if (handler.application === undefined) return UNSUPPORTED
  if (headers.length === 0) return { iin: PARAMETER_ERROR }
  let iin = 0
  for (const header of headers) {
    if (header.group !== 90) return { iin: OBJECT_UNKNOWN }
    const names = header.range.kind === 'all' ? [undefined] : decodeObjects(header).map(({ value }) => textOf(value))
    for (const name of names) if (!handler.application(operation, name)) iin = PARAMETER_ERROR
  }
  return { iin }
}

/** ACTIVATE_CONFIG names files (g70v8) or octet strings (g110). */
function activate({ session, headers }: RequestContext): Answer {
  const { handler } = session
  if (handler.activate === undefined) return UNSUPPORTED
  if (headers.length === 0) return { iin: PARAMETER_ERROR }
  if (headers.some(({ group, variation }) => !(group === 70 && variation === 8) && group !== 110)) {
    return { iin: OBJECT_UNKNOWN }
  }
  const names = headers.flatMap((header) => decodeObjects(header).map(({ value }) => textOf(value)))
  const { delay, results } = handler.activate(names)
  const entries = new Writer(64)
  for (const { status, text } of results) {
    const octets = new TextEncoder().encode(text).subarray(0, 200)
    entries
      .u8(1 + octets.length)
      .u8(status)
      .bytes(octets)
  }
  const value = { delay, entryCount: results.length, entries: entries.finish() }
  return { iin: 0, objects: sizedOctets(91, 1, ACTIVATION_STATUS.encode(value)) }
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : ''
}
