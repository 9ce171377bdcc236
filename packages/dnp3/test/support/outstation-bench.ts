import { fromHex } from '@gridseal/wire'
import { decodeFragment } from '#src/codec/application.ts'
import type { Fragment } from '#src/codec/application.ts'
import { decodeObjects } from '#src/codec/objects.ts'
import { Outbox } from '#src/session/outbox.ts'
import { DeviceClock } from '#src/session/outstation/clock.ts'
import { Database } from '#src/session/outstation/database.ts'
import type { PointOptions } from '#src/session/outstation/database.ts'
import type { OutstationCommand } from '#src/session/outstation/command.ts'
import type { OutstationOptions } from '#src/session/outstation/options.ts'
import { OutstationSession } from '#src/session/outstation/outstation-session.ts'
import type { OutstationParts } from '#src/session/outstation/parts.ts'

/** What the outstation's clock says at the start. */
export const UTC = 1_800_000_000_000

/** An outstation whose fragments are looked at as they leave; the master's sequence numbers run by themselves. */
export class Bench {
  now = 0
  readonly session: OutstationSession
  readonly database: Database
  readonly sent: Uint8Array[] = []
  #sequence = 15

  constructor(
    points: readonly PointOptions[],
    options: Partial<OutstationOptions> = {},
    parts: Partial<OutstationParts> = {},
  ) {
    this.database = new Database(points, new DeviceClock(UTC, 0))
    this.session = new OutstationSession(
      { local: 10, remote: 1, keepAlive: 0, ...options },
      { database: this.database, outbox: new Outbox(), ...parts },
    )
    this.session.link.send = (fragment) => void this.sent.push(fragment)
    this.session.opened(0)
  }

  take(): Fragment | undefined {
    const octets = this.sent.shift()
    return octets && decodeFragment(octets)
  }

  raw(hex: string | Uint8Array): Fragment | undefined {
    const fragment = typeof hex === 'string' ? fromHex(hex) : hex
    this.session.fragmentReceived(fragment, { source: 1, broadcast: undefined }, this.now)
    return this.take()
  }

  ask(code: number, ...objects: readonly Uint8Array[]): Fragment | undefined {
    this.#sequence = (this.#sequence + 1) & 0x0f
    return this.raw(Buffer.concat([new Uint8Array([0xc0 | this.#sequence, code]), ...objects]))
  }

  confirm(unsolicited = false, sequence = this.#sequence): Fragment | undefined {
    return this.raw(new Uint8Array([0xc0 | (unsolicited ? 0x10 : 0) | sequence, 0]))
  }

  advance(milliseconds: number): Fragment | undefined {
    this.now += milliseconds
    this.session.advance(this.now)
    return this.take()
  }
}

/** The objects of a fragment: which, its index, its value or state. */
export const valuesOf = (fragment: Fragment | undefined): unknown[] =>
  (fragment?.headers ?? []).flatMap((header) =>
    decodeObjects(header).map(({ index, value, state }) => [
      `g${header.group}v${header.variation}`,
      index,
      value ?? state,
    ]),
  )

/** The output that a command is for, or its data set. */
export const placeOf = (command: OutstationCommand): number =>
  command.kind === 'data-set' ? command.id : command.index
