import type { EthernetSocket, OpenEthernet } from '@gridseal/transport'
import { MemoryEthernet, openEthernet } from '@gridseal/transport'
import type { GooseFrame, SvFrame } from '@gridseal/iec61850'
import {
  ETHER_TYPE_GOOSE,
  ETHER_TYPE_SV,
  encodeGooseFrame,
  encodeSvFrame,
  parseMac,
  utcTimeOf,
  vlanTag,
} from '@gridseal/iec61850'
import { toHex } from '@gridseal/wire'
import type { VethPair } from '../../../../test/support/veth.ts'
import { vethPair } from '../../../../test/support/veth.ts'
import type { Name } from './group-station.ts'
import { NAMES } from './group-station.ts'

/** A network beside each bridge: the name of the bridge's interface, and of another on the same wire. */
export interface Wires {
  readonly open: OpenEthernet
  readonly ends: Readonly<Record<Name, { readonly bridge: string; readonly device: string }>>
  remove(): Promise<void>
}

const both = (name: string): { bridge: string; device: string } => ({ bridge: name, device: name })

/** Networks in memory; with `common`, one for all bridges. */
export function memoryWires(common = false): Wires {
  const name = (one: string): string => (common ? 'bus' : `bus-${one}`)
  const ends = { 'head-end': both(name('h')), a: both(name('a')), b: both(name('b')) }
  return { open: new MemoryEthernet().open, ends, remove: () => Promise.resolve() }
}

/** Pairs of virtual interfaces of this machine; skips the test where there are none. */
export async function realWires(context: Mocha.Context): Promise<Wires> {
  const pairs: VethPair[] = []
  const remove = async (): Promise<void> => {
    for (const pair of pairs.splice(0)) await pair.remove()
  }
  try {
    for (const _ of NAMES) pairs.push(await vethPair(context))
  } catch (error) {
    await remove()
    throw error
  }
  const [h, a, b] = pairs.map((pair) => ({ bridge: pair.a, device: pair.b }))
  return { open: openEthernet, ends: { 'head-end': h!, a: a!, b: b! }, remove }
}

/** A relay or merging unit beside a bridge: says frames, and keeps what it hears in hex. */
export class Station {
  readonly heard: string[] = []
  readonly #socket: EthernetSocket

  private constructor(socket: EthernetSocket) {
    this.#socket = socket
    socket.datagrams.subscribe(({ bytes }) => this.heard.push(toHex(bytes)))
  }

  static async open(open: OpenEthernet, name: string, etherType: number = ETHER_TYPE_GOOSE): Promise<Station> {
    return new Station(await open({ url: `eth://${name}`, etherType }))
  }

  say(frame: Uint8Array): void {
    this.#socket.send(frame)
  }

  close(): Promise<void> {
    return this.#socket.close()
  }
}

const EMPTY = new Uint8Array(0)
const HEADER = { appId: 0x3001, simulated: false, reserved1: 0, reserved2: 0 } as const

/** A GOOSE frame of some relay; `more` replaces parts of it. */
export function goose(stNum: number, more: Partial<GooseFrame> = {}, destination = '01-0C-CD-01-00-01'): Uint8Array {
  return encodeGooseFrame({
    ethernet: {
      destination: parseMac(destination),
      source: parseMac('02-00-00-00-00-01'),
      tags: [vlanTag({ id: 0, priority: 4 })],
      etherType: ETHER_TYPE_GOOSE,
    },
    header: HEADER,
    extension: EMPTY,
    padding: EMPTY,
    pdu: {
      gocbRef: 'IED1LD0/LLN0$GO$gcb1',
      timeAllowedToLive: 300,
      datSet: 'IED1LD0/LLN0$DS1',
      goId: 'gcb1',
      t: utcTimeOf(1_700_000_000_000_000_000n, 0x0a),
      stNum,
      sqNum: 0,
      simulation: false,
      confRev: 1,
      ndsCom: false,
      numDatSetEntries: 1,
      allData: [{ kind: 'boolean', value: stNum % 2 === 1 }],
    },
    ...more,
  })
}

/** A frame of sampled values, 9-2LE. */
export function sampledValues(smpCnt: number): Uint8Array {
  const frame: SvFrame = {
    ethernet: {
      destination: parseMac('01-0C-CD-04-00-01'),
      source: parseMac('02-00-00-00-00-02'),
      tags: [vlanTag({ id: 0, priority: 4 })],
      etherType: ETHER_TYPE_SV,
    },
    header: { ...HEADER, appId: 0x4000 },
    extension: EMPTY,
    padding: EMPTY,
    pdu: { noAsdu: 1, asdus: [{ svId: 'MU01', smpCnt, confRev: 1, smpSynch: 2, sample: new Uint8Array(64) }] },
  }
  return encodeSvFrame(frame)
}

export { HEADER }
