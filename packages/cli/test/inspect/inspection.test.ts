import { expect } from 'chai'
import fc from 'fast-check'
import type { Direction, ProtocolAdapter } from '@gridseal/adapter'
import { dnp3Adapter, encodeLinkFrame } from '@gridseal/dnp3'
import { modbusAdapter } from '@gridseal/modbus'
import { Packet } from '@gridseal/pcap'
import { TextWriter, fromHex } from '@gridseal/wire'
import { Inspection } from '#src/inspect/inspection.ts'

/** Lines as they are written, without the numbers of their packets. */
class Lines extends Inspection {
  readonly lines: string[] = []
  readonly #text: TextWriter

  constructor(text = new TextWriter()) {
    super(true, text)
    this.#text = text
  }

  protected override lineEnd(): void {
    this.lines.push(this.#text.toString().replace(/"frame":\d+/, ''))
    this.#text.clear()
  }

  override async ready(): Promise<void> {}
}

interface Piece {
  readonly direction: Direction
  readonly bytes: Uint8Array
}

const piece = (direction: Direction, hex: string): Piece => ({ direction, bytes: fromHex(hex) })

/** A link frame of DNP3 with a transport segment. */
const dnp3 = (direction: Direction, user: string): Uint8Array =>
  encodeLinkFrame({
    fromMaster: direction === 'to-device',
    primary: true,
    frameCount: false,
    countValidOrBusy: false,
    function: 4,
    destination: 1,
    source: 10,
    user: fromHex(user),
  })

const READ = dnp3('to-device', 'c0 c0 01 3c0206')
const spoilt = READ.map((octet, at) => (at === READ.length - 1 ? octet ^ 1 : octet))

/** Requests with and without answers, frames in two pieces, a fragment in two frames, noise, a wrong check sum. */
const SCRIPTS: readonly [ProtocolAdapter, readonly Piece[]][] = [
  [
    modbusAdapter,
    [piece('to-device', '0001 0000 0006 04 01 0012 0003'), piece('to-master', '0001 0000 0004 04 01 01 05')],
  ],
  [
    modbusAdapter,
    [
      piece('to-device', '0007 0000 0006 01 03 0000'),
      piece('to-device', '0002'),
      piece('to-master', '0007 0000 0007 01 03 04 0001 0002'),
      piece('to-device', 'ffff ffff'),
      piece('to-device', '0008 0000 0006 01 03 0000 0002'),
    ],
  ],
  [
    dnp3Adapter,
    [
      { direction: 'to-device', bytes: READ },
      { direction: 'to-master', bytes: dnp3('to-master', '41 c0 81 0000 1e02 00 00') },
      { direction: 'to-master', bytes: dnp3('to-master', '82 00 01 2a00') },
    ],
  ],
  [
    dnp3Adapter,
    [
      { direction: 'to-device', bytes: spoilt.subarray(0, 12) },
      { direction: 'to-device', bytes: spoilt.subarray(12) },
      { direction: 'to-device', bytes: READ },
    ],
  ],
]

/** What an inspection tells of some conversations whose pieces come in turn, in the order in which they end. */
function told(conversations: readonly number[]): { lines: string[]; noise: number } {
  const inspection = new Lines()
  const flows = conversations.map((script, number) => {
    const [adapter, pieces] = SCRIPTS[script]!
    const end = (side: string): { text: string } => ({ text: `${side}:${number}` })
    const ends = { client: end('client'), server: end('server') }
    return { flow: inspection.begin({ adapter, framing: undefined, medium: 'stream', ends }), pieces }
  })
  const longest = Math.max(...flows.map(({ pieces }) => pieces.length))
  for (let at = 0; at < longest; at++) {
    for (const { flow, pieces } of flows) {
      const next = pieces[at]
      if (next === undefined) continue
      const packet = Packet.of({ number: at + 1, time: 0n, linkType: 1, bytes: next.bytes })
      inspection.piece(flow, next.direction, packet, next.bytes)
    }
  }
  for (const { flow } of flows) inspection.end(flow)
  return { lines: inspection.lines, noise: inspection.noise }
}

describe('an inspection', () => {
  it('says of each of many conversations at once what it says of it alone', () => {
    const alone = SCRIPTS.map((_, script) => told([script]))
    const named = (line: string, number: number): string => line.replaceAll(/(client|server):0"/g, `$1:${number}"`)
    fc.assert(
      fc.property(
        // More than are kept in readers of their own, and some few.
        fc.array(fc.nat(SCRIPTS.length - 1), { minLength: 1, maxLength: 1200, size: 'max' }),
        (conversations) => {
          const { lines, noise } = told(conversations)
          const expected = conversations.flatMap((script, number) =>
            alone[script]!.lines.map((line) => named(line, number)),
          )
          expect([...lines].sort()).to.deep.equal(expected.sort())
          expect(noise).to.equal(conversations.reduce((sum, script) => sum + alone[script]!.noise, 0))
        },
      ),
      { numRuns: 20, endOnFailure: true },
    )
  })

  it('tells of all that the scripts are for', () => {
    const all = SCRIPTS.map((_, script) => told([script]))
    const text = all.flatMap(({ lines }) => lines).join('')
    expect(text).to.include('"asked":{"address":18,"quantity":3}')
    expect(text).to.include('"asked":{"address":0,"quantity":2}')
    expect(text).to.include('"functionName":"READ"')
    expect(text).to.include('"functionName":"RESPONSE"')
    expect(text).to.include('"malformed":"dnp3.link.block-crc')
    expect(all[1]!.noise).to.be.greaterThan(0)
  })
})
