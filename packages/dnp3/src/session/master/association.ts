import { DecodeError, ProtocolError } from '@gridseal/wire'
import { decodeFragment } from '../../codec/application.ts'
import type { Fragment } from '../../codec/application.ts'
import { BROADCAST } from '../../codec/link-check.ts'
import type { LinkFrame } from '../../codec/link-frame.ts'
import type { ChannelStation } from '../link/link-channel.ts'
import type { FragmentOrigin, FragmentUser } from '../link/link-station.ts'
import { LinkStation } from '../link/link-station.ts'
import type { Outbox } from '../outbox.ts'
import { NEVER } from '../outbox.ts'
import { DEVICE_RESTART, EVENT_BUFFER_OVERFLOW, NEED_TIME } from '../outstation/context.ts'
import { sameOctets } from '../outstation/point.ts'
import { AUTOMATIC } from './automatic.ts'
import type { AutomaticName } from './automatic.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeHost } from './exchange.ts'
import type { MasterCounters } from './master-counters.ts'
import { newMasterCounters } from './master-counters.ts'
import type { AssociationOptions, AssociationSettings, PollOptions } from './master-options.ts'
import { settleAssociation } from './master-options.ts'
import type { MasterSecurity } from './master-security.ts'
import { classOctets, plainRequest } from './procedures.ts'
import { PRIORITY } from './task.ts'
import type { MasterProcedure, Outcome, Task, TaskTimeouts } from './task.ts'

const READ = 1
const RESPONSE = 129
const UNSOLICITED_RESPONSE = 130
const AUTHENTICATE_RESP = 131
const FIR_FIN = 0xc0
const UNS = 0x10
const CLASS_BITS: readonly number[] = [0, 0x0200, 0x0400, 0x0800]

/** What a master tells of an outstation. */
export interface AssociationHandler {
  /** A fragment of an answer, or an unsolicited one; views of it are good until the call returns. */
  fragment?(fragment: Fragment, origin: { readonly unsolicited: boolean; readonly task: string | undefined }): void
  /** The internal indications of every response, IIN1 * 256 + IIN2. */
  indications?(iin: number): void
  /** A task has ended, of whatever kind. */
  taskEnded?(name: string, outcome: Outcome<unknown>): void
  /** Nobody answers keep-alives; the connection should be closed. */
  linkLost?(): void
}

export interface AssociationParts {
  readonly outbox: Outbox
  readonly handler?: AssociationHandler
  /** UTC milliseconds of a moment. */
  readonly utc: (now: number) => number
  readonly security?: (association: Association) => MasterSecurity
}

interface Automatic {
  pending: boolean
  due: number
  failures: number
}

/**
 * A master's association with one outstation (IEEE 1815 clauses 4 and 5): what is to be done there, and the answers. A pure
 * state machine; {@link MasterChannel} says when it may begin a task.
 */
export class Association implements ChannelStation, FragmentUser, ExchangeHost {
  readonly settings: AssociationSettings
  readonly link: LinkStation
  readonly counters: MasterCounters = newMasterCounters()
  readonly security: MasterSecurity | undefined
  readonly #handler: AssociationHandler
  readonly #utc: (now: number) => number
  readonly #automatic = new Map<AutomaticName, Automatic>()
  readonly #queue: Task[] = []
  #exchange: Exchange | undefined
  #sequence = 0
  #open = false
  #lastUnsolicited: Uint8Array | undefined
  /** Called when a task has ended: the channel is free. */
  onIdle: ((now: number) => void) | undefined

  /** Throws `UsageError` for options that cannot be. */
  constructor(options: AssociationOptions, parts: AssociationParts) {
    this.settings = settleAssociation(options)
    this.#handler = parts.handler ?? {}
    this.#utc = parts.utc
    this.link = new LinkStation('master', this.settings.link, this, parts.outbox)
    for (const { name } of AUTOMATIC) this.#automatic.set(name, { pending: false, due: 0, failures: 0 })
    this.security = parts.security?.(this)
  }

  get responseTimeout(): number {
    return this.settings.responseTimeout
  }

  get busy(): boolean {
    return this.#exchange !== undefined
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** When {@link advance} has something to do: timers of the link and of the answer waited for. */
  get wake(): number {
    return Math.min(this.link.wake, this.#exchange?.due ?? NEVER, this.security?.wake ?? NEVER, this.#expiry())
  }

  accepts(frame: LinkFrame): boolean {
    return this.link.accepts(frame)
  }

  receive(frame: LinkFrame, now: number): void {
    this.link.receive(frame, now)
  }

  opened(now: number): void {
    this.#open = true
    this.link.opened(now)
    this.#lastUnsolicited = undefined
    for (const name of ['disableUnsolicited', 'integrity', 'enableUnsolicited'] as const) this.#want(name, now)
    for (const poll of this.settings.polls) this.#schedulePoll(poll, now + poll.every)
    const { integrity, integrityEvery } = this.settings
    if (integrityEvery > 0) {
      const poll = { name: 'integrity poll', objects: classOctets(integrity), every: integrityEvery }
      this.#schedulePoll(poll, now + integrityEvery)
    }
    this.security?.opened(now)
  }

  closed(now: number): void {
    this.#open = false
    this.link.closed()
    this.security?.closed()
    const error = new ProtocolError('dnp3.master.closed', 'the connection is closed')
    this.#exchange?.abort(error)
    this.#settle(now)
    for (const task of this.#queue.splice(0)) task.done({ ok: false, error }, now)
    for (const automatic of this.#automatic.values()) Object.assign(automatic, { pending: false, due: 0, failures: 0 })
  }

  advance(now: number): void {
    this.link.advance(now)
    this.security?.advance(now)
    for (let i = this.#queue.length - 1; i >= 0; i--) {
      const task = this.#queue[i]!
      if (now < task.expires) continue
      this.#queue.splice(i, 1)
      const error = new ProtocolError('dnp3.master.expired', `${task.name}: it had no turn in time`)
      task.done({ ok: false, error }, now)
    }
    if (this.#exchange !== undefined && now >= this.#exchange.due) {
      this.counters.timeouts++
      this.#exchange.timedOut(now)
      this.#settle(now)
    }
  }

  /** Queues a task. It fails if it has not begun in time, or when an answer does not come in time. */
  submit<T>(
    name: string,
    procedure: (now: number) => MasterProcedure<T>,
    done: (outcome: Outcome<T>, now: number) => void,
    now: number,
    priority: number = PRIORITY.user,
    timeouts: TaskTimeouts = {},
  ): void {
    const task: Task = {
      name,
      priority,
      due: now,
      expires: now + (timeouts.start ?? this.settings.startTimeout),
      responseTimeout: timeouts.response,
      procedure,
      done: (outcome, at) => {
        this.#ended(name, outcome)
        done(outcome as Outcome<T>, at)
      },
    }
    if (!this.#open)
      task.done({ ok: false, error: new ProtocolError('dnp3.master.closed', 'there is no connection') }, now)
    else this.#queue.push(task)
  }

  /** The task that should run next, of those that are due; undefined if none is. */
  next(now: number): { readonly priority: number; readonly due: number; readonly task: Task } | undefined {
    if (!this.#open || this.#exchange !== undefined) return undefined
    let best: Task | undefined
    for (const task of this.#queue) {
      if (task.due <= now && (best === undefined || isBefore(task, best))) best = task
    }
    for (const spec of AUTOMATIC) {
      const state = this.#automatic.get(spec.name)!
      if (!state.pending || state.due > now || (best !== undefined && best.priority <= spec.priority)) continue
      best = this.#automaticTask(spec.name, now)
    }
    return best && { priority: best.priority, due: best.due, task: best }
  }

  /** When {@link next} may have something that it has not now. */
  nextDue(): number {
    if (!this.#open || this.#exchange !== undefined) return NEVER
    let due = NEVER
    for (const task of this.#queue) due = Math.min(due, task.due)
    for (const state of this.#automatic.values()) if (state.pending) due = Math.min(due, state.due)
    return due
  }

  /** Begins a task that {@link next} gave. */
  begin(task: Task, now: number): void {
    const at = this.#queue.indexOf(task)
    if (at >= 0) this.#queue.splice(at, 1)
    this.#exchange = new Exchange(task, this, now)
    this.#settle(now)
  }

  sendRequest(code: number, objects: Uint8Array | undefined, now: number): number {
    const sequence = this.#sequence
    this.#sequence = (sequence + 1) & 0x0f
    this.counters.requests++
    const fragment = new Uint8Array(2 + (objects?.length ?? 0))
    fragment[0] = FIR_FIN | sequence
    fragment[1] = code
    if (objects !== undefined) fragment.set(objects, 2)
    this.link.send(this.security?.outgoing(fragment, now) ?? fragment, this.settings.link.remote, now)
    return sequence
  }

  /** A fragment outside all tasks, e.g. a reply to a challenge. */
  sendRaw(fragment: Uint8Array, now: number): void {
    this.link.send(fragment, this.settings.link.remote, now)
  }

  /** The task under way has failed: authentication says so. */
  failExchange(error: Error, now: number): void {
    this.#exchange?.fail(error, now)
    this.#settle(now)
  }

  /** Sends to all outstations; nobody answers. `confirm`: they shall all ask for a confirmation later (FFFE). */
  broadcast(
    code: number,
    objects: Uint8Array | undefined,
    confirm: 'none' | 'optional' | 'mandatory',
    now: number,
  ): void {
    const destination = BROADCAST[['optional', 'mandatory', 'none'].indexOf(confirm)]!
    const fragment = new Uint8Array(2 + (objects?.length ?? 0))
    fragment[0] = FIR_FIN | this.#sequence
    fragment[1] = code
    if (objects !== undefined) fragment.set(objects, 2)
    this.#sequence = (this.#sequence + 1) & 0x0f
    this.link.send(fragment, destination, now)
  }

  linkLost(now: number): void {
    this.closed(now)
    this.#handler.linkLost?.()
  }

  fragmentReceived(bytes: Uint8Array, _origin: FragmentOrigin, now: number): void {
    const code = bytes[1]
    if (code !== RESPONSE && code !== UNSOLICITED_RESPONSE && code !== AUTHENTICATE_RESP) {
      this.counters.ignored++
      return
    }
    let fragment: Fragment
    try {
      fragment = decodeFragment(bytes)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.counters.ignored++
      return
    }
    if (code === UNSOLICITED_RESPONSE) this.#unsolicited(bytes, fragment, now)
    else if (!fragment.control.unsolicited && this.#authenticated(bytes, fragment, now))
      this.#response(fragment, bytes.length, now)
    else if (fragment.control.unsolicited) this.counters.ignored++
  }

  /** False: the fragment belongs to authentication, and has been dealt with. */
  #authenticated(bytes: Uint8Array, fragment: Fragment, now: number): boolean {
    const forUs = this.#exchange?.isFor(fragment.control.sequence) === true
    if (this.security?.response(bytes, fragment, forUs, now) !== true) return true
    if (forUs && this.#exchange?.isFor(fragment.control.sequence) === true) this.#exchange.extend(now)
    return false
  }

  #response(fragment: Fragment, length: number, now: number): void {
    const exchange = this.#exchange
    const { control } = fragment
    if (exchange?.expects(control) !== true) {
      this.counters.ignored++
      return
    }
    // Before the next request, which taking the fragment may send.
    if (control.confirm) this.#confirm(control.sequence, 0, now)
    exchange.take(fragment, length, now)
    this.counters.responses++
    this.#handler.fragment?.(fragment, { unsolicited: false, task: exchange.task.name })
    this.#indicated(fragment, exchange.task.name, now)
    this.#settle(now)
  }

  #unsolicited(bytes: Uint8Array, fragment: Fragment, now: number): void {
    const { control } = fragment
    if (!control.unsolicited || !control.first || !control.final || this.settings.guest) {
      this.counters.ignored++
      return
    }
    if (control.confirm) this.#confirm(control.sequence, UNS, now)
    if (this.#lastUnsolicited !== undefined && sameOctets(this.#lastUnsolicited, bytes)) {
      this.counters.repeatedUnsolicited++
    } else {
      this.#lastUnsolicited = bytes.slice()
      this.counters.unsolicited++
      this.#handler.fragment?.(fragment, { unsolicited: true, task: undefined })
    }
    // Of a repeat, too: the empty response after a second restart can have the octets of the one after the first.
    this.#indicated(fragment, undefined, now)
    if (this.#exchange === undefined) this.onIdle?.(now)
  }

  #confirm(sequence: number, uns: number, now: number): void {
    this.counters.confirms++
    this.link.send(new Uint8Array([FIR_FIN | uns | sequence, 0]), this.settings.link.remote, now)
  }

  /** What the internal indications ask for. */
  #indicated({ iin = 0, control }: Fragment, task: string | undefined, now: number): void {
    this.#handler.indications?.(iin)
    if (!control.final) return
    if ((iin & DEVICE_RESTART) !== 0 && task !== 'clearRestart' && !this.#automatic.get('clearRestart')!.pending) {
      this.#want('clearRestart', now)
      // The outstation knows nothing of us any more.
      if (task !== 'disableUnsolicited' && task !== 'integrity') this.#want('integrity', now)
      this.#want('assignClass', now)
      this.#want('enableUnsolicited', now)
    }
    if ((iin & EVENT_BUFFER_OVERFLOW) !== 0 && task !== 'integrity') this.#want('integrity', now)
    if ((iin & NEED_TIME) !== 0 && task !== 'timeSync') this.#want('timeSync', now)
    const waiting = this.settings.eventScan.some((one) => (iin & CLASS_BITS[one]!) !== 0)
    if (waiting && task !== 'eventScan') this.#want('eventScan', now)
  }

  #want(name: AutomaticName, now: number): void {
    const state = this.#automatic.get(name)!
    const spec = AUTOMATIC.find((one) => one.name === name)!
    if (state.pending || !spec.wanted(this.settings)) return
    state.pending = true
    state.due = Math.max(state.due, now)
  }

  #automaticTask(name: AutomaticName, now: number): Task {
    const spec = AUTOMATIC.find((one) => one.name === name)!
    const state = this.#automatic.get(name)!
    return {
      name,
      priority: spec.priority,
      due: state.due,
      expires: NEVER,
      procedure: () => spec.run(this.settings, this.#utc, now),
      done: (outcome, at) => {
        this.#ended(name, outcome)
        state.failures = outcome.ok ? 0 : state.failures + 1
        state.pending = !outcome.ok
        state.due = outcome.ok ? 0 : at + this.#backoff(state.failures)
      },
    }
  }

  #backoff(failures: number): number {
    const { retryBase, retryMax } = this.settings
    return Math.min(retryBase * 2 ** (failures - 1), retryMax)
  }

  #schedulePoll(poll: PollOptions, due: number, failures = 0): void {
    const { name, objects, every, responseTimeout } = poll
    this.#queue.push({
      name,
      priority: PRIORITY.poll,
      due,
      expires: NEVER,
      responseTimeout,
      procedure: () => plainRequest(READ, objects),
      done: (outcome, at) => {
        this.#ended(name, outcome)
        if (!this.#open) return
        const failed = outcome.ok ? 0 : failures + 1
        this.#schedulePoll(poll, at + (outcome.ok ? every : this.#backoff(failed)), failed)
      },
    })
  }

  #ended(name: string, outcome: Outcome<unknown>): void {
    if (!outcome.ok) this.counters.failures++
    this.#handler.taskEnded?.(name, outcome)
  }

  /** Ends the exchange if it is over. */
  #settle(now: number): void {
    const exchange = this.#exchange
    if (exchange?.outcome === undefined) return
    this.#exchange = undefined
    exchange.task.done(exchange.outcome, now)
    this.onIdle?.(now)
  }

  #expiry(): number {
    let expiry = NEVER
    for (const { expires } of this.#queue) expiry = Math.min(expiry, expires)
    return expiry
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.priority === b.priority ? a.due < b.due : a.priority < b.priority
}
