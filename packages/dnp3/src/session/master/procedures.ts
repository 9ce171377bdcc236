import { ProtocolError } from '@gridseal/wire'
import { decodeObjects } from '../../codec/objects.ts'
import type { ObjectValue } from '../../codec/objects.ts'
import { dataSetValueOffset, encodeDataSet } from '../../codec/data-sets.ts'
import { allOctets, headerOctets, sizedOctets } from '../../codec/header-octets.ts'
import { COMMAND_STATUS } from '../../codec/commands.ts'
import { iinNames } from '../../codec/iin.ts'
import type { OutstationCommand } from '../outstation/command.ts'
import { DEVICE_RESTART } from '../outstation/context.ts'
import { sameOctets } from '../outstation/point.ts'
import type { PollClass, TimeSync } from './master-options.ts'
import type { MasterProcedure, MasterReply } from './task.ts'

const WRITE = 2
const SELECT = 3
const OPERATE = 4
const DIRECT_OPERATE = 5
const DIRECT_OPERATE_NR = 6
const DELAY_MEASURE = 23
const RECORD_CURRENT_TIME = 24
/** NO_FUNC_CODE_SUPPORT, OBJECT_UNKNOWN, PARAMETER_ERROR. */
const ERROR_BITS = 0x0007

/** Headers that ask for the events of classes 1 to 3 and the present values (class 0), in the order given. */
export function classOctets(classes: readonly PollClass[]): Uint8Array {
  return Buffer.concat(classes.map((one) => allOctets(60, one + 1)))
}

/** A request whose answer must have no error bit. */
export function* plainRequest(code: number, objects?: Uint8Array): MasterProcedure<MasterReply> {
  const reply = yield { function: code, ...(objects && { objects }) }
  refuseErrors(reply)
  return reply
}

function refuseErrors({ iin }: MasterReply): void {
  if ((iin & ERROR_BITS) === 0) return
  const names = iinNames(iin & ERROR_BITS)
  throw new ProtocolError('dnp3.master.refused', `the outstation refuses: ${names.join(', ')}`, { iin })
}

/** DEVICE_RESTART is cleared. */
export function* clearRestart(): MasterProcedure<void> {
  const { iin } = yield* plainRequest(WRITE, headerOctets(80, 1, 0x00, [{ index: 7, state: 0 }]))
  if ((iin & DEVICE_RESTART) === 0) return
  throw new ProtocolError('dnp3.master.restart', 'the outstation does not clear DEVICE_RESTART', { iin })
}

/** What became of commands: a status for each, by the order in which they were given. */
export interface CommandResult {
  readonly statuses: readonly number[]
  /** Every status is 0. */
  readonly success: boolean
}

/**
 * SELECT and OPERATE, DIRECT_OPERATE, or DIRECT_OPERATE_NR. The echo must be what was sent, status apart, or it is not trusted:
 * {@link ProtocolError} `dnp3.master.echo`. A SELECT that is refused in part is not operated.
 */
export function* operateCommands(
  commands: readonly OutstationCommand[],
  mode: 'select' | 'direct' | 'direct-no-response',
): MasterProcedure<CommandResult> {
  const objects = commandOctets(commands)
  if (mode === 'direct-no-response') {
    yield { function: DIRECT_OPERATE_NR, objects, noResponse: true }
    return { statuses: [], success: true }
  }
  if (mode === 'select') {
    const selected = echoOf(yield { function: SELECT, objects }, objects, commands)
    if (!selected.success) return selected
  }
  return echoOf(yield { function: mode === 'select' ? OPERATE : DIRECT_OPERATE, objects }, objects, commands)
}

/** Objects of commands: a header for each run of one kind. */
export function commandOctets(commands: readonly OutstationCommand[]): Uint8Array {
  const headers: Uint8Array[] = []
  for (let from = 0; from < commands.length;) {
    const first = commands[from]!
    let end = from
    while (end < commands.length && formOf(commands[end]!) === formOf(first)) end++
    headers.push(runOctets(commands.slice(from, end)))
    from = end
  }
  return Buffer.concat(headers)
}

/** Commands that can share a header have the same. */
function formOf(command: OutstationCommand): string {
  return command.kind === 'analog' ? `analog ${command.variation}` : command.kind
}

function runOctets(commands: readonly OutstationCommand[]): Uint8Array {
  const [first] = commands
  if (first?.kind === 'data-set') {
    return sizedOctets(87, 1, ...commands.flatMap((one) => (one.kind === 'data-set' ? [encodeDataSet(one)] : [])))
  }
  const objects = commands.flatMap((one) => (one.kind === 'data-set' ? [] : [{ ...one, status: 0 }]))
  return headerOctets(first?.kind === 'analog' ? 41 : 12, first?.kind === 'analog' ? first.variation : 1, 0x28, objects)
}

function echoOf(reply: MasterReply, objects: Uint8Array, commands: readonly OutstationCommand[]): CommandResult {
  const statuses: number[] = []
  const plain = (reply.fragments[0]?.headers ?? []).map((header) => {
    const sent = decodeObjects(header).map((object) => withoutStatus(object, commands[statuses.length], statuses))
    return headerOctets(header.group, header.variation, header.qualifier, sent)
  })
  if (statuses.length === 0) refuseErrors(reply)
  if (statuses.length !== commands.length || !sameOctets(Buffer.concat(plain), objects)) {
    throw new ProtocolError('dnp3.master.echo', 'the answer is not an echo of the command')
  }
  return { statuses, success: statuses.every((status) => status === 0) }
}

const UNDEFINED_STATUS = 127

/** An echoed object as it was sent; its status goes to `statuses`. */
function withoutStatus(object: ObjectValue, command: OutstationCommand | undefined, statuses: number[]): ObjectValue {
  if (command?.kind !== 'data-set' || !(object.value instanceof Uint8Array)) {
    statuses.push(object.status ?? UNDEFINED_STATUS)
    return { ...object, status: 0 }
  }
  const value = Uint8Array.from(object.value)
  const places = command.statuses.map((place) => dataSetValueOffset(value, place))
  statuses.push(places.map((at) => value[at] ?? UNDEFINED_STATUS).find((status) => status !== 0) ?? 0)
  for (const at of places) value[at] = 0
  return { ...object, value }
}

/** The name of a command status. */
export function commandStatusName(status: number): string {
  return COMMAND_STATUS[status] ?? `status ${status}`
}

/** Sets the outstation's clock. `utc` tells the time of a moment; `now` is when the procedure begins. */
export function* synchroniseTime(kind: TimeSync, utc: (now: number) => number, now: number): MasterProcedure<void> {
  if (kind === 'lan') {
    const reply = yield { function: RECORD_CURRENT_TIME }
    refuseErrors(reply)
    // What the outstation has recorded is when the last octet of the request came.
    yield* writeTime(3, utc(reply.sentAt))
    return
  }
  if (kind === 'direct') {
    yield* writeTime(1, utc(now))
    return
  }
  const reply = yield { function: DELAY_MEASURE }
  refuseErrors(reply)
  const [header] = reply.fragments[0]?.headers ?? []
  const [delay] = header === undefined ? [] : decodeObjects(header)
  if (header?.group !== 52 || typeof delay?.value !== 'number') {
    throw new ProtocolError('dnp3.master.delay', 'no time delay (g52) in the answer to DELAY_MEASURE')
  }
  const processing = header.variation === 1 ? delay.value * 1000 : delay.value
  const propagation = Math.max(0, (reply.receivedAt - reply.sentAt - processing) / 2)
  yield* writeTime(1, utc(reply.receivedAt) + propagation)
}

function* writeTime(variation: 1 | 3, utc: number): MasterProcedure<void> {
  yield* plainRequest(WRITE, headerOctets(50, variation, 0x07, [{ index: 0, time: Math.round(utc) }]))
}

/** COLD_RESTART or WARM_RESTART: milliseconds until the outstation can be reached again. */
export function* restart(kind: 'cold' | 'warm'): MasterProcedure<number> {
  const reply = yield* plainRequest(kind === 'cold' ? 13 : 14)
  const [header] = reply.fragments[0]?.headers ?? []
  const [delay] = header === undefined ? [] : decodeObjects(header)
  if (header?.group !== 52 || typeof delay?.value !== 'number') {
    throw new ProtocolError('dnp3.master.delay', 'no time delay (g52) in the answer to a restart')
  }
  return header.variation === 1 ? delay.value * 1000 : delay.value
}
