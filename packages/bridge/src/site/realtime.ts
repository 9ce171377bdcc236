import type { Direction } from '@gridseal/adapter'
import type { MessageChannel } from '@gridseal/channel'
import type { Entry, FrameEntry, Recipient, SequencedEntry } from '@gridseal/envelope'
import { peekGroup } from '@gridseal/envelope'
import { GridsealError, ProtocolError, UsageError } from '@gridseal/wire'
import { performance } from 'node:perf_hooks'
import type { Level } from '../events.ts'
import { Evidence } from '../group/evidence.ts'
import type { EvidenceCounters } from '../group/evidence.ts'
import type { RealtimeCounters, RealtimeFrame, RealtimeGroup } from '../group/realtime-group.ts'
import type { ControlMessage } from './control.ts'
import { PORT_REALTIME } from './control.ts'

/** A group as one site has it. */
export interface SiteGroup {
  /** The site's link. */
  readonly link: string
  readonly realtime: RealtimeGroup
  /** Whether the far side may be heard and spoken to: it is a member now. */
  readonly isMember: () => boolean
  /** A frame of another member: to be spoken here, and whatever else is due. */
  readonly deliver: (frame: RealtimeFrame, message: Uint8Array) => void
  /**
   * On the owner's side: the far side wants keys sealed for this. Resolves with the running epoch's, if there is one.
   * Undefined on a member's side.
   */
  readonly join: ((recipient: Recipient) => Promise<Uint8Array | undefined>) | undefined
}

export interface RealtimeHooks {
  readonly tell: (message: ControlMessage) => void
  /** Puts an entry into the live stream. False: that is full, and the frame stays without a signature. */
  readonly seal: (entry: Entry) => boolean
  readonly say: (level: Level, code: string, what: string, details?: Record<string, unknown>) => void
  /** Direction of what this bridge sends. */
  readonly inbound: Direction
}

/** Counters of a group on one site. */
export interface RealtimeStats extends RealtimeCounters, EvidenceCounters {
  /** The newest epoch whose key is here. */
  readonly epoch: number
  /** Frames that left under a MAC and will not be signed: the live stream was full. */
  readonly unsealed: number
  /** Messages not sent because the channel did not keep up, or was not there. */
  readonly dropped: number
}

/** A signature that comes later than this is an alarm, ms. */
const SIGNATURE_PATIENCE_MS = 10_000
const SWEEP_MS = 1000
/** A member without a key asks again after this, ms. */
const ASK_AGAIN_MS = 3000
/** A member that asks more often than this is not answered, ms. */
const LEAST_JOIN_MS = 100
/** A peer that sends what is refused is spoken of this often, ms. */
const SAY_EVERY_MS = 1000
/** The last time that has a text, ms. */
const LAST_DATE = 8.64e15
/** An owner whose keys are refused is spoken of this often, ms. */
const SAY_KEYS_EVERY_MS = 60_000

interface State {
  readonly group: SiteGroup
  readonly evidence: Evidence
  unsealed: number
  dropped: number
  /** When the far side asked for keys last, ms. */
  joinedAt: number
  /** When it was said last that a key is refused, ms on the group's clock. */
  keySaidAt: number
}

/**
 * The real-time groups of one site: frames travel at once, each under the group's MAC, on a port of their own, and again
 * in the signed batches behind them. What batches hold is matched with what was delivered, never delivered twice.
 */
export class RealtimeTraffic {
  readonly #hooks: RealtimeHooks
  /** When members have asked for keys, ms. */
  #askedAt = Number.NEGATIVE_INFINITY
  readonly #byLink = new Map<string, State>()
  readonly #byId = new Map<string, State>()
  #channel: MessageChannel | undefined
  #congested = false
  #timer: NodeJS.Timeout | undefined
  #saidAt = Number.NEGATIVE_INFINITY

  constructor(groups: readonly SiteGroup[], hooks: RealtimeHooks) {
    this.#hooks = hooks
    for (const group of groups) this.add(group)
  }

  /** The site has joined a group. */
  add(group: SiteGroup): void {
    const state = {
      group,
      evidence: new Evidence(SIGNATURE_PATIENCE_MS),
      unsealed: 0,
      dropped: 0,
      joinedAt: Number.NEGATIVE_INFINITY,
      keySaidAt: Number.NEGATIVE_INFINITY,
    }
    this.#byLink.set(group.link, state)
    this.#byId.set(group.realtime.id, state)
    this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS).unref()
  }

  get stats(): Readonly<Record<string, RealtimeStats>> {
    const stats = [...this.#byLink].map(([link, { group, evidence, unsealed, dropped }]): [string, RealtimeStats] => {
      const { counters, epoch } = group.realtime
      return [link, { ...counters, ...evidence.counters, epoch, unsealed, dropped }]
    })
    return Object.fromEntries(stats)
  }

  /** The channel is up: members ask for keys. */
  attach(channel: MessageChannel): void {
    this.#channel = channel
    this.#congested = false
    channel.drained.subscribe(() => {
      if (channel === this.#channel) this.#congested = false
    })
    this.#ask(() => true)
  }

  #ask(due: (group: RealtimeGroup) => boolean): void {
    this.#askedAt = performance.now()
    for (const { group } of this.#byLink.values()) {
      const { id, recipient } = group.realtime
      if (group.join !== undefined || !due(group.realtime)) continue
      this.#hooks.tell({ kind: 'join', group: Buffer.from(id, 'hex'), ...recipient })
    }
  }

  detach(): void {
    this.#channel = undefined
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Frames from this side's own network: to the far side at once, and into the stream. */
  local(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const state = this.#byLink.get(entry.link)
      if (state === undefined || entry.kind === 'event') continue
      const message = state.group.realtime.protect(entry)
      this.#pass(state, message, entry)
    }
  }

  /** A message of another member, or of our own network for all members: on to the far side. */
  forward(link: string, message: Uint8Array | undefined, frame: RealtimeFrame): void {
    const state = this.#byLink.get(link)
    if (state === undefined || !state.group.isMember()) return
    const { time, protocol, bytes } = frame
    const direction = this.#hooks.inbound
    this.#pass(state, message, { kind: 'frame', link, connection: 0, direction, time, protocol, bytes })
  }

  #pass(state: State, message: Uint8Array | undefined, entry: FrameEntry): void {
    if (this.#channel === undefined || this.#congested) state.dropped++
    else if (message !== undefined) this.#congested = !this.#channel.send(PORT_REALTIME, message)
    if (!this.#hooks.seal(entry)) state.unsealed++
  }

  /** Takes a message. Whatever is wrong with it is counted and said, and leads to nothing. */
  receive(message: Uint8Array): void {
    try {
      const state = this.#byId.get(peekGroup(message))
      if (state === undefined) throw new ProtocolError('group.group', 'a message of a group that is not configured')
      const { group, evidence } = state
      if (!group.isMember()) throw new ProtocolError('group.member', `the peer is no member of ${group.realtime.name}`)
      const frame = group.realtime.open(message)
      evidence.delivered(frame, performance.now())
      group.deliver(frame, message)
    } catch (error) {
      if (!(error instanceof GridsealError)) throw error
      const now = performance.now()
      if (now - this.#saidAt < SAY_EVERY_MS) return
      this.#saidAt = now
      this.#hooks.say('warn', error.code, `a real-time message is refused: ${error.message}`)
    }
  }

  /** Whether an entry of a batch is of a group: then it is evidence of what was delivered, and not to be delivered. */
  signed(entry: SequencedEntry): boolean {
    const state = this.#byLink.get(entry.link)
    if (state === undefined) return false
    if (entry.kind === 'frame') state.evidence.signed(entry)
    return true
  }

  /** The far side wants to be sealed keys for. */
  join(group: Uint8Array, recipient: Recipient): void {
    const state = this.#byId.get(Buffer.from(group).toString('hex'))
    const now = performance.now()
    // Each answer costs a signature.
    if (state !== undefined && now - state.joinedAt < LEAST_JOIN_MS) return
    if (state !== undefined) state.joinedAt = now
    const join = state?.group.join
    if (join === undefined) {
      this.#hooks.say('warn', 'group.member', 'the peer asks for the key of a group that it is no member of')
      return
    }
    join(recipient).then(
      (delivery) => delivery !== undefined && this.key(delivery),
      (error: unknown) => this.#hooks.say('error', 'group.join', `no key can be made for the peer: ${String(error)}`),
    )
  }

  /** Sends a key that was sealed for the far side. */
  key(delivery: Uint8Array): void {
    this.#hooks.tell({ kind: 'group-key', delivery })
  }

  /** Takes a key. What is wrong with it is counted and said, and changes nothing. */
  accept(delivery: Uint8Array): void {
    for (const state of this.#byLink.values()) {
      const { realtime, join } = state.group
      if (join !== undefined) continue
      const { name } = realtime
      try {
        if (!realtime.accept(delivery)) return
        const { epoch, ahead, now } = realtime
        if (ahead === undefined) {
          this.#hooks.say('info', 'group.epoch', `epoch ${epoch} of group ${name} has begun`, { group: name, epoch })
          return
        }
        const what = `epoch ${epoch} of group ${name} cannot be used yet: ${clocks(ahead, now)}`
        this.#hooks.say('error', 'group.ahead', what, { group: name, epoch, from: ahead, now })
        return
      } catch (error) {
        if (error instanceof ProtocolError && error.code === 'group.group') continue
        if (!(error instanceof GridsealError) || error instanceof UsageError) throw error
        this.#refused(state, error)
        return
      }
    }
    this.#hooks.say('warn', 'group.group', 'the key of a group that is not configured')
  }

  /** A key is refused. Where the reason is its time, one of two clocks is wrong, and only people can say which. */
  #refused(state: State, error: GridsealError): void {
    const { now, name } = state.group.realtime
    // Clocks that are wrong are set, back as well.
    if (Math.abs(now - state.keySaidAt) < SAY_KEYS_EVERY_MS) return
    state.keySaidAt = now
    const { known: _, ...details } = error.details
    const times = typeof details['from'] === 'number' ? `: ${clocks(details['from'], now)}` : ''
    const what = `a key of group ${name} is refused: ${error.message}${times}`
    this.#hooks.say('error', error.code, what, { group: name, ...details })
  }

  #sweep(): void {
    // Who has no key was perhaps no member yet when it asked.
    const due = performance.now() - this.#askedAt >= ASK_AGAIN_MS
    if (due && this.#channel !== undefined) this.#ask((group) => group.wantsKey)
    for (const { group, evidence } of this.#byLink.values()) {
      const overdue = evidence.sweep(performance.now())
      if (overdue === 0) continue
      const what = `${overdue} real-time frames of ${group.realtime.name} were delivered and never signed for`
      this.#hooks.say('error', 'group.unsigned', what, { group: group.realtime.name, frames: overdue })
    }
  }
}

/** Both clocks, for who must find out which of them is wrong. */
function clocks(owner: number, here: number): string {
  const text = (time: number): string => new Date(Math.min(time, LAST_DATE)).toISOString()
  return `the owner began the epoch at ${text(owner)} by its clock, here it is ${text(here)}; compare the clocks`
}
