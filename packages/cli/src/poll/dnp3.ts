import { parseDuration } from '@gridseal/bridge'
import type {
  AssociationOptions,
  AttributeValue,
  Measurement,
  OutstationCommand,
  RemoteOutstation,
  TimeSync,
} from '@gridseal/dnp3'
import { ATTRIBUTES, Master, classOctets, commandStatusName, forEachMeasurement, pointNames } from '@gridseal/dnp3'
import { GridsealError, UsageError, describeError } from '@gridseal/wire'
import { EXIT, complain, print, toJson, untilStopped } from '../output.ts'
import { readModel, readTls } from '../simulate/dnp3.ts'
import type { TlsFiles } from '../simulate/dnp3.ts'
import { UpdateKey } from './update-key.ts'

export interface PollDnp3Options extends TlsFiles {
  readonly connect: string
  readonly local: number
  readonly remote: number
  readonly model?: string
  readonly updateKey?: string
  readonly listen: boolean
  readonly period?: string
  readonly events?: string
  readonly time: TimeSync
  readonly command: readonly string[]
  readonly direct: boolean
  readonly attributes: boolean
  readonly timeout: string
  readonly once: boolean
  readonly json: boolean
  readonly for?: string
}

const ALL_ATTRIBUTES = 254
const NO_NAMES: ReadonlyMap<string, string> = new Map()

/** A DNP3 master that prints what it is told. Exit code 1 when the integrity poll of `--once` or a command did not succeed. */
export async function pollDnp3(options: PollDnp3Options): Promise<number> {
  const { once, json } = options
  const names = options.model === undefined ? NO_NAMES : pointNames(await readModel(options.model))
  const commands = options.command.map(parseCommand)
  const timeout = parseDuration(options.timeout)
  const limit = options.for === undefined ? (once ? PATIENCE * timeout : undefined) : parseDuration(options.for)
  const tls = { tls: await readTls(options) }
  const direction = options.listen ? 'listen' : 'connect'
  const key = options.updateKey === undefined ? undefined : await UpdateKey.open(options.updateKey)
  // From here to `add` nothing is waited for: an outstation may speak as soon as it is reached.
  const master = await Master.open(options.connect, { direction, connect: tls, listen: tls })
  const failures = master.failures.subscribe((error) => complain(`gridseal: ${describeError(error)}`))
  const end = new AbortController()
  const stopped = untilStopped(limit, end.signal)
  try {
    const { promise: integrity, resolve } = Promise.withResolvers<boolean>()
    const outstation = master.add(
      associationOf(options, timeout),
      {
        fragment: (fragment) =>
          forEachMeasurement(fragment, (measurement) => print(readingText(measurement, names, json))),
        taskEnded: (name, outcome) => {
          if (!outcome.ok) complain(`gridseal: ${name}: ${describeError(outcome.error)}`)
          if (name === 'integrity') resolve(outcome.ok)
        },
      },
      key && ((association) => key.authenticator(association)),
    )
    key?.follow(outstation)
    const begun = await Promise.race([integrity, stopped.then(() => false)])
    if (!begun) complain('gridseal: the integrity poll was not answered')
    if (begun && options.attributes) await showAttributes(outstation, json)
    let failed = !begun
    for (const command of begun ? commands : []) {
      if (!(await carryOut(outstation, command, options))) failed = true
    }
    if (!once) await stopped
    return failed ? EXIT.failed : EXIT.ok
  } finally {
    end.abort()
    failures.unsubscribe()
    key?.close()
    await master.close()
  }
}

/** `--once` waits so many time-outs for a connection and an answer. */
const PATIENCE = 4

function associationOf(options: PollDnp3Options, responseTimeout: number): AssociationOptions {
  const { local, remote, time, once, period, events } = options
  const eventPoll = {
    name: 'events',
    every: events === undefined ? 0 : parseDuration(events),
    objects: classOctets([1, 2, 3]),
  }
  return {
    local,
    remote,
    timeSync: time,
    responseTimeout,
    startTimeout: 2 * responseTimeout,
    disableUnsolicited: !once,
    unsolicited: once ? [] : [1, 2, 3],
    ...(period !== undefined && { integrityEvery: parseDuration(period) }),
    ...(events !== undefined && { polls: [eventPoll] }),
  }
}

function readingText(measurement: Measurement, names: ReadonlyMap<string, string>, json: boolean): string {
  const { point, index, group, variation, value, quality, flags, time, event } = measurement
  const place = `g${point}/${index}`
  const name = names.get(place)
  const shown = value instanceof Uint8Array ? new TextDecoder().decode(value) : value
  const object = `g${group}v${variation}`
  const named = name === undefined ? {} : { name }
  if (json) {
    return toJson({
      kind: 'reading',
      point: place,
      ...named,
      value: shown,
      quality,
      event,
      object,
      flags: flags ?? null,
      time: time ?? null,
    })
  }
  const when = time === undefined ? '' : `  ${new Date(time).toISOString()}`
  return `${place.padEnd(10)} ${(name ?? '').padEnd(16)} ${String(shown).padStart(14)}  ${quality}${event ? '  event' : ''}${when}`
}

/** A command to one output. */
type PointCommand = Exclude<OutstationCommand, { kind: 'data-set' }>

const BINARY_CODES: Readonly<Record<string, number>> = { on: 0x03, off: 0x04, close: 0x41, trip: 0x81, pulse: 0x01 }
const PULSE_MS = 100

function parseCommand(text: string): PointCommand {
  const [, output, digits, value] = /^(bo|ao)\/(\d+)=(\S+)$/.exec(text) ?? []
  const wrong = (why: string): UsageError => new UsageError('poll.command', `--command ${text}: ${why}`)
  if (output === undefined || value === undefined) throw wrong('write it like bo/3=on or ao/1=12.5')
  const index = Number(digits)
  if (output === 'bo') {
    const code = BINARY_CODES[value]
    if (code === undefined) throw wrong(`a binary output takes ${Object.keys(BINARY_CODES).join(', ')}`)
    return { kind: 'binary', index, code, count: 1, onTime: PULSE_MS, offTime: PULSE_MS }
  }
  const number = Number(value)
  if (!Number.isFinite(number)) throw wrong('an analog output takes a number')
  // g41v1 and v3: a whole number as 32 bits, anything else as a float.
  const whole = Number.isInteger(number) && Math.abs(number) < 2 ** 31
  return { kind: 'analog', index, variation: whole ? 1 : 3, value: number }
}

async function carryOut(
  outstation: RemoteOutstation,
  command: PointCommand,
  options: PollDnp3Options,
): Promise<boolean> {
  const { direct, json } = options
  try {
    const { statuses, success } = await outstation.operate([command], direct ? 'direct' : 'select')
    const names = statuses.map(commandStatusName)
    const place = `${command.kind === 'binary' ? 'bo' : 'ao'}/${command.index}`
    print(
      json
        ? toJson({ kind: 'command', point: place, success, status: names[0] ?? null })
        : `${place}: ${names.join(', ')}`,
    )
    return success
  } catch (error) {
    if (!(error instanceof GridsealError)) throw error
    return false
  }
}

async function showAttributes(outstation: RemoteOutstation, json: boolean): Promise<void> {
  const attributes = await outstation.attributes(ALL_ATTRIBUTES).catch(() => new Map<number, AttributeValue>())
  for (const [variation, { value }] of attributes) {
    const name = ATTRIBUTES.find((spec) => spec.variation === variation)?.name ?? `attribute ${variation}`
    print(json ? toJson({ kind: 'attribute', variation, name, value }) : `${name}: ${String(value)}`)
  }
}
