import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { opposite } from '@gridseal/adapter'
import type { MessageChannel } from '@gridseal/channel'
import type { OpenedBatch, StreamClass } from '@gridseal/envelope'
import { STREAM_CLASSES, decodeCheckpoint } from '@gridseal/envelope'
import { GridsealError, InternalError, ProtocolError, toHex } from '@gridseal/wire'
import type { Subscription } from 'rxjs'
import { map, merge } from 'rxjs'
import { monotonic } from '../clock.ts'
import type { Level } from '../events.ts'
import { failure } from '../events.ts'
import type { RealtimeFrame } from '../group/realtime-group.ts'
import type { LinkCounters, LinkEnd } from '../link/end.ts'
import type { ControlMessage, StreamPosition } from './control.ts'
import {
  BRIDGE_PROTOCOL_VERSION,
  PORT_BATCH,
  PORT_CONTROL,
  PORT_REALTIME,
  decodeControl,
  encodeControl,
} from './control.ts'
import { Delivery } from './delivery.ts'
import { GapRequests } from './gap-requests.ts'
import { IncomingStream, freshnessOf } from './incoming.ts'
import { KeepAsking } from './keep-asking.ts'
import { KeyChanges } from './key-changes.ts'
import { Lag } from './lag.ts'
import { lastOfTurn } from './last-of-turn.ts'
import { OutgoingStream } from './outgoing.ts'
import { PeerClock } from './peer-clock.ts'
import { PeerKeys } from './peer-keys.ts'
import type { Say } from './peer-signers.ts'
import { PeerSigners } from './peer-signers.ts'
import type { SiteGroup } from './realtime.ts'
import { RealtimeTraffic } from './realtime.ts'
import { SetBackWatch } from './set-back.ts'
import type { SiteSessionOptions, SiteStats } from './session-options.ts'
import { StoredTraffic } from './stored.ts'

/** One site on one bridge: its links, the stream that leaves, the stream that arrives, over whatever channel is up. */
export class SiteSession {
  readonly #options: SiteSessionOptions
  readonly #delivery: Delivery
  readonly #outgoing: OutgoingStream
  readonly #incoming: IncomingStream
  #stored: StoredTraffic | undefined
  readonly #realtime: RealtimeTraffic
  /** The live stream is full. */
  #full = false
  readonly #incarnation: Uint8Array = randomBytes(16)
  readonly #subscriptions: Subscription[] = []
  readonly #clock = new PeerClock()
  readonly #signers: PeerSigners
  /** The far side's identity, and what else may sign. */
  readonly peer: PeerKeys
  readonly #changes: KeyChanges
  readonly #gaps = new GapRequests()
  readonly #asking = new KeepAsking()
  readonly #endRotation: () => void
  #channel: MessageChannel | undefined
  /** Breaks the channel's connection off. */
  #cut: () => void = () => undefined
  /** Our hello is on its way; nothing may go before it. */
  #said = false
  /** The peer has said hello on this channel. */
  #greeted = false
  #channels = 0
  #peerIncarnation: Uint8Array | undefined
  #holdTimer: NodeJS.Timeout | undefined
  /** Stopped, or broken: no channel is taken any more. */
  #over = false
  /** What comes is no longer taken: it stays the peer's. */
  #deaf = false
  readonly #lag: Lag
  /** Acknowledgements are cumulative, and so is what the own journal holds. */
  readonly #acknowledge = lastOfTurn<{ readonly stream: Uint8Array; readonly number: number }>((ack) =>
    this.#tell({ kind: 'ack', ...ack }),
  )
  readonly #kept = lastOfTurn<{ readonly stream: Uint8Array; readonly treeSize: number }>((kept) =>
    this.#tell({ kind: 'kept', ...kept }),
  )
  readonly #live: SetBackWatch
  /** Kept traffic is on its sender's disk before it leaves. */
  readonly #storedWatch = new SetBackWatch(0)

  constructor(options: SiteSessionOptions) {
    this.#options = options
    const { site, keys, journal, limits, now, inbound, accept } = options
    const say: Say = (level, code, what, details) => this.#say(level, code, what, details)
    this.#signers = new PeerSigners(options, say)
    this.peer = new PeerKeys(options, this.#signers, say)
    this.#changes = new KeyChanges(keys, this.#signers, journal, (error) =>
      options.report(failure('error', `${site}: a change of keys`, error)),
    )
    const onFault = (what: string, error: unknown): void => this.#fault(what, error)
    this.#live = new SetBackWatch(limits.unacknowledged)
    this.#lag = new Lag(limits.unacknowledged)
    this.#outgoing = new OutgoingStream({
      key: keys.first,
      site,
      direction: inbound,
      limits: { maxEntries: limits.batchEntries, maxBytes: limits.batchBytes, maxDelay: limits.batchDelay },
      window: limits.unacknowledged,
      now,
      keep: journal && ((batch) => journal.append(batch.bytes, batch.before)),
      onKept: (stream, treeSize) => this.#kept({ stream, treeSize }),
      onRotated: (batch) => this.#changes.sealed(batch),
      onPause: (paused) => {
        this.#full = paused
        for (const { end, store } of options.links) if (store === undefined) end.setPaused(paused)
      },
      onFault,
    })
    this.#incoming = new IncomingStream({
      signers: this.#signers,
      algorithms: accept.algorithms,
      freshness: freshnessOf(accept, now),
      now,
      site,
      direction: opposite(inbound),
      class: 'live',
      keep: journal && ((batch, bytes) => journal.append(bytes, batch.before)),
      note: journal && ((position) => journal.appendCheckpoint(position)),
      onWaiting: (bytes) => this.#lag.add(bytes, this.#channel),
      onSafe: (stream, number) => this.#acknowledge({ stream, number }),
      onFault,
    })
    this.#realtime = new RealtimeTraffic(options.groups, {
      tell: (message) => this.#tell(message),
      seal: (entry) => {
        if (!this.#full) this.#outgoing.add([entry])
        return !this.#full
      },
      say,
      inbound,
    })
    this.#delivery = new Delivery({
      links: options.links,
      inbound,
      realtime: this.#realtime,
      clock: this.#clock,
      clockSkew: accept.clockSkew,
      now,
      answer: (entry) => this.#outgoing.add([entry]),
      say,
    })
    this.#outgoing.rotate(keys.current)
    this.#endRotation = keys.onChange((key) => {
      this.#outgoing.rotate(key)
      this.#stored?.rotate(key)
    })
    const ends = options.links.map((link) => link.end)
    const live = options.links.filter((link) => link.store === undefined).map((link) => link.end)
    this.#subscriptions.push(
      merge(...live.map((end) => end.entries)).subscribe((entries) => this.#outgoing.add(entries)),
      merge(...options.groupEnds.map((end) => end.entries)).subscribe((entries) => this.#realtime.local(entries)),
      merge(...ends.map((end) => end.credits.pipe(map((credit) => ({ link: end.id, ...credit }))))).subscribe(
        (credit) => this.#tell({ kind: 'credit', ...credit }),
      ),
    )
  }

  get site(): string {
    return this.#options.site
  }

  /** The far side is not believed any more: its channel ends. */
  dismiss(): void {
    const channel = this.#channel
    if (channel === undefined) return
    this.#leave(channel)
    void channel.close()
  }

  get #ends(): LinkEnd[] {
    const { links, groupEnds } = this.#options
    return [...links.map(({ end }) => end), ...groupEnds]
  }

  /** A message of a group, from elsewhere than the far side: on to it, if it is a member. */
  forward(link: string, message: Uint8Array | undefined, frame: RealtimeFrame): void {
    if (!this.#over) this.#realtime.forward(link, message, frame)
  }

  /** A key of a group that was sealed for the far side. */
  groupKey(delivery: Uint8Array): void {
    this.#realtime.key(delivery)
  }

  /** The site has become a member of a group. */
  joinGroup(group: SiteGroup): void {
    this.#realtime.add(group)
  }

  get stats(): SiteStats {
    const links: Record<string, LinkCounters> = {}
    for (const end of this.#ends) links[end.id] = { ...end.counters }
    return {
      site: this.site,
      channel: this.#greeted ? 'up' : 'down',
      channels: this.#channels,
      links,
      outgoing: this.#outgoing.stats,
      incoming: { ...this.#incoming.stats },
      groups: this.#realtime.stats,
      stored: this.#stored?.stats,
      latencyMs: this.#delivery.latencyMs,
    }
  }

  /** Takes up what the journal has kept, then opens the links. */
  async start(): Promise<void> {
    const { journal, site, inbound } = this.#options
    const lane = { site, class: 'live' } as const
    const sent = await journal?.history.end({ ...lane, direction: inbound })
    if (sent !== undefined) this.#outgoing.recover(sent)
    const received = await journal?.history.end({ ...lane, direction: opposite(inbound) })
    if (received !== undefined) {
      this.#incoming.recover(received)
      this.#live.recover(received)
    }
    await this.#openStored()
    for (const end of this.#ends) await end.start()
    this.#stored?.start()
  }

  async #openStored(): Promise<void> {
    const { links } = this.#options
    const classes = new Set(links.flatMap(({ store }) => store ?? []))
    const stored = await StoredTraffic.open(this.#options, classes, {
      deliver: (entry) => this.#delivery.offer(entry),
      waiting: (bytes) => this.#lag.add(bytes, this.#channel),
      acknowledge: (stream, number) => this.#tell({ kind: 'ack', stream, number }),
      pause: (storedClass, paused) => {
        for (const { end, store } of links) if (store === storedClass) end.setPaused(paused)
      },
      rotated: (batch) => this.#changes.sealed(batch),
      signers: this.#signers,
      fault: (what, error) => this.#fault(what, error),
      say: (level, code, what, details) => this.#say(level, code, what, details),
    })
    this.#stored = stored
    for (const { end, store } of links) {
      if (store !== undefined) this.#subscriptions.push(end.entries.subscribe((entries) => stored.add(store, entries)))
    }
  }

  /** Lets what is under way arrive (up to `grace` ms), then closes links and channel. */
  async stop(grace = 2000): Promise<void> {
    this.#over = true
    clearTimeout(this.#holdTimer)
    if (this.#greeted) await this.#outgoing.drain(grace)
    this.#deaf = true
    this.#endRotation()
    this.#realtime.stop()
    await Promise.all(this.#ends.map((end) => end.stop()))
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
    this.#asking.end()
    await this.#channel?.close()
    await this.#outgoing.close()
    await this.#stored?.close()
  }

  /**
   * Runs over a channel to this site's peer until it ends; `cut` breaks its connection off at once. A channel that is
   * up already is closed first.
   */
  async attach(channel: MessageChannel, cut: () => void): Promise<void> {
    const old = this.#channel
    this.#channel = channel
    this.#cut = cut
    this.#said = false
    if (old !== undefined) {
      this.#lower()
      void old.close()
    }
    // What our hello says that we have must be in the journal.
    await this.#incoming.settled()
    await this.#stored?.settled()
    if (this.#over || this.#channel !== channel) return channel.close()
    const { site } = this.#options
    const live = this.#incoming.position
    const positions = [
      ...(live === undefined ? [] : [{ class: 'live' as const, ...live }]),
      ...(this.#stored?.positions ?? []),
    ]
    const incarnation = this.#incarnation
    this.#said = true
    this.#tell({ kind: 'hello', version: BRIDGE_PROTOCOL_VERSION, site, incarnation, now: monotonic(), positions })
    const subscription = channel.messages.subscribe(({ port, bytes }) => this.#receive(channel, port, bytes))
    const end = await channel.closed
    subscription.unsubscribe()
    this.#leave(channel)
    this.#say('info', 'channel.down', `channel down (${end.error?.message ?? end.kind})`)
  }

  /** Uses a channel no longer, whether it has ended or not. */
  #leave(channel: MessageChannel): void {
    if (this.#channel !== channel) return
    this.#channel = undefined
    this.#said = false
    this.#lower()
  }

  /** The channel is gone: streams wait, and mirrored connections if it does not come back in time. */
  #lower(): void {
    this.#greeted = false
    this.#options.service?.down()
    this.#outgoing.detach()
    this.#stored?.detach()
    this.#realtime.detach()
    this.#asking.end()
    if (this.#over) return
    this.#holdTimer ??= setTimeout(() => this.#farSide(false, 'the channel is down'), this.#options.holdConnections)
    this.#holdTimer.unref()
  }

  #silent(channel: MessageChannel): void {
    this.#say('warn', 'channel.silent', 'the peer has fallen silent')
    this.#leave(channel)
    this.#cut()
  }

  #say(level: Level, code: string, what: string, details: Record<string, unknown> = {}): void {
    const { site, report } = this.#options
    report({ level, code, message: `${site}: ${what}`, details: { site, ...details } })
  }

  #farSide(present: boolean, why: string): void {
    if (!present) this.#holdTimer = undefined
    // What was under way to devices belongs to masters that are told now that it failed: it must not be done later.
    if (!present && this.#options.inbound === 'to-device') this.#outgoing.abandon('restart')
    for (const { end } of this.#options.links) end.setFarSide(present, why)
  }

  #tell(message: ControlMessage): void {
    if (this.#said) this.#channel?.send(PORT_CONTROL, encodeControl(message))
  }

  #receive(channel: MessageChannel, port: number, bytes: Uint8Array): void {
    if (channel !== this.#channel || this.#deaf) return
    this.#asking.heard()
    try {
      if (port === PORT_BATCH && this.#greeted) this.#delivery.live(this.#opened(this.#incoming, bytes, this.#live))
      else if (port === PORT_REALTIME && this.#greeted) this.#realtime.receive(bytes)
      else if (this.#greeted && this.#storedBatch(port, bytes)) return
      else if (port === PORT_CONTROL) this.#control(channel, decodeControl(bytes))
      else if (this.#greeted && port === this.#options.service?.port) this.#options.service.receive(bytes)
      else throw new ProtocolError('bridge.port', `nothing is expected on port ${port} now`)
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'envelope.gap' && this.#askAgain(port, error)) return
      // Nothing of what was refused has been delivered; the next channel starts from what is verified.
      const { site, report } = this.#options
      const level = error instanceof GridsealError && !(error instanceof InternalError) ? 'warn' : 'error'
      report(failure(level, `${site}: refused what the peer sent`, error, { site }))
      this.#leave(channel)
      void channel.close()
    }
  }

  #control(channel: MessageChannel, message: ControlMessage): void {
    if ((message.kind === 'hello') === this.#greeted) {
      throw new ProtocolError('bridge.hello', this.#greeted ? 'a second hello' : `${message.kind} before hello`)
    }
    switch (message.kind) {
      case 'hello':
        return this.#hello(channel, message)
      case 'ack':
        this.#stored?.acknowledge(message.stream, message.number)
        return this.#outgoing.acknowledge(message.stream, message.number)
      case 'kept':
        return this.#live.kept(message.stream, message.treeSize)
      case 'credit':
        return this.#delivery.end(message.link)?.credit(message)
      case 'position':
        return this.#resume(message.checkpoint)
      case 'again':
        return this.#again(message.class, message.position)
      case 'succession':
        return this.#changes.told(message.receipt)
      case 'join':
        return this.#realtime.join(message.group, message)
      case 'group-key':
        return this.#realtime.accept(message.delivery)
      case 'ask':
        return this.#tell({ kind: 'clock', asked: message.now, now: this.#options.now() })
      case 'clock':
        return this.#clock.answered(message.asked, message.now, monotonic())
    }
  }

  #hello(channel: MessageChannel, hello: ControlMessage & { kind: 'hello' }): void {
    if (hello.version !== BRIDGE_PROTOCOL_VERSION || hello.site !== this.site) {
      throw new ProtocolError('bridge.hello', `a peer of site ${hello.site}, protocol version ${hello.version}`)
    }
    const known = this.#peerIncarnation
    const restarted = known !== undefined && Buffer.compare(known, hello.incarnation) !== 0
    this.#peerIncarnation = Uint8Array.from(hello.incarnation)
    this.#clock.forget()
    this.#tell({ kind: 'clock', asked: hello.now, now: this.#options.now() })
    // A peer that restarted has lost its ends of the mirrored connections.
    if (restarted) {
      this.#farSide(false, 'the peer restarted')
      for (const { end } of this.#options.links) end.peerRestarted()
    }
    this.#greeted = true
    this.#channels++
    clearTimeout(this.#holdTimer)
    this.#holdTimer = undefined
    const ask = (): void => this.#tell({ kind: 'ask', now: monotonic() })
    this.#asking.begin(this.#options.holdConnections, ask, () => this.#silent(channel))
    this.#gaps.clear()
    this.#delivery.begin()
    for (const receipt of this.#options.keys.receipts) this.#tell({ kind: 'succession', receipt })
    this.#outgoing.attach(
      channel,
      hello.positions.find((position) => position.class === 'live'),
    )
    this.#stored?.attach(channel, hello.positions)
    this.#realtime.attach(channel)
    this.#farSide(true, 'the channel is up')
    for (const { end } of this.#options.links) end.restate()
    const { service } = this.#options
    service?.up((bytes) => channel.send(service.port, bytes))
    this.#say('info', 'channel.up', 'channel up')
  }

  /** The sender's log goes on elsewhere than where this side stands. */
  #resume(checkpoint: Uint8Array): void {
    const { class: streamClass, next, stream } = decodeCheckpoint(checkpoint)
    const incoming = streamClass === 'live' ? this.#incoming : this.#stored?.byClass(streamClass)
    if (incoming === undefined) throw new ProtocolError('bridge.position', `no ${streamClass} stream arrives here`)
    const known = incoming.position
    incoming.resume(checkpoint)
    if (known === undefined) return
    const what = `the peer no longer has what comes before batch ${next} of the ${streamClass} stream: there is a gap`
    this.#say('warn', 'envelope.gap', what, { stream: toHex(stream), from: known.next, to: next })
  }

  /** A batch that does not follow is not used; what is due is asked for. False: it was asked for too often. */
  #askAgain(port: number, error: ProtocolError): boolean {
    const streamClass = STREAM_CLASSES[port - PORT_BATCH]
    const incoming = streamClass === 'live' ? this.#incoming : this.#stored?.byPort(port)
    if (streamClass === undefined || incoming === undefined) return false
    const { position } = incoming
    const due = position === undefined ? '' : `${toHex(position.stream)} ${position.next}`
    const answer = this.#gaps.gap(streamClass, due, performance.now())
    if (answer !== 'ask') return answer === 'wait'
    this.#say('warn', 'envelope.gap', `${streamClass} stream: ${error.message}; asked for again`, { ...error.details })
    // What is said to be here must be in the journal.
    void incoming.settled().then(() => this.#tell({ kind: 'again', class: streamClass, position: incoming.position }))
    return true
  }

  #again(streamClass: StreamClass, position: StreamPosition | undefined): void {
    this.#say('info', 'bridge.again', `the peer lacks batches of the ${streamClass} stream: they are sent again`)
    if (streamClass === 'live') this.#outgoing.again(position)
    else this.#stored?.again(streamClass, position)
  }

  #storedBatch(port: number, bytes: Uint8Array): boolean {
    const incoming = this.#stored?.byPort(port)
    if (incoming === undefined) {
      if (port <= PORT_BATCH || port >= PORT_BATCH + STREAM_CLASSES.length) return false
      throw new ProtocolError('bridge.store', 'the peer has kept traffic for this bridge, which needs a journal for it')
    }
    this.#delivery.kept(this.#opened(incoming, bytes, this.#storedWatch))
    return true
  }

  #opened(incoming: Pick<IncomingStream, 'open'>, bytes: Uint8Array, watch: SetBackWatch): OpenedBatch {
    const batch = incoming.open(bytes)
    if (batch.successor !== undefined) this.#changes.opened(bytes, batch.before)
    const unjoined = watch.opened(batch, bytes.length)
    if (unjoined !== undefined) this.#say(unjoined.level, unjoined.code, unjoined.what, unjoined.details)
    return batch
  }

  /** What cannot be signed or kept as evidence is not carried: this side is over. */
  #fault(what: string, error: unknown): void {
    if (this.#deaf) return
    this.#over = true
    this.#deaf = true
    const { site, report, onFault } = this.#options
    report(failure('error', `${site}: ${what} failed, nothing is carried any more`, error, { site }))
    this.#farSide(false, 'this bridge has failed')
    void this.#channel?.close()
    onFault(error)
  }
}
