import { UsageError } from '@gridseal/wire'
import type { LinkFrame } from '../codec/link-frame.ts'
import { SELF_ADDRESS, isBroadcast } from '../codec/link-check.ts'
import type { ChannelStation } from '../session/link/link-channel.ts'
import { Outbox } from '../session/outbox.ts'
import type { AttributeOptions } from '../session/outstation/attribute-store.ts'
import { AttributeStore } from '../session/outstation/attribute-store.ts'
import { DeviceClock } from '../session/outstation/clock.ts'
import { Database } from '../session/outstation/database.ts'
import type { PointChange, PointOptions } from '../session/outstation/database.ts'
import { DataSetStore } from '../session/outstation/data-set-store.ts'
import type { FileOptions } from '../session/outstation/file-desk.ts'
import type { OutstationHandler } from '../session/outstation/handler.ts'
import type { OutstationOptions } from '../session/outstation/options.ts'
import { OutstationSession } from '../session/outstation/outstation-session.ts'
import type { PointKind } from '../session/outstation/point-kinds.ts'
import type { ScheduleStore } from '../session/outstation/schedule-store.ts'
import type { SecurityGate } from '../session/outstation/security-gate.ts'
import { now, utcAt } from './clock.ts'

/** An outstation as it is configured. */
export interface OutstationConfig extends Omit<OutstationOptions, 'remote'> {
  /** Addresses of the masters; each has events, unsolicited responses and indications of its own. */
  readonly masters: readonly number[]
  readonly points: readonly PointOptions[]
  /** What lies behind it; given the database, to change points there. */
  readonly handler?: (database: Database) => OutstationHandler
  readonly attributes?: readonly AttributeOptions[]
  readonly dataSets?: DataSetStore
  readonly schedules?: ScheduleStore
  readonly files?: FileOptions
  readonly security?: (session: OutstationSession) => SecurityGate
}

interface Association {
  readonly session: OutstationSession
  readonly outbox: Outbox
  /** The port that it is attached to. */
  port: OutstationPort | undefined
}

/**
 * An outstation: its points and a session for each of its masters. It is reached through ports that {@link serveOutstations}
 * opens.
 *
 * @example
 * const outstation = new Outstation({
 *   local: 10,
 *   masters: [1],
 *   points: [{ kind: 'analog-input', index: 0, value: 230.1, deadband: 0.5 }],
 * })
 * const server = await serveOutstations('tcp://127.0.0.1:20000', [outstation])
 * outstation.update('analog-input', 0, { value: 231.4 })
 */
export class Outstation {
  readonly local: number
  readonly database: Database
  readonly #associations = new Map<number, Association>()
  readonly #anyMaster: boolean
  readonly #dataSets: DataSetStore

  /** Throws {@link UsageError} for a configuration that cannot be. */
  constructor(config: OutstationConfig) {
    const { masters, points, handler, attributes, dataSets, schedules, files, security, ...options } = config
    if (masters.length === 0) throw new UsageError('dnp3.outstation.masters', 'an outstation needs a master’s address')
    this.local = options.local
    this.#dataSets = dataSets ?? new DataSetStore()
    this.#anyMaster = options.anyRemote === true
    const start = now()
    this.database = new Database(points, new DeviceClock(utcAt(start), start))
    const parts = {
      database: this.database,
      attributes: new AttributeStore(attributes ?? []),
      ...(handler && { handler: handler(this.database) }),
      dataSets: this.#dataSets,
      ...(schedules && { schedules }),
      ...(files && { files }),
      ...(security && { security }),
    }
    for (const remote of masters) {
      const outbox = new Outbox()
      const session = new OutstationSession({ ...options, remote }, { ...parts, outbox })
      const association: Association = { session, outbox, port: undefined }
      session.onLinkLost = () => association.port?.lost(session)
      session.onRestart = (delay, kind, at) => {
        for (const other of this.associations) {
          if (other === association) continue
          other.session.beginRestart(delay, kind, at)
          other.port?.touch()
        }
      }
      this.#associations.set(remote, association)
    }
  }

  get associations(): readonly Association[] {
    return [...this.#associations.values()]
  }

  /** The session with a master. */
  session(master: number): OutstationSession | undefined {
    return this.#associations.get(master)?.session
  }

  /** Changes a point; see {@link Database.update}. */
  update(
    kind: PointKind,
    index: number,
    change: PointChange,
    events: 'detect' | 'force' | 'suppress' = 'detect',
  ): void {
    this.database.update(kind, index, change, now(), events)
    for (const { port } of this.#associations.values()) port?.touch()
  }

  /** New values of a data set, and an event where it gives any; see {@link DataSetStore.update}. */
  updateDataSet(id: number, values: readonly Uint8Array[], time?: number): void {
    this.#dataSets.update(id, values, this.database, now(), time)
    for (const { port } of this.#associations.values()) port?.touch()
  }

  /** The association that a frame belongs to; of several masters, by its source. */
  find(frame: LinkFrame): Association | undefined {
    const { source, destination } = frame
    if (
      !frame.fromMaster ||
      (destination !== this.local && !isBroadcast(destination) && destination !== SELF_ADDRESS)
    ) {
      return undefined
    }
    const known = this.#associations.get(source)
    return known ?? (this.#anyMaster ? this.associations[0] : undefined)
  }
}

/** A connection or line on which outstations are reached: it brings frames to the sessions that they belong to. */
export class OutstationPort implements ChannelStation {
  readonly #outstations: readonly Outstation[]
  /** One for all ports of a server: a thousand of each would be a million entries. */
  readonly #byAddress: ReadonlyMap<number, readonly Outstation[]>
  readonly #outbox: Outbox
  readonly #attached = new Set<Association>()
  readonly #onLost: (() => void) | undefined
  /** Called when a point has changed. */
  onTouch: (() => void) | undefined

  constructor(
    outstations: readonly Outstation[],
    byAddress: ReadonlyMap<number, readonly Outstation[]>,
    outbox: Outbox,
    onLost: (() => void) | undefined,
  ) {
    this.#outstations = outstations
    this.#byAddress = byAddress
    this.#outbox = outbox
    this.#onLost = onLost
  }

  get wake(): number {
    let wake = Infinity
    for (const { session } of this.#attached) wake = Math.min(wake, session.wake)
    return wake
  }

  touch(): void {
    this.onTouch?.()
  }

  /** A connection of its own is closed; one that others share, and a socket without any, is kept and all starts over on it. */
  lost(session: OutstationSession): void {
    if (this.#onLost !== undefined && this.#attached.size === 1) this.#onLost()
    else session.opened(now())
  }

  accepts(frame: LinkFrame): boolean {
    return this.#meant(frame).some((outstation) => outstation.find(frame) !== undefined)
  }

  /** Whom a frame may be for, by its destination. */
  #meant({ destination }: LinkFrame): readonly Outstation[] {
    return destination >= SELF_ADDRESS ? this.#outstations : (this.#byAddress.get(destination) ?? [])
  }

  receive(frame: LinkFrame, at: number): void {
    for (const outstation of this.#meant(frame)) {
      const association = outstation.find(frame)
      if (association === undefined || !association.session.accepts(frame)) continue
      if (association.port !== this) this.#attach(association, at)
      association.session.receive(frame, at)
    }
  }

  heard(at: number): void {
    for (const { session } of this.#attached) session.heard(at)
  }

  advance(at: number): void {
    for (const { session } of this.#attached) if (session.wake <= at) session.advance(at)
  }

  /**
   * An outstation with one master speaks to whoever connects first, so that it can speak at all before it is asked; one with
   * several, or with another connection, waits until its master speaks here.
   */
  opened(at: number): void {
    for (const { associations } of this.#outstations) {
      const [only, ...more] = associations
      if (only !== undefined && more.length === 0 && only.port === undefined) this.#attach(only, at)
    }
  }

  closed(at: number): void {
    for (const association of this.#attached) this.detach(association, at)
  }

  /** The newest connection has it: the old one is most often dead, and does not know. */
  #attach(association: Association, at: number): void {
    association.port?.detach(association, at)
    association.port = this
    association.outbox.forward = this.#outbox
    this.#attached.add(association)
    association.session.opened(at)
  }

  detach(association: Association, at: number): void {
    if (!this.#attached.delete(association)) return
    association.session.closed(at)
    association.port = undefined
    association.outbox.forward = undefined
    association.outbox.take()
  }
}
