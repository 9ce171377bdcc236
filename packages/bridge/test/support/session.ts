import type { Direction } from '@gridseal/adapter'
import type { BridgeEvent } from '@gridseal/bridge'
import { parseConfig } from '@gridseal/bridge'
import type { FrameEntry, Journal } from '@gridseal/envelope'
import { SigningKey } from '@gridseal/pqc'
import { expect } from 'chai'
import { Subject } from 'rxjs'
import type { FieldConfig } from '#src/config/model.ts'
import type { LinkEnd } from '#src/link/end.ts'
import { newCounters } from '#src/link/end.ts'
import { BatchKeys } from '#src/signing/batch-keys.ts'
import { SiteSession } from '#src/site/session.ts'

export const NOW = 1_700_000_000_000_000_000n

/** A link's end that the test speaks through and that remembers what it was given. */
export class End {
  readonly got: string[] = []
  readonly entries = new Subject<readonly FrameEntry[]>()
  readonly end: LinkEnd

  constructor() {
    const nothing = (): void => undefined
    this.end = {
      id: 'meter',
      counters: newCounters(),
      entries: this.entries,
      credits: new Subject(),
      start: () => Promise.resolve(),
      stop: () => Promise.resolve(),
      deliver: (entry) => entry.kind === 'frame' && this.got.push(Buffer.from(entry.bytes).toString()),
      offer: (entry) => entry.kind === 'frame' && this.got.push(Buffer.from(entry.bytes).toString()) > 0,
      refuse: nothing,
      credit: nothing,
      restate: nothing,
      peerRestarted: nothing,
      setPaused: nothing,
      setFarSide: nothing,
    }
  }

  say(n: number): void {
    const bytes = Buffer.from(String(n))
    this.entries.next([
      { kind: 'frame', link: 'meter', connection: 0, direction: 'to-master', time: NOW, protocol: 'raw', bytes },
    ])
  }
}

/** Of the field bridge and of the head-end. */
export const KEYS: readonly SigningKey[] = [1, 2].map((fill) =>
  SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(fill)),
)

/** One site on one bridge, its link's end the test's. */
export async function session(
  inbound: Direction,
  end: End,
  events: BridgeEvent[],
  journal: Journal | undefined,
  store?: 'normal',
  unacknowledged: number = 8 << 20,
): Promise<SiteSession> {
  const [own, peer] = inbound === 'to-master' ? KEYS : [...KEYS].reverse()
  if (own === undefined || peer === undefined) expect.fail('keys')
  const defaults = parseConfig(
    JSON.stringify({
      role: 'field',
      site: 's',
      identity: 'k',
      channel: { connect: 'tcp://127.0.0.1:1', peer: 'p' },
      links: [{ id: 'meter', protocol: 'raw', device: 'udp://127.0.0.1:1' }],
    }),
    'test',
  ) as FieldConfig
  const report = (event: BridgeEvent): void => void events.push(event)
  const created = new SiteSession({
    site: 's',
    inbound,
    keys: await BatchKeys.open(own, undefined, [], () => 0, report),
    peer: peer.publicKey,
    accept: defaults.channel.accept,
    listed: [],
    receipts: [],
    journal,
    links: [
      {
        end: end.end,
        policy: undefined,
        maxAge: Number.POSITIVE_INFINITY,
        store: store && (inbound === 'to-master' ? store : undefined),
      },
    ],
    groupEnds: [],
    groups: [],
    limits: { ...defaults.limits, batchEntries: 1, unacknowledged },
    store: defaults.store,
    holdConnections: 60_000,
    now: () => NOW,
    report,
    onFault: (error) => expect.fail(String(error)),
  })
  await created.start()
  return created
}
