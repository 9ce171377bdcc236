import { DecodeError, ProtocolError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import { ALERT, alertReceived } from '../alert.ts'
import type { ChannelEnd } from '../messages.ts'
import { asGridsealError } from '../failure.ts'
import type { Session } from '../handshake/machine.ts'
import type { SessionObserver } from '../observability/observe.ts'
import { TIMED_HEADER, encodeAlert } from '../record/content.ts'
import type { Content, DataContent } from '../record/content.ts'
import { CloseExchange } from './close-exchange.ts'
import { decodeDatagramContent, encodeProbe, messageLength, writeMessage } from './content.ts'
import type { DatagramContent } from './content.ts'
import { countRejected } from './counters.ts'
import type { MutableDatagramCounters } from './counters.ts'
import type { DatagramSettings } from './options.ts'
import { Paths } from './paths.ts'
import type { PathAddress } from './paths.ts'
import { DatagramRecords } from './records.ts'
import { Recovery } from './recovery.ts'
import type { Verdict } from './recovery.ts'
import { Streams } from './streams.ts'
import { Transmitter } from './transmitter.ts'
import type { SessionEffect } from './transmitter.ts'

export interface SessionOptions {
  readonly settings: DatagramSettings
  /** The peer's connection id. */
  readonly remote: number
  /** The first is the one of the handshake. */
  readonly paths: readonly PathAddress[]
  readonly counters: MutableDatagramCounters
  /** Who looks on; undefined for nobody. */
  readonly observer?: SessionObserver | undefined
}

/** Time-outs in a row after which another path is tried. */
const FAILOVER_AFTER = 2

/**
 * An established session over packets: sealing, acks, repetition, fresh keys, paths, the end. It does no I/O and has no
 * timers: time is an argument (ms of a clock that does not go back), and what it wants done it returns. Nothing that is
 * not authentic changes anything but counters.
 */
export class DatagramSession {
  readonly #settings: DatagramSettings
  readonly #records: DatagramRecords
  readonly #streams: Streams
  readonly #recovery: Recovery
  readonly #out: Transmitter
  readonly #counters: MutableDatagramCounters
  readonly #paths: Paths
  readonly #closing: CloseExchange
  #state: 'open' | 'closing' | 'ended' = 'open'
  #heard: number
  #keepAliveAt: number
  #rekeyAt: number
  #askedAt = Number.POSITIVE_INFINITY

  /** Takes over the secrets of a session that was established just now. */
  constructor(session: Session, { settings, remote, paths, counters, observer }: SessionOptions, now: number) {
    this.#counters = counters
    const { channel, mtu, ordering, backoff, use, keepAlive } = settings
    const { epoch, rekey, padding, random, encapsulate } = channel
    this.#settings = settings
    this.#records = new DatagramRecords(session, {
      ordering,
      epoch,
      rekey,
      padding: padding > 1 ? padding : 0,
      mtu,
      remote,
      random,
      encapsulate,
      onAsked: (asked) => observer?.rekeyAsked(asked),
      onSecrets: (secrets) => observer?.rekeyed(secrets),
    })
    this.#streams = new Streams(channel.maxMessage)
    this.#recovery = new Recovery(mtu, backoff)
    this.#closing = new CloseExchange(channel.closeTimeout, backoff.most)
    const drives = session.role === 'initiator'
    const patience = backoff.first
    this.#paths = new Paths({ use, paths, drives, interval: keepAlive, patience, random }, now)
    const [records, streams, recovery] = [this.#records, this.#streams, this.#recovery]
    this.#out = new Transmitter({ records, streams, recovery, paths: this.#paths, counters, patience })
    this.#heard = now
    this.#keepAliveAt = now + keepAlive
    this.#rekeyAt = now + channel.rekeyInterval
  }

  /** Whether it takes messages: neither end has said that it has closed. */
  get open(): boolean {
    return this.#state === 'open'
  }

  get ended(): boolean {
    return this.#state === 'ended'
  }

  /** Whether any record of the peer has been authentic. */
  get proven(): boolean {
    return this.#records.proven
  }

  /** Bytes of messages that the peer has not confirmed. */
  get pending(): number {
    return this.#streams.pendingMessages
  }

  get path(): PathAddress {
    return this.#paths.active
  }

  /** Longest message that goes out by itself. */
  get room(): number {
    return this.#records.room - TIMED_HEADER
  }

  /** When {@link tick} wants to be called. */
  get wake(): number {
    if (this.#state === 'ended') return Number.POSITIVE_INFINITY
    const { idleTimeout } = this.#settings
    const ping = this.#heard + idleTimeout
    const wakes = [this.#out.wake, this.#recovery.wake, this.#paths.wake, this.#closing.wake]
    return Math.min(...wakes, this.#keepAliveAt, this.#rekeyAt, ping)
  }

  /** A record for this session came. Whatever is wrong with it, it is counted and nothing else. */
  receive(packet: Uint8Array, from: PathAddress, now: number): SessionEffect[] {
    if (this.#state === 'ended') return []
    let opened
    try {
      opened = this.#records.open(packet, now)
    } catch (error) {
      return this.#attempt(now, () => countRejected(this.#counters, error))
    }
    this.#out.received.add(opened.sequence)
    this.#heard = now
    this.#keepAliveAt = now + this.#settings.keepAlive
    return this.#attempt(now, () => {
      const content = decodeDatagramContent(opened.content)
      const probe = content.kind === 'challenge' || content.kind === 'response'
      this.#paths.heard(from, packet.length, opened.newest && !probe, now)
      this.#take(content, from, now)
    })
  }

  /** An alert in the clear came; believed until the peer has shown that it has the session's keys. */
  alert(code: number): SessionEffect[] {
    if (this.#records.proven) this.#counters.alertsIgnored++
    else this.#end({ kind: 'alert', error: alertReceived(code) })
    return this.#out.drain()
  }

  /** A message into the ordered stream; {@link flush} sends it. */
  write(port: number, message: Uint8Array, validUntil: number | undefined): void {
    this.#streams.writeMessage(port, message, validUntil)
  }

  /** A message by itself, in one packet, once. */
  sendOnce(port: number, message: Uint8Array, validUntil: number | undefined, now: number): SessionEffect[] {
    return this.#attempt(now, () => {
      const content = new Uint8Array(messageLength(message, validUntil))
      writeMessage(port, message, validUntil, content)
      this.#out.send(content, now)
    })
  }

  /** The next message of the ordered stream, valid until the next call. */
  read(now: number): { readonly message: DataContent | undefined; readonly effects: SessionEffect[] } {
    let message: DataContent | undefined
    const effects = this.#attempt(now, () => {
      const content = this.#state === 'ended' ? undefined : this.#streams.readMessage()
      if (content === undefined) return
      if (content.kind !== 'data') throw misplaced(content)
      message = content
      if (this.#streams.limitMoved) this.#out.ackDue = true
    })
    return { message, effects }
  }

  /** Begins a fresh key agreement; false while one is under way. */
  rekey(now: number): boolean {
    const request = this.#state === 'open' ? this.#records.ask() : undefined
    if (request === undefined) return false
    this.#askedAt = now
    this.#rekeyAt = now + this.#settings.channel.rekeyInterval
    this.#streams.writeControl(request)
    return true
  }

  /** Sends what is ready, as long as `ready` says that the link takes it. */
  flush(now: number, ready: () => boolean): SessionEffect[] {
    return this.#attempt(now, () => {
      if (this.#state === 'ended' || !ready()) return
      if (this.#records.due && this.#state === 'open') this.rekey(now)
      this.#out.flush(now, ready)
      this.#closeIfDone(now)
    })
  }

  /** Does what time demands. */
  tick(now: number): SessionEffect[] {
    return this.#attempt(now, () => {
      if (this.#state === 'ended') return
      if (this.#closing.late(now)) return this.#lost('channel.close.timeout', 'the peer did not answer close_notify')
      if (now >= this.#heard + this.#settings.idleTimeout) return this.#lost('channel.idle', 'the peer is silent')
      this.#closing.tick(now, this.#recovery.patience)
      const verdict = this.#recovery.timeout(now)
      if (verdict.late) {
        if (verdict.lost.length === 0) this.#out.pingDue = true
        if (this.#recovery.probes % FAILOVER_AFTER === 0) this.#paths.failover(now)
      }
      this.#settle(verdict)
      this.#out.tick(now)
      for (const { path, value } of this.#paths.due(now)) this.#out.sendTo([path], encodeProbe('challenge', value))
      if (now >= this.#keepAliveAt) {
        this.#keepAliveAt = now + this.#settings.keepAlive
        if (!this.#recovery.busy) this.#out.pingDue = true
      }
      if (now >= this.#rekeyAt) {
        this.#rekeyAt = now + this.#settings.channel.rekeyInterval
        this.rekey(now)
      }
    })
  }

  /** Closes in good order: what was written is confirmed first, then close_notify goes out until it has an answer. */
  close(now: number): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#closing.begin(now)
  }

  /** Ends at once because of a fault that was found outside; the peer is told that there was one. */
  fail(error: GridsealError, now: number): SessionEffect[] {
    this.#fail(error, now)
    return this.#out.drain()
  }

  /** Ends at once, without a word to the peer: truncated, unless both ends had closed already. */
  abort(error: GridsealError): SessionEffect[] {
    this.#end(this.#closing.end ?? { kind: 'truncated', error })
    return this.#out.drain()
  }

  #take(content: DatagramContent, from: PathAddress, now: number): void {
    switch (content.kind) {
      case 'data':
        this.#out.also({ kind: 'message', content })
        return
      case 'segment':
        this.#out.ackDue = true
        this.#streams.take(content)
        this.#settleControls(now)
        return
      case 'ack':
        this.#streams.allow(content.limit)
        if (content.ranges[0]!.high >= this.#records.sequence) {
          throw new ProtocolError('channel.ack', 'an ack of a record that was never sent')
        }
        this.#settle(this.#recovery.acked(content.ranges, now))
        return
      case 'ping':
        this.#out.ackDue = true
        return
      case 'challenge':
        this.#out.sendTo([from], encodeProbe('response', content.value))
        return
      case 'response':
        return this.#paths.answered(content.value)
      case 'close':
      case 'closed':
        return this.#closing.heard(content.kind)
      case 'alert':
        return this.#end({ kind: 'alert', error: alertReceived(content.code) })
    }
  }

  #settleControls(now: number): void {
    for (let content = this.#streams.readControl(); content !== undefined; content = this.#streams.readControl()) {
      if (content.kind === 'ticket') this.#out.also(content)
      else if (content.kind === 'rekeyRequest' || content.kind === 'rekeyAnswer') {
        const { answer, fresh } = this.#records.take(content)
        if (answer !== undefined) this.#streams.writeControl(answer)
        if (!fresh) continue
        this.#counters.rekeysCompleted++
        this.#rekeyAt = now + this.#settings.channel.rekeyInterval
        if (content.kind === 'rekeyAnswer') this.#counters.rekeyMilliseconds += now - this.#askedAt
      } else throw misplaced(content)
    }
  }

  #settle({ acked, lost: missing }: Verdict): void {
    for (const segment of acked) this.#streams.acked(segment)
    for (const segment of missing) this.#streams.lost(segment)
    this.#counters.segmentsRepeated += missing.length
  }

  /** Whichever end closes first has the other's word that all has arrived before it is over. */
  #closeIfDone(now: number): void {
    const closing = this.#closing
    if (!closing.begun || this.#streams.pending > 0 || (closing.peerClosed && this.#streams.readable)) return
    this.#state = 'closing'
    if (closing.due) {
      if (closing.vain) this.#paths.failover(now)
      this.#out.send(closing.say(now, this.#recovery.patience), now)
    }
    if (closing.done && closing.end !== undefined) this.#end(closing.end)
  }

  /** Runs what an authentic peer or the user caused: what fails there ends the session. */
  #attempt(now: number, action: () => void): SessionEffect[] {
    try {
      action()
    } catch (error) {
      this.#fail(asGridsealError(error), now)
    }
    this.#counters.pathChanges = this.#paths.changes
    this.#counters.missing = this.#records.missing
    return this.#out.drain()
  }

  #fail(error: GridsealError, now: number): void {
    if (this.#state === 'ended') return
    try {
      this.#out.send(encodeAlert(ALERT.sessionFailed), now)
    } catch {
      // Where nothing can be sealed the peer gets no alert; the reason of the end stays the first one.
    }
    this.#end({ kind: 'error', error })
  }

  #lost(code: string, message: string): void {
    this.#end(this.#closing.end ?? { kind: 'truncated', error: new ProtocolError(code, message) })
  }

  #end(end: ChannelEnd): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#records.wipe()
    this.#out.also({ kind: 'ended', end })
  }
}

function misplaced(content: Content): DecodeError {
  return new DecodeError('channel.content', 0, 'kind', `${content.kind} does not belong in this stream`)
}
