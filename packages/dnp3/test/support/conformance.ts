import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fromHex } from '@gridseal/wire'
import { SHARED_PCAPS } from '../../../../test/support/requirements.ts'
import { decodeFragment } from '#src/codec/application.ts'
import { segmentOf } from '#src/codec/frame-segment.ts'
import { iinNames } from '#src/codec/iin.ts'
import { decodeLinkFrame } from '#src/codec/link-frame.ts'
import { groupOf } from '#src/codec/object-table.ts'
import { decodeObjects } from '#src/codec/objects.ts'
import { createFramer } from '#src/framing/framer.ts'
import { LinkChannel } from '#src/session/link/link-channel.ts'
import { Outbox } from '#src/session/outbox.ts'
import { DeviceClock } from '#src/session/outstation/clock.ts'
import { Database } from '#src/session/outstation/database.ts'
import type { PointOptions } from '#src/session/outstation/database.ts'
import type { OutstationOptions } from '#src/session/outstation/options.ts'
import { OutstationSession } from '#src/session/outstation/outstation-session.ts'
import type { PointKind } from '#src/session/outstation/point-kinds.ts'
import { SimulatedOutputs } from '#src/session/outstation/simulated-outputs.ts'
import { placeOf } from './outstation-bench.ts'

/** Recordings of a certification procedure run against another outstation; see the README beside them. */
export const CONFORMANCE: string = join(SHARED_PCAPS, 'dnp3-conformance')

export interface RecordedEvent {
  readonly at: string
  readonly dir?: 'M>O' | 'O>M'
  readonly frames?: readonly string[]
  readonly dut?: string
  readonly warn?: string
}

export interface Procedure {
  readonly id: string
  readonly title: string
  readonly result_of_opendnp3: string
  readonly steps: readonly {
    readonly step: string
    readonly do?: readonly string[]
    readonly events: readonly RecordedEvent[]
  }[]
}

export function procedures(): Procedure[] {
  return readdirSync(CONFORMANCE)
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(join(CONFORMANCE, file), 'utf8')) as Procedure)
    .sort((a, b) => a.id.localeCompare(b.id, undefined, { numeric: true }))
}

/** Midnight of the recordings, UTC milliseconds: 10 April 2020, EDT. */
const MIDNIGHT = Date.UTC(2020, 3, 10, 4)

export function timeOf({ at }: RecordedEvent): number {
  const [hours = 0, minutes = 0, seconds = 0] = at.split(':').map(Number)
  return Math.round(((hours * 60 + minutes) * 60 + seconds) * 1000)
}

const INDEXES = [0, 41, 1024, 65_535]
const OUTPUTS = Array.from({ length: 20 }, (_, index) => index)

/** What a procedure asks to be configured before the device is started. */
interface Setup {
  unsolicited: boolean
  retries: number
  remote: number
  outputs: boolean
  counters: boolean
  local: boolean
  /** Procedure 8.11.2.1 wants a READ answered while the first unsolicited response is not confirmed. */
  answersDuringNull: boolean
}

/** The device of the recordings: what the README says of it. */
function points(setup: Setup): PointOptions[] {
  const of = (kind: PointKind, indexes: readonly number[], options: Partial<PointOptions>): PointOptions[] =>
    indexes.map((index) => ({ kind, index, ...options }))
  return [
    ...of('binary-input', INDEXES, { class: 1, value: 0, eventVariation: 1 }),
    // What the recorded device starts with: off, on, off, on.
    ...INDEXES.flatMap((index, i) =>
      of('double-bit-input', [index], { class: 1, value: 1 + (i & 1), eventVariation: 1, class0: false }),
    ),
    ...(setup.counters ? of('counter', INDEXES, { class: 2, value: 1, staticVariation: 2, eventVariation: 1 }) : []),
    ...of('frozen-counter', INDEXES, {
      class: 1,
      value: setup.counters ? 1 : 0,
      staticVariation: 2,
      eventVariation: 1,
    }),
    ...of('analog-input', INDEXES, { class: 3, value: 0, staticVariation: 2, eventVariation: 1 }),
    ...(setup.outputs ? of('binary-output', OUTPUTS, { class: 0, value: 0 }) : []),
    ...(setup.outputs ? of('analog-output', OUTPUTS, { class: 0, value: 0, staticVariation: 2 }) : []),
  ]
}

/** Link frames of one write: each that carries no user data on its own, the others up to the end of their fragment. */
function unitsOf(octets: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = []
  let open: Uint8Array[] = []
  for (const frame of createFramer({ medium: 'datagram', direction: 'to-master' }).push(octets)) {
    open.push(frame)
    if (segmentOf(decodeLinkFrame(frame))?.final === false) continue
    units.push(Buffer.concat(open))
    open = []
  }
  return units
}

/**
 * What a unit says, as lines that can be compared: link header, application header, then the objects, events in order, the others
 * by group and index. Qualifiers, the order of static headers and the transport sequence are the device's own choice.
 */
export function meaningOf(octets: Uint8Array | undefined): string[] {
  if (octets === undefined) return ['silence']
  const frames = createFramer({ medium: 'datagram', direction: 'to-master' }).push(octets).map(decodeLinkFrame)
  const segments = frames.flatMap((frame) => segmentOf(frame) ?? [])
  const [first] = frames
  const head = `${first?.source} > ${first?.destination} ${first?.primary ? 'primary' : 'secondary'} ${first?.function}`
  if (segments.length === 0) return [head]
  const {
    control,
    function: code,
    iin,
    headers,
    stop,
  } = decodeFragment(Buffer.concat(segments.map(({ data }) => data)))
  const { first: fir, final: fin, confirm: con, unsolicited: uns, sequence } = control
  const application = `function ${code} ${fir ? 'FIR ' : ''}${fin ? 'FIN ' : ''}${con ? 'CON ' : ''}${uns ? 'UNS ' : ''}#${sequence}`
  const lines = (wanted: boolean): string[] =>
    headers
      .filter(({ group }) => (groupOf(group)?.kind === 'static') === wanted)
      .flatMap((header) =>
        decodeObjects(header).map(({ index, ...fields }) => {
          const named = Object.entries(fields).map(([name, value]) => `${name} ${String(value)}`)
          return `g${header.group}v${header.variation} [${String(index).padStart(5)}] ${named.join(', ')}`
        }),
      )
  return [head, application, ...iinNames(iin ?? 0), stop?.code ?? '', ...lines(false), ...lines(true).sort()].filter(
    (line) => line !== '',
  )
}

/** One device and its channel, driven by the times of a recording. */
export class Device {
  readonly #channel: LinkChannel
  readonly #session: OutstationSession
  readonly #database: Database
  readonly operated: string[] = []
  readonly sent: { readonly at: number; readonly octets: Uint8Array }[] = []

  constructor(setup: Setup, now: number) {
    const outbox = new Outbox()
    const clock = new DeviceClock(MIDNIGHT + now, now)
    this.#database = new Database(points(setup), clock)
    const outputs = new SimulatedOutputs(this.#database)
    const options: OutstationOptions = {
      local: 1024,
      remote: setup.remote,
      selectTimeout: 2500,
      confirmTimeout: 5000,
      timeInterval: 5000,
      keepAlive: 0,
      events: Object.fromEntries(
        ['binary-input', 'double-bit-input', 'counter', 'frozen-counter', 'analog-input'].map((kind) => [kind, 200]),
      ),
      readDuringNull: setup.answersDuringNull ? 'answer' : 'defer',
      ...(setup.unsolicited && { unsolicited: { retries: setup.retries } }),
    }
    this.#session = new OutstationSession(options, {
      database: this.#database,
      outbox,
      handler: {
        command: (command, phase, at) => {
          if (phase !== 'select') this.operated.push(`${command.kind} ${placeOf(command)}`)
          return outputs.command(command, phase, at)
        },
        restart: () => 5000,
      },
    })
    if (setup.local) {
      this.#session.localControl = true
      this.#database.update('binary-output', 0, { flags: 0x11 }, now, 'suppress')
    }
    this.#channel = new LinkChannel('stream', 'outstation', outbox)
    this.#channel.add(this.#session, now)
    this.#channel.opened(now)
    this.#take(now)
  }

  receive(octets: Uint8Array, now: number): void {
    this.#channel.push(octets, now)
    this.#take(now)
  }

  /** Lets time pass, one deadline after the other. */
  advanceTo(now: number): void {
    for (let wake = this.#channel.wake; wake <= now; wake = this.#channel.wake) {
      this.#channel.advance(wake)
      this.#take(wake)
    }
  }

  /** `Updated BI 41: value=true, flags=81, timestamp=DNPTime(…)` */
  update(text: string, now: number): void {
    const [, name, index, value, flags, time] =
      /^Updated (\w+) (\d+): value=([\w.-]+), flags=([0-9A-Fa-f]+), timestamp=DNPTime\((\d+)\)/.exec(text) ?? []
    if (name === undefined) return
    const kinds: Readonly<Record<string, PointKind>> = {
      BI: 'binary-input',
      DBBI: 'double-bit-input',
      Counter: 'counter',
      AI: 'analog-input',
    }
    const states: Readonly<Record<string, number>> = { true: 1, false: 0, DETERMINED_OFF: 1, DETERMINED_ON: 2 }
    const kind = kinds[name]
    if (kind === undefined) return
    const mask = kind === 'binary-input' ? 0x7f : kind === 'double-bit-input' ? 0x3f : 0xff
    const change = {
      value: states[value!] ?? Number(value),
      flags: Number.parseInt(flags!, 16) & mask,
      time: Number(time),
    }
    this.#database.update(kind, Number(index), change, now)
    this.#take(now)
  }

  #take(now: number): void {
    const octets = this.#channel.outbox.take()
    if (octets === undefined) return
    for (const unit of unitsOf(octets)) this.sent.push({ at: now, octets: unit })
  }
}

/** What happened at one event of a recording. */
export interface Replayed {
  readonly procedure: string
  readonly step: string
  readonly at: string
  /** What the recorded outstation sent; undefined: it was silent where ours spoke. */
  readonly recorded: Uint8Array | undefined
  /** What ours sent; undefined: it was silent. */
  readonly ours: Uint8Array | undefined
}

/** Our timers fire on the millisecond, the recorded ones when the system got round to it. */
const LATE_MS = 60

/** Runs a procedure's requests and inputs through a device of ours; pairs what it sends with what was recorded. */
export function replay(procedure: Procedure): { pairs: Replayed[]; operated: string[] } {
  const setup: Setup = {
    unsolicited: procedure.id.startsWith('8.11'),
    retries: Infinity,
    remote: 1,
    outputs: true,
    counters: true,
    local: false,
    answersDuringNull: procedure.id === '8.11.2.1',
  }
  const pairs: Replayed[] = []
  const operated: string[] = []
  let device: Device | undefined
  let fresh = true
  for (const { step, do: doings = [], events } of procedure.steps) {
    for (const doing of doings) {
      configure(setup, doing)
      if (/Cycle power|Configure the DUT such that|Change the control switch/.test(doing)) fresh = true
      if (/Configure the (DUT to transmit|unsolicited|maximum)/.test(doing)) fresh = true
    }
    for (const event of events) {
      const now = timeOf(event)
      const tell = (recorded: Uint8Array | undefined, ours: Uint8Array | undefined): void => {
        pairs.push({ procedure: procedure.id, step, at: event.at, recorded, ours })
      }
      if (device === undefined || fresh) {
        operated.push(...(device?.operated ?? []))
        device = new Device(setup, now)
        fresh = false
      }
      if (event.dir === 'O>M') {
        device.advanceTo(device.sent.length > 0 ? now : now + LATE_MS)
        for (const unit of unitsOf(fromHex(event.frames!.join('')))) tell(unit, device.sent.shift()?.octets)
        continue
      }
      device.advanceTo(now - LATE_MS)
      // A procedure may start over without reading what the device still had to say.
      if (event.dir === 'M>O' || event.warn !== undefined) {
        for (let stray = device.sent.shift(); stray !== undefined; stray = device.sent.shift())
          tell(undefined, stray.octets)
      }
      device.advanceTo(now)
      if (event.dir === 'M>O') device.receive(fromHex(event.frames!.join('')), now)
      else if (event.dut !== undefined) device.update(event.dut, now)
    }
  }
  operated.push(...(device?.operated ?? []))
  for (const { octets } of device?.sent ?? []) {
    pairs.push({ procedure: procedure.id, step: 'end', at: '', recorded: undefined, ours: octets })
  }
  return { pairs, operated }
}

function configure(setup: Setup, doing: string): void {
  if (doing.includes("unsolicited response mode to 'true'")) setup.unsolicited = true
  const retries = /number of unsolicited retries to (\w+)/.exec(doing)?.[1]
  if (retries !== undefined) setup.retries = retries === 'indefinite' ? Infinity : Number(retries)
  const master = /unsolicited responses to master address (\d+)/.exec(doing)?.[1]
  if (master !== undefined) setup.remote = Number(master)
  if (/all (Binary|Analog) Output points are uninstalled/.test(doing)) setup.outputs = false
  if (doing.includes('all Binary Counter points are uninstalled')) setup.counters = false
  if (doing.includes("index 0 to the 'Disabled' or 'Local' mode")) setup.local = true
}
