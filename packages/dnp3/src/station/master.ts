import { ReconnectingLink, connect, listen, openDatagram, parseEndpoint } from '@gridseal/transport'
import type { Connection, ConnectOptions, DatagramSocket, ListenOptions, Listener } from '@gridseal/transport'
import { ProtocolError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import { NEVER } from 'rxjs'
import type { Observable } from 'rxjs'
import { Association } from '../session/master/association.ts'
import type { AssociationHandler } from '../session/master/association.ts'
import { CollisionAvoidance } from '../session/link/collision-avoidance.ts'
import type { CollisionOptions } from '../session/link/collision-avoidance.ts'
import { MasterChannel } from '../session/master/master-channel.ts'
import type { AssociationOptions } from '../session/master/master-options.ts'
import type { MasterSecurity } from '../session/master/master-security.ts'
import { Outbox } from '../session/outbox.ts'
import { now, utcAt } from './clock.ts'
import { ConnectionRunner, DatagramRunner } from './machine-runner.ts'
import type { Machine } from './machine-runner.ts'
import { RemoteOutstation } from './remote-outstation.ts'

export interface MasterStationOptions {
  /** Connect to the outstations, or wait for them to connect. Default: connect; serial lines are opened either way. */
  readonly direction?: 'connect' | 'listen'
  readonly connect?: ConnectOptions
  readonly listen?: ListenOptions
  /** First and longest wait before another attempt to connect, milliseconds. */
  readonly reconnect?: { readonly base?: number; readonly max?: number }
  /** Wait for silence on a serial line where outstations speak unasked. Default: do not wait. */
  readonly collisionAvoidance?: CollisionOptions
}

/**
 * A master on one connection or line, with one or several outstations behind it. Connects again whenever the connection ends.
 *
 * @example
 * const master = await Master.open('tcp://10.0.0.7:20000')
 * const outstation = master.add({ local: 1, remote: 10 }, { fragment: (fragment) => forEachMeasurement(fragment, print) })
 * await outstation.operate([{ kind: 'binary', index: 3, code: 3, count: 1, onTime: 100, offTime: 100 }])
 */
export class Master implements Machine {
  readonly outbox: Outbox = new Outbox()
  readonly #channel: MasterChannel
  #runner: ConnectionRunner | DatagramRunner | undefined
  #link: ReconnectingLink | undefined
  #listener: Listener | undefined
  #socket: DatagramSocket | undefined
  #waiting: (() => void)[] = []
  /** Where outstations that connect find it. */
  url: string
  #failures: Observable<GridsealError> = NEVER

  private constructor(url: string, medium: 'stream' | 'serial' | 'datagram', line: CollisionOptions | undefined) {
    this.url = url
    this.#channel = new MasterChannel(medium, this.outbox, line && new CollisionAvoidance(line, Math.random))
  }

  /** Opens the way to outstations; they are added with {@link add}. Rejects with `UsageError` for what cannot be. */
  static async open(url: string, options: MasterStationOptions = {}): Promise<Master> {
    const { kind } = parseEndpoint(url)
    const medium = kind === 'udp' ? 'datagram' : kind === 'serial' ? 'serial' : 'stream'
    const master = new Master(url, medium, options.collisionAvoidance)
    if (kind === 'udp') {
      master.#socket = await openDatagram({ peer: url })
      master.#runner = new DatagramRunner(master, master.#socket, true)
    } else if (options.direction === 'listen' && kind !== 'serial') {
      master.#listener = await listen(url, options.listen ?? {})
      master.url = master.#listener.url
      master.#listener.connections.subscribe((connection) => master.#connected(connection))
    } else {
      master.#link = new ReconnectingLink(
        (signal) => connect(url, { ...options.connect, signal }),
        options.reconnect ?? {},
      )
      master.#failures = master.#link.failures
      master.#link.connections.subscribe((connection) => master.#connected(connection))
      master.#link.start()
    }
    return master
  }

  /** Why attempts to connect failed and connections broke; nothing where outstations connect, or over UDP. */
  get failures(): Observable<GridsealError> {
    return this.#failures
  }

  get connected(): boolean {
    return this.#runner !== undefined
  }

  /** Resolves when there is a connection, at once if there is one; never if none is ever made. */
  whenConnected(): Promise<void> {
    return new Promise((resolve) => {
      if (this.connected) resolve()
      else this.#waiting.push(resolve)
    })
  }

  /** An outstation on this connection or line. Throws `UsageError` for options that cannot be. */
  add(
    options: AssociationOptions,
    handler: AssociationHandler = {},
    security?: (association: Association) => MasterSecurity,
  ): RemoteOutstation {
    const association: Association = new Association(options, {
      outbox: this.outbox,
      utc: utcAt,
      handler: { ...handler, linkLost: () => this.#lost(association, handler) },
      ...(security && { security }),
    })
    this.#channel.add(association, now())
    this.#runner?.touch()
    return new RemoteOutstation(association, () => this.#touch())
  }

  remove(outstation: RemoteOutstation): void {
    this.#channel.remove(outstation.association, now())
  }

  async close(): Promise<void> {
    const runner = this.#runner
    if (runner instanceof ConnectionRunner) runner.connection.end()
    await this.#link?.stop()
    await this.#listener?.close()
    if (runner instanceof DatagramRunner) runner.stop()
    await this.#socket?.close()
  }

  get wake(): number {
    return this.#channel.wake
  }

  get pending(): boolean {
    return this.#channel.link.pending
  }

  push(chunk: Uint8Array, at: number): void {
    this.#channel.push(chunk, at)
  }

  quiet(at: number): void {
    this.#channel.link.quiet(at)
  }

  opened(at: number): void {
    this.#channel.opened(at)
  }

  closed(at: number): void {
    this.#channel.closed(at)
  }

  advance(at: number): void {
    this.#channel.advance(at)
  }

  #touch(): void {
    this.#channel.choose(now())
    this.#runner?.touch()
  }

  /** A connection of its own is closed; one that others share, and a socket without any, is kept and all starts over on it. */
  #lost(association: Association, handler: AssociationHandler): void {
    handler.linkLost?.()
    if (this.#runner instanceof ConnectionRunner && this.#channel.associations.length === 1) {
      this.#runner.connection.destroy(new ProtocolError('dnp3.link.keep-alive', 'nobody answers keep-alives'))
    } else association.opened(now())
  }

  /** The newest connection has it: an old one is most often dead, and does not know. */
  #connected(connection: Connection): void {
    if (this.#runner instanceof ConnectionRunner) {
      this.#runner.stop()
      this.#runner.connection.destroy()
    }
    const runner = new ConnectionRunner(this, connection)
    this.#runner = runner
    for (const resolve of this.#waiting.splice(0)) resolve()
    void connection.closed.then(() => {
      if (this.#runner === runner) this.#runner = undefined
    })
  }
}
