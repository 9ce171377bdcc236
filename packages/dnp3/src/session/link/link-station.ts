import { BROADCAST, SELF_ADDRESS, checkLinkFrame, isBroadcast } from '../../codec/link-check.ts'
import type { LinkFrame } from '../../codec/link-frame.ts'
import { encodeFragmentFrames, encodeLinkFrame } from '../../codec/link-frame.ts'
import { LINK } from '../../codec/link-functions.ts'
import { MAX_SEGMENT, decodeSegment, segmentFragment } from '../../codec/transport.ts'
import type { Outbox } from '../outbox.ts'
import { NEVER } from '../outbox.ts'
import { Reassembler } from '../reassembly.ts'
import type { LinkCounters } from './link-counters.ts'
import { count, newLinkCounters } from './link-counters.ts'
import type { LinkLayerOptions, LinkSettings } from './link-options.ts'
import { settleLink } from './link-options.ts'
import { PrimaryStation } from './primary.ts'

/** Where a fragment came from. */
export interface FragmentOrigin {
  readonly source: number
  /** The broadcast address that it was sent to, if it was. */
  readonly broadcast: number | undefined
}

/** What lies above the transport function. */
export interface FragmentUser {
  fragmentReceived(fragment: Uint8Array, origin: FragmentOrigin, now: number): void
  /** Nobody answers keep-alives: the connection is dead. */
  linkLost(now: number): void
}

/** The secondary side's memory of a primary station that has reset the link. */
interface Secondary {
  /** The frame count bit that the next frame has if it is new. */
  expected: boolean
}

const MOST_REMOTES = 16

/**
 * The link layer and the transport function of one station towards its peer (IEEE 1815 clauses 8 and 9): frames in,
 * fragments out, and back. Pure: octets to send go to the outbox, times are arguments.
 */
export class LinkStation {
  readonly settings: LinkSettings
  readonly counters: LinkCounters = newLinkCounters()
  readonly #master: boolean
  readonly #user: FragmentUser
  readonly #outbox: Outbox
  readonly #reassembler: Reassembler<number>
  readonly #secondaries = new Map<number, Secondary>()
  readonly #primary: PrimaryStation
  #sequence = 0
  /** Who was heard last; of several that may be, the one to ask whether it is still there. */
  #peer: number
  /** When the peer was heard last. */
  #heard = 0
  #statusDue = NEVER
  #open = false

  constructor(role: 'master' | 'outstation', options: LinkLayerOptions, user: FragmentUser, outbox: Outbox) {
    this.settings = settleLink(options)
    this.#master = role === 'master'
    this.#user = user
    this.#outbox = outbox
    this.#reassembler = new Reassembler({ maxFragment: this.settings.maxReceive, maxSeries: MOST_REMOTES })
    this.#peer = this.settings.remote
    this.#primary = new PrimaryStation(this.settings, this.counters, (...frame) => this.#sendPrimary(...frame))
  }

  /** When {@link advance} has something to do. */
  get wake(): number {
    return Math.min(this.#primary.wake, this.#statusDue, this.#keepAliveAt())
  }

  opened(now: number): void {
    this.#open = true
    this.#heard = now
  }

  closed(): void {
    this.#open = false
    this.#statusDue = NEVER
    this.#primary.close()
    this.#secondaries.clear()
    this.#reassembler.clear()
  }

  /** Whether a frame is for this station, by its addresses. */
  accepts(frame: LinkFrame): boolean {
    const { local, remote, anyRemote, selfAddress } = this.settings
    if (frame.fromMaster === this.#master) return false
    const { destination, source } = frame
    if (destination !== local && !(this.#master ? false : isBroadcast(destination))) {
      if (!selfAddress || destination !== SELF_ADDRESS) return false
    }
    if (source === remote || anyRemote) return true
    this.counters.foreignSource++
    return false
  }

  /** Takes a frame that {@link accepts}. */
  receive(frame: LinkFrame, now: number): void {
    const { counters } = this
    counters.framesIn++
    const violation = checkLinkFrame(frame, this.#master ? 'master' : 'outstation')
    if (violation !== undefined) {
      count(counters.violations, violation)
      return
    }
    this.#heard = now
    this.#peer = frame.source
    this.#statusDue = NEVER
    if (!frame.primary) {
      if (frame.function === LINK.ACK || frame.function === LINK.NACK) {
        this.#primary.answered(frame.function === LINK.ACK, frame.source, now)
      }
      return
    }
    switch (frame.function) {
      case LINK.RESET_LINK_STATES:
        this.#remember(frame.source, { expected: true })
        this.#answer(frame, LINK.ACK)
        return
      case LINK.TEST_LINK_STATES:
        this.#test(frame)
        return
      case LINK.CONFIRMED_USER_DATA:
        if (isBroadcast(frame.destination) || this.#confirmed(frame)) this.#deliver(frame, now)
        return
      case LINK.UNCONFIRMED_USER_DATA:
        this.#deliver(frame, now)
        return
      case LINK.REQUEST_LINK_STATUS:
        this.#answer(frame, LINK.LINK_STATUS)
    }
  }

  /** Sends a fragment, in one chunk of frames where the link does not confirm them. */
  send(fragment: Uint8Array, destination: number, now: number): void {
    this.counters.fragmentsOut++
    if (this.settings.confirm && !isBroadcast(destination)) {
      const segments = segmentFragment(fragment, this.#sequence)
      this.#sequence = (this.#sequence + segments.length) & 0x3f
      this.#primary.queue(segments, destination, now)
      return
    }
    const frames = Math.ceil(fragment.length / MAX_SEGMENT)
    const control = (this.#master ? 0x80 : 0) | 0x40 | LINK.UNCONFIRMED_USER_DATA
    const addresses = { control, destination, source: this.settings.local }
    this.#outbox.send(encodeFragmentFrames(fragment, this.#sequence, addresses))
    this.#sequence = (this.#sequence + frames) & 0x3f
    this.counters.framesOut += frames
  }

  advance(now: number): void {
    this.#primary.advance(now)
    if (now >= this.#statusDue) {
      this.#statusDue = NEVER
      this.counters.keepAliveFailures++
      this.#heard = now
      this.#user.linkLost(now)
    } else if (now >= this.#keepAliveAt()) {
      this.counters.keepAlives++
      this.#statusDue = now + this.settings.ackTimeout
      this.#sendPrimary(LINK.REQUEST_LINK_STATUS, false, this.#peer, NOTHING)
    }
  }

  #keepAliveAt(): number {
    const { keepAlive } = this.settings
    return this.#open && keepAlive > 0 && this.#statusDue === NEVER ? this.#heard + keepAlive : NEVER
  }

  #remember(source: number, secondary: Secondary): void {
    if (this.#secondaries.size >= MOST_REMOTES && !this.#secondaries.has(source)) this.#secondaries.clear()
    this.#secondaries.set(source, secondary)
  }

  #test(frame: LinkFrame): void {
    const secondary = this.#secondaries.get(frame.source)
    if (secondary === undefined) {
      this.counters.notReset++
      return
    }
    if (frame.frameCount === secondary.expected) secondary.expected = !secondary.expected
    this.#answer(frame, LINK.ACK)
  }

  /** Whether confirmed user data is new. */
  #confirmed(frame: LinkFrame): boolean {
    const secondary = this.#secondaries.get(frame.source)
    if (secondary === undefined) {
      this.counters.notReset++
      return false
    }
    this.#answer(frame, LINK.ACK)
    if (frame.frameCount !== secondary.expected) {
      this.counters.repeated++
      return false
    }
    secondary.expected = !secondary.expected
    return true
  }

  #deliver(frame: LinkFrame, now: number): void {
    const broadcast = BROADCAST.includes(frame.destination) ? frame.destination : undefined
    const key = frame.source * 0x1_0000 + frame.destination
    const { fragment, violation } = this.#reassembler.push(key, decodeSegment(frame.user))
    if (violation !== undefined) count(this.counters.transport, violation)
    if (fragment === undefined) return
    this.counters.fragmentsIn++
    this.#user.fragmentReceived(fragment, { source: frame.source, broadcast }, now)
  }

  #answer(frame: LinkFrame, code: number): void {
    if (isBroadcast(frame.destination)) return
    this.#sendFrame(false, code, false, false, frame.source, NOTHING)
  }

  #sendPrimary(code: number, frameCount: boolean, destination: number, user: Uint8Array): void {
    const fcv = code === LINK.CONFIRMED_USER_DATA
    this.#sendFrame(true, code, frameCount, fcv, destination, user)
  }

  #sendFrame(
    primary: boolean,
    code: number,
    frameCount: boolean,
    countValidOrBusy: boolean,
    destination: number,
    user: Uint8Array,
  ): void {
    this.counters.framesOut++
    this.#outbox.send(
      encodeLinkFrame({
        fromMaster: this.#master,
        primary,
        frameCount,
        countValidOrBusy,
        function: code,
        destination,
        source: this.settings.local,
        user,
      }),
    )
  }
}

const NOTHING = new Uint8Array(0)
