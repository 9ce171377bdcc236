import { decodeFragment } from '../../codec/application.ts'
import type { ApplicationControl, Fragment } from '../../codec/application.ts'
import type { LinkFrame } from '../../codec/link-frame.ts'
import type { ChannelStation } from '../link/link-channel.ts'
import type { FragmentOrigin, FragmentUser } from '../link/link-station.ts'
import { LinkStation } from '../link/link-station.ts'
import { NEVER } from '../outbox.ts'
import { AttributeStore } from './attribute-store.ts'
import { BroadcastMemory } from './broadcast-memory.ts'
import type { OutstationCommand, Selection } from './command.ts'
import { COMMAND } from './command-status.ts'
import type { Answer, FreezeSchedule, OutstationState, RequestContext } from './context.ts'
import * as IIN from './context.ts'
import type { OutstationCounters } from './counters.ts'
import { newOutstationCounters } from './counters.ts'
import type { Database } from './database.ts'
import { DataSetStore } from './data-set-store.ts'
import { EventBuffer } from './event-buffer.ts'
import { FileDesk } from './file-desk.ts'
import { FragmentWriter } from './fragment-writer.ts'
import { runFreezes } from './freeze.ts'
import type { CommandPhase, OutstationHandler } from './handler.ts'
import { indicationsOf } from './indications.ts'
import type { OutstationOptions, OutstationSettings } from './options.ts'
import { settleOutstation } from './options.ts'
import type { OutstationParts } from './parts.ts'
import type { EventClass } from './point.ts'
import { sameOctets } from './point.ts'
import type { ReadResponse } from './read.ts'
import { startRead } from './read.ts'
import { requestControl, requestError } from './request-check.ts'
import { BROADCASTABLE, NO_RESPONSE, carryOut } from './requests.ts'
import { ScheduleStore } from './schedule-store.ts'
import type { SecurityGate } from './security-gate.ts'
import { UnsolicitedReporter } from './unsolicited.ts'
import type { UnsolicitedHost } from './unsolicited.ts'

const CONFIRM = 0
const READ = 1
const RESPONSE = 129
const AUTHENTICATE_RESP = 131
const FIR = 0x80
const FIN = 0x40
const CON = 0x20

/** A solicited response whose last fragment waits for its confirmation. */
interface Waiting {
  readonly sequence: number
  readonly due: number
  readonly response: ReadResponse
}

interface Deferred {
  readonly fragment: Uint8Array
  readonly origin: FragmentOrigin
}

/**
 * An outstation's side of its association with one master (IEEE 1815 clauses 4 and 5): a pure state machine. Frames and
 * times go in; what is to be sent goes to the outbox, what is to be done to the handler.
 *
 * Idle, or waiting for the confirmation of a response, or of an unsolicited one ({@link UnsolicitedReporter}), never both.
 */
export class OutstationSession implements ChannelStation, FragmentUser, OutstationState, UnsolicitedHost {
  readonly settings: OutstationSettings
  readonly database: Database
  readonly handler: OutstationHandler
  readonly events: EventBuffer
  readonly attributes: AttributeStore
  readonly dataSets: DataSetStore
  readonly schedules: ScheduleStore
  readonly files: FileDesk | undefined
  readonly link: LinkStation
  readonly counters: OutstationCounters = newOutstationCounters()
  readonly security: SecurityGate | undefined
  /** What SELECT has armed. */
  selection: Selection | undefined
  /** When RECORD_CURRENT_TIME came. */
  recorded: { readonly sequence: number; readonly at: number } | undefined
  freezes: FreezeSchedule[] = []
  /** LOCAL_CONTROL, DEVICE_TROUBLE, CONFIG_CORRUPT, for the owner to set. */
  localControl = false
  deviceTrouble = false
  configCorrupt = false
  readonly #unsolicited: UnsolicitedReporter | undefined
  readonly #changed: (now: number) => void
  #restart = true
  #waiting: Waiting | undefined
  #deferred: Deferred | undefined
  /** The last request that was answered, and its answer, for the master that asks again. */
  #last: { readonly request: Uint8Array; readonly answer: Uint8Array | undefined } | undefined
  readonly #broadcast = new BroadcastMemory()
  #restarting: { readonly at: number; readonly kind: 'cold' | 'warm' } | undefined
  #remote: number
  #open = false

  /** Throws `UsageError` for options that cannot be. */
  constructor(options: OutstationOptions, parts: OutstationParts) {
    this.settings = settleOutstation(options)
    this.database = parts.database
    this.handler = parts.handler ?? {}
    this.events = new EventBuffer(this.settings.events)
    this.attributes = parts.attributes ?? new AttributeStore([])
    this.dataSets = parts.dataSets ?? new DataSetStore()
    this.schedules = parts.schedules ?? new ScheduleStore()
    this.files = parts.files && new FileDesk(parts.files)
    this.link = new LinkStation('outstation', this.settings.link, this, parts.outbox)
    this.#remote = this.settings.link.remote
    const { unsolicited } = this.settings
    this.#unsolicited = unsolicited && new UnsolicitedReporter(this, unsolicited)
    this.#changed = (now) => this.#eventHappened(now)
    this.dataSets.register(this.database)
    this.database.attach(this.events, this.#changed)
    this.security = parts.security?.(this)
  }

  get wake(): number {
    return Math.min(
      this.link.wake,
      this.#waiting?.due ?? NEVER,
      this.#reports ? (this.#unsolicited?.wake ?? NEVER) : NEVER,
      this.#restarting?.at ?? NEVER,
      this.security?.wake ?? NEVER,
      this.#freezeAt(),
    )
  }

  /** Unsolicited responses may be sent: connected, up, and nothing waits to be confirmed. */
  get #reports(): boolean {
    return this.#open && this.#waiting === undefined && this.#restarting === undefined
  }

  /** The address of the master that this session talks to. */
  get remote(): number {
    return this.#remote
  }

  /** Removes the session from its database. */
  dispose(): void {
    this.database.detach(this.events, this.#changed)
  }

  accepts(frame: LinkFrame): boolean {
    return this.link.accepts(frame)
  }

  receive(frame: LinkFrame, now: number): void {
    if (this.#restarting === undefined) this.link.receive(frame, now)
  }

  heard(now: number): void {
    this.#unsolicited?.heard(now)
  }

  opened(now: number): void {
    this.#open = true
    this.link.opened(now)
    this.#idle(now)
  }

  closed(_now: number): void {
    this.#open = false
    this.link.closed()
    this.#abandon()
    this.#deferred = undefined
    this.#last = undefined
    this.selection = undefined
    this.files?.closeAll()
    this.#unsolicited?.closed()
    this.security?.closed()
  }

  advance(now: number): void {
    this.link.advance(now)
    if (this.#restarting !== undefined && now >= this.#restarting.at) this.#restarted(now)
    if (this.#waiting !== undefined && now >= this.#waiting.due) {
      this.counters.confirmTimeouts++
      this.#abandon()
      this.#idle(now)
    }
    this.security?.advance(now)
    this.files?.expire(now)
    if (now >= this.#freezeAt()) this.freezes = runFreezes(this.freezes, this.database, now)
    if (this.#reports) this.#unsolicited?.advance(now)
  }

  linkLost(now: number): void {
    this.closed(now)
    this.onLinkLost?.()
  }

  /** Called when nobody answers keep-alives; the connection should be closed. */
  onLinkLost: (() => void) | undefined

  fragmentReceived(fragment: Uint8Array, origin: FragmentOrigin, now: number): void {
    const control = fragment.length < 2 ? undefined : requestControl(fragment)
    if (control === undefined) {
      this.counters.ignored++
      return
    }
    if (fragment[1] === CONFIRM) {
      if (origin.broadcast === undefined) this.#confirmed(control, now)
      return
    }
    if (this.security?.request(fragment, control, origin, now) === true) return
    this.request(fragment, origin, now)
  }

  /** Takes a request as authentic: what {@link SecurityGate} lets through comes here. */
  request(fragment: Uint8Array, origin: FragmentOrigin, now: number): void {
    this.counters.requests++
    const code = fragment[1]!
    if (origin.broadcast !== undefined) {
      this.#broadcasted(fragment, origin.broadcast, now)
      return
    }
    this.#remote = origin.source
    if (NO_RESPONSE.has(code)) {
      this.#carryOut(fragment, now, false)
      return
    }
    if (this.#last !== undefined && sameOctets(this.#last.request, fragment) && this.#mayRepeat) {
      this.#repeat(now)
      return
    }
    if (this.#unsolicited?.waiting === true) {
      // READ waits until the unsolicited response is confirmed or given up; everything else is answered at once.
      if (code === READ && !(this.#unsolicited.waitingForNull && this.settings.readDuringNull === 'answer')) {
        this.#deferred = { fragment: fragment.slice(), origin }
        return
      }
      this.#deferred = undefined
      if (code === READ) this.#unsolicited.abandon()
    } else this.#abandon()
    if (code === READ) this.#read(fragment, now)
    else this.#answer(fragment, this.#carryOut(fragment, now, false), now)
  }

  /**
   * Whether the last answer may be given again. That to a READ only while its first fragment waits to be confirmed: later the
   * values in it are old, and what goes on with a series is no answer to who begins it anew.
   */
  get #mayRepeat(): boolean {
    if (this.#last?.request[1] !== READ) return true
    return this.#waiting !== undefined && ((this.#last.answer?.[0] ?? 0) & FIR) !== 0
  }

  #repeat(now: number): void {
    this.counters.repeated++
    const { answer } = this.#last!
    if (answer === undefined) return
    if (this.#waiting !== undefined) this.#waiting = { ...this.#waiting, due: now + this.settings.confirmTimeout }
    this.link.send(answer, this.#remote, now)
  }

  #context(fragment: Uint8Array, parsed: Fragment, now: number, broadcast: boolean): RequestContext {
    const { control, function: code, headers } = parsed
    return { session: this, control, function: code, headers, fragment, now, broadcast }
  }

  #carryOut(fragment: Uint8Array, now: number, broadcast: boolean): Answer {
    const parsed = decodeFragment(fragment)
    const error = requestError(parsed, this.settings.maxHeaders)
    return error === 0 ? carryOut(this.#context(fragment, parsed, now, broadcast)) : { iin: error }
  }

  #read(fragment: Uint8Array, now: number): void {
    const parsed = decodeFragment(fragment)
    const error = requestError(parsed, this.settings.maxHeaders)
    if (error !== 0 || parsed.headers.length === 0) {
      this.#answer(fragment, { iin: error === 0 ? IIN.PARAMETER_ERROR : error }, now)
      return
    }
    const { iin, response } = startRead(this.#context(fragment, parsed, now, false))
    const request = fragment.slice()
    this.#nextFragment(response, parsed.control.sequence, iin, true, now, request)
  }

  /** Sends the next fragment of a response, and waits for its confirmation where it needs one. */
  #nextFragment(
    response: ReadResponse,
    sequence: number,
    iin: number,
    first: boolean,
    now: number,
    request: Uint8Array,
  ): void {
    const writer = new FragmentWriter(this.settings.maxTransmit)
    const events = response.write(writer, (event) => this.events.written(event))
    const final = response.done
    const confirm = events > 0 || !final || this.#broadcast.confirm
    const control = (first ? FIR : 0) | (final ? FIN : 0) | (confirm ? CON : 0) | sequence
    if (confirm) this.#waiting = { sequence, due: now + this.settings.confirmTimeout, response }
    else this.#waiting = undefined
    this.#respond(writer.finish(control, RESPONSE, iin | this.indications(now)), request, sequence, now)
    if (!confirm) this.#idle(now)
  }

  #answer(fragment: Uint8Array, { iin, objects }: Answer, now: number, code: number = RESPONSE): void {
    const sequence = fragment[0]! & 0x0f
    this.respond(sequence, code, iin, objects, fragment, now)
    if (iin !== 0) this.counters.refused++
    if (this.#unsolicited?.waiting !== true) this.#idle(now)
  }

  /** Sends a response of one fragment. */
  respond(
    sequence: number,
    code: number,
    iin: number,
    objects: Uint8Array | undefined,
    request: Uint8Array,
    now: number,
  ): void {
    const writer = new FragmentWriter(4 + (objects?.length ?? 0))
    if (objects !== undefined) writer.octets(objects)
    const confirm = this.#broadcast.confirm ? CON : 0
    const octets = writer.finish(FIR | FIN | confirm | sequence, code, iin | this.indications(now))
    this.#respond(octets, request.slice(), sequence, now)
  }

  /** A response of function 131, which is no answer to be repeated; returns its octets. */
  sendAuthentication(sequence: number, iin: number, objects: Uint8Array | undefined, now: number): Uint8Array {
    const writer = new FragmentWriter(4 + (objects?.length ?? 0))
    if (objects !== undefined) writer.octets(objects)
    const octets = writer.finish(FIR | FIN | sequence, AUTHENTICATE_RESP, iin | this.indications(now))
    this.link.send(octets, this.#remote, now)
    return octets
  }

  #respond(octets: Uint8Array, request: Uint8Array, sequence: number, now: number): void {
    this.counters.responses++
    this.#last = { request, answer: octets }
    this.#broadcast.told(sequence)
    this.link.send(octets, this.#remote, now)
  }

  #broadcasted(fragment: Uint8Array, address: number, now: number): void {
    this.counters.broadcasts++
    this.#abandon()
    this.#last = undefined
    this.#broadcast.received(address)
    if (BROADCASTABLE.has(fragment[1]!)) this.#carryOut(fragment, now, true)
    if (this.#unsolicited?.waiting !== true) this.#idle(now)
  }

  #confirmed(control: ApplicationControl, now: number): void {
    if (control.unsolicited) {
      if (this.#unsolicited?.confirmed(control.sequence, now) === true) {
        this.counters.confirms++
        this.#confirmEvents()
        this.#last = undefined
        this.#idle(now)
      } else this.counters.strayConfirms++
      return
    }
    this.#broadcast.confirmed(control.sequence)
    const waiting = this.#waiting
    if (waiting === undefined || waiting.sequence !== control.sequence) {
      this.counters.strayConfirms++
      return
    }
    this.counters.confirms++
    this.#waiting = undefined
    this.#confirmEvents()
    const request = this.#last?.request ?? NOTHING
    this.#last = undefined
    if (waiting.response.done) this.#idle(now)
    else this.#nextFragment(waiting.response, (waiting.sequence + 1) & 0x0f, 0, false, now, request)
  }

  #confirmEvents(): void {
    const count = this.events.confirmed()
    if (count > 0) this.handler.confirmed?.(count)
  }

  /** A response is no longer waited for: what it carried will be reported again. */
  #abandon(): void {
    this.#waiting = undefined
    if (this.#unsolicited?.waiting !== true) this.events.unselect()
  }

  /** Nothing is under way: a deferred READ comes first, then unsolicited responses. */
  #idle(now: number): void {
    if (!this.#open || this.#waiting !== undefined || this.#unsolicited?.waiting === true) return
    const deferred = this.#deferred
    this.#deferred = undefined
    if (deferred !== undefined) {
      this.events.unselect()
      this.#remote = deferred.origin.source
      this.#read(deferred.fragment, now)
    } else this.#unsolicited?.advance(now)
  }

  /** The unsolicited response was given up: its events wait again. */
  unsolicitedFailed(now: number): void {
    this.events.unselect()
    this.#idle(now)
  }

  sendUnsolicited(octets: Uint8Array, now: number): void {
    this.link.send(octets, this.#remote, now)
  }

  get hasDeferredRead(): boolean {
    return this.#deferred !== undefined
  }

  #eventHappened(now: number): void {
    this.#unsolicited?.eventHappened(now, this.#reports)
  }

  enableUnsolicited(classes: readonly EventClass[], enabled: boolean): void {
    this.#unsolicited?.enable(classes, enabled)
  }

  /** Classes whose events are sent unasked. */
  get unsolicitedClasses(): readonly EventClass[] {
    return this.#unsolicited?.classes ?? []
  }

  clearRestart(): void {
    this.#restart = false
  }

  setTime(utc: number, now: number): void {
    this.database.clock.set(utc, now)
    this.handler.timeWritten?.(utc)
  }

  command(command: OutstationCommand, phase: CommandPhase, now: number): number {
    const status = this.handler.command?.(command, phase, now) ?? COMMAND.NOT_SUPPORTED
    if (phase !== 'select' && status === COMMAND.SUCCESS) this.counters.commands++
    return status
  }

  /** The restart that a master asked for is over after `delay` milliseconds; until then nothing is heard. */
  restartAfter(delay: number, kind: 'cold' | 'warm', now: number): void {
    this.beginRestart(delay, kind, now)
    this.onRestart?.(delay, kind, now)
  }

  beginRestart(delay: number, kind: 'cold' | 'warm', now: number): void {
    this.#restarting = { at: now + delay, kind }
  }

  /** Called when a master restarts the device: its other sessions go with it. */
  onRestart: ((delay: number, kind: 'cold' | 'warm', now: number) => void) | undefined

  #restarted(now: number): void {
    this.reset(this.#restarting?.kind ?? 'cold', now)
  }

  /** The device has restarted: DEVICE_RESTART, no unsolicited classes; after a cold restart no events either. */
  reset(kind: 'cold' | 'warm', now: number): void {
    this.#restarting = undefined
    this.#restart = true
    this.#waiting = undefined
    this.#deferred = undefined
    this.#last = undefined
    this.#broadcast.clear()
    this.selection = undefined
    this.recorded = undefined
    this.freezes = []
    this.files?.closeAll()
    this.#unsolicited?.restarted()
    if (kind === 'cold') this.events.clear()
    else this.events.unselect()
    this.#idle(now)
  }

  /** The internal indications as they are now, without the error bits of a request: IIN1 * 256 + IIN2. */
  indications(now: number): number {
    return indicationsOf(this, { broadcast: this.#broadcast.pending, restart: this.#restart }, now)
  }

  #freezeAt(): number {
    if (this.freezes.length === 0) return NEVER
    // The schedule goes by the clock that masters set, waking by ours.
    return this.database.clock.momentOf(Math.min(...this.freezes.map(({ at }) => at)))
  }
}

const NOTHING = new Uint8Array(0)
