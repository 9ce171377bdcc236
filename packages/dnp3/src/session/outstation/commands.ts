import { DecodeError } from '@gridseal/wire'
import { dataSetValueOffset, decodeDataSet } from '../../codec/data-sets.ts'
import { decodeObjects, forEachObject } from '../../codec/objects.ts'
import type { ObjectValue } from '../../codec/objects.ts'
import type { ObjectHeader } from '../../codec/object-walk.ts'
import { COMMAND } from './command-status.ts'
import type { OutstationCommand, Selection } from './command.ts'
import type { Answer, OutstationState, RequestContext } from './context.ts'
import { PARAMETER_ERROR } from './context.ts'
import type { CommandPhase } from './handler.ts'
import { sameOctets } from './point.ts'

/** A command, and where in the objects its status stands; of a data set, in each of its control status elements. */
interface Placed {
  readonly command: OutstationCommand
  readonly statusAt: readonly number[]
  status: number
}

/**
 * SELECT, OPERATE, DIRECT_OPERATE and DIRECT_OPERATE_NR (IEEE 1815 clause 4). The answer echoes the objects, each with its
 * status; a missing point sets PARAMETER_ERROR, too. OPERATE must come with the objects of SELECT, octet by octet, and the
 * next sequence number, in time. Nothing is carried out before every command has been looked at.
 */
export function operate(context: RequestContext, phase: CommandPhase): Answer {
  const { headers, session, now, control, fragment } = context
  const { selectTimeout, maxTransmit, maxControls } = session.settings
  const objects = fragment.subarray(2)
  const placed =
    headers[0]?.variation === 2 && headers[0].group === 12 ? patternCommands(headers) : allCommands(session, headers)
  // An echo that could not be sent would leave the master in the dark about what was done.
  if (placed === undefined || placed.length === 0 || objects.length + 4 > maxTransmit) return { iin: PARAMETER_ERROR }
  const { selection } = session
  if (phase !== 'direct') session.selection = undefined
  const refusal =
    phase === 'operate' ? operateStatus(selection, objects, control.sequence, now, selectTimeout) : COMMAND.SUCCESS
  let iin = 0
  for (const [i, one] of placed.entries()) {
    if (refusal !== COMMAND.SUCCESS) one.status = refusal
    else if (one.status !== COMMAND.SUCCESS) continue
    else if (i >= maxControls) one.status = COMMAND.TOO_MANY_OPS
    else if (!exists(context, one.command)) {
      one.status = COMMAND.NOT_SUPPORTED
      iin = PARAMETER_ERROR
    } else if (phase === 'select') one.status = session.command(one.command, phase, now)
  }
  if (phase === 'select') {
    if (placed.every(({ status }) => status === COMMAND.SUCCESS)) {
      session.selection = { objects: Uint8Array.from(objects), sequence: control.sequence, at: now }
    }
  } else
    for (const one of placed) if (one.status === COMMAND.SUCCESS) one.status = session.command(one.command, phase, now)
  return { iin, objects: echo(objects, placed) }
}

function operateStatus(
  selection: Selection | undefined,
  objects: Uint8Array,
  sequence: number,
  now: number,
  timeout: number,
): number {
  if (selection === undefined) return COMMAND.NO_SELECT
  if (sequence !== ((selection.sequence + 1) & 0x0f) || !sameOctets(objects, selection.objects))
    return COMMAND.NO_SELECT
  return now - selection.at > timeout ? COMMAND.TIMEOUT : 0
}

function exists({ session }: RequestContext, command: OutstationCommand): boolean {
  if (command.kind === 'data-set') return command.statuses.length > 0
  const kind = command.kind === 'binary' ? 'binary-output' : 'analog-output'
  return session.database.point(kind, command.index) !== undefined
}

/** All commands in order; undefined if something else is among them, or another qualifier than those of indexes. */
function allCommands(session: OutstationState, headers: readonly ObjectHeader[]): Placed[] | undefined {
  const placed: Placed[] = []
  let at = 0
  for (const header of headers) {
    const { group, variation, qualifier, data } = header
    if (group === 87 && variation === 1 && qualifier === 0x5b) {
      const commands = dataSetCommands(session, header, at + 4)
      if (commands === undefined) return undefined
      placed.push(...commands)
      at += 4 + data.length
      continue
    }
    if (qualifier !== 0x17 && qualifier !== 0x28) return undefined
    const binary = group === 12 && variation === 1
    if (!binary && (group !== 41 || variation < 1 || variation > 4)) return undefined
    at += qualifier === 0x17 ? 4 : 5
    const before = placed.length
    const size = data.length / (header.range.kind === 'count' ? header.range.count : 1)
    forEachObject(header, (object) => {
      const statusAt = at + size * (placed.length - before + 1) - 1
      placed.push(binary ? binaryCommand(object, statusAt) : analogCommand(object, variation, statusAt))
    })
    at += data.length
  }
  return placed
}

/** Data sets as commands: what they say is for the equipment to know. Undefined for octets that are no data set. */
function dataSetCommands(session: OutstationState, header: ObjectHeader, start: number): Placed[] | undefined {
  const placed: Placed[] = []
  let at = start
  for (const { value } of decodeObjects(header)) {
    if (!(value instanceof Uint8Array)) return undefined
    at += 2
    try {
      const { id, time, values } = decodeDataSet(value.slice())
      const set = session.dataSets.byId(id)
      const statuses = set === undefined ? [] : session.dataSets.controlStatuses(set)
      if (statuses.some((place) => values[place]?.length !== 1)) return undefined
      const bodyAt = at
      const statusAt = statuses.map((place) => bodyAt + dataSetValueOffset(value, place))
      placed.push({ command: { kind: 'data-set', id, time, values, statuses }, statusAt, status: COMMAND.SUCCESS })
    } catch (error) {
      if (error instanceof DecodeError) return undefined
      throw error
    }
    at += value.length
  }
  return placed
}

function binaryCommand(object: ObjectValue, statusAt: number): Placed {
  const { index, code = 0, count = 0, onTime = 0, offTime = 0 } = object
  return {
    command: { kind: 'binary', index, code, count, onTime, offTime },
    statusAt: [statusAt],
    status: codeStatus(code),
  }
}

function analogCommand({ index, value }: ObjectValue, variation: number, statusAt: number): Placed {
  const number = typeof value === 'number' ? value : NaN
  const status = Number.isFinite(number) ? COMMAND.SUCCESS : COMMAND.OUT_OF_RANGE
  return { command: { kind: 'analog', index, variation, value: number }, statusAt: [statusAt], status }
}

/** The obsolete queue bit, the reserved trip-close code and reserved operations are refused whatever the point can do. */
function codeStatus(code: number): number {
  return (code & 0x10) !== 0 || code >> 6 === 3 || (code & 0x0f) > 4 ? COMMAND.NOT_SUPPORTED : 0
}

/** The objects as they came, with the status of each; of a pattern, the first that is not 0. */
function echo(objects: Uint8Array, placed: readonly Placed[]): Uint8Array {
  // The request may be a Buffer, whose slice() would be the same memory.
  const bytes = Uint8Array.from(objects)
  for (const at of placed.flatMap(({ statusAt }) => statusAt)) bytes[at] = COMMAND.SUCCESS
  for (const { statusAt, status } of placed) {
    for (const at of statusAt) if (bytes[at] === COMMAND.SUCCESS) bytes[at] = status
  }
  return bytes
}

/** Group, variation, qualifier, count, and the block with its status last. */
const PATTERN_STATUS = 4 + 10

/** A pattern control block and its masks as the commands that they stand for (g12v2, v3). */
function patternCommands(headers: readonly ObjectHeader[]): Placed[] | undefined {
  const [block, ...masks] = headers
  if (block?.qualifier !== 0x07 || block.range.kind !== 'count' || block.range.count !== 1) return undefined
  const [pattern] = decodeObjects(block)
  const placed: Placed[] = []
  for (const mask of masks) {
    if (mask.group !== 12 || mask.variation !== 3) return undefined
    if (mask.range.kind !== 'start-stop' || mask.range.stop > 0xffff) return undefined
    forEachObject(mask, ({ index, state }) => {
      if (state === 1) placed.push(binaryCommand({ ...pattern, index }, PATTERN_STATUS))
    })
  }
  return placed
}
