import { ProtocolError } from '@gridseal/wire'
import { decodeObjects } from '../../codec/objects.ts'
import type { ObjectHeader } from '../../codec/object-walk.ts'
import { allOctets, headerOctets } from '../../codec/header-octets.ts'
import { COMMAND_STATUS } from '../../codec/commands.ts'
import { iinNames } from '../../codec/iin.ts'
import type { OutstationCommand } from '../outstation/command.ts'
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
  yield* plainRequest(WRITE, headerOctets(80, 1, 0x00, [{ index: 7, state: 0 }]))
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
    const selected = echoOf(yield { function: SELECT, objects }, objects, commands.length)
    if (!selected.success) return selected
  }
  return echoOf(yield { function: mode === 'select' ? OPERATE : DIRECT_OPERATE, objects }, objects, commands.length)
}

/** Objects of commands: a header for each run of one kind. */
export function commandOctets(commands: readonly OutstationCommand[]): Uint8Array {
  const headers: Uint8Array[] = []
  for (let from = 0; from < commands.length;) {
    const first = commands[from]!
    let end = from
    while (end < commands.length && formOf(commands[end]!) === formOf(first)) end++
    const objects = commands.slice(from, end).map((command) => ({ ...command, status: 0 }))
    const [group, variation] = first.kind === 'binary' ? [12, 1] : [41, first.variation]
    headers.push(headerOctets(group, variation, 0x28, objects))
    from = end
  }
  return Buffer.concat(headers)
}

function formOf(command: OutstationCommand): number {
  return command.kind === 'binary' ? 0 : command.variation
}

function echoOf(reply: MasterReply, objects: Uint8Array, count: number): CommandResult {
  const [fragment] = reply.fragments
  const headers = fragment?.headers ?? []
  const statuses = headers.flatMap((header) => decodeObjects(header).map(({ status = 127 }) => status))
  if (statuses.length === 0) refuseErrors(reply)
  if (statuses.length !== count || !sameOctets(withoutStatus(headers), objects)) {
    throw new ProtocolError('dnp3.master.echo', 'the answer is not an echo of the command')
  }
  return { statuses, success: statuses.every((status) => status === 0) }
}

/** The octets of command headers, each status 0. */
function withoutStatus(headers: readonly ObjectHeader[]): Uint8Array {
  return Buffer.concat(
    headers.map(({ group, variation, qualifier, data, range, carriesObjects }) => {
      const objects = decodeObjects({ group, variation, qualifier, data, range, carriesObjects })
      return headerOctets(
        group,
        variation,
        qualifier,
        objects.map((object) => ({ ...object, status: 0 })),
      )
    }),
  )
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
