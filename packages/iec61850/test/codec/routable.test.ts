import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import {
  decodeRoutable,
  encodeGooseFrame,
  encodeRoutable,
  encodeSvFrame,
  examineRoutableGoose,
  examineRoutableSv,
  gooseAdapter,
  svAdapter,
} from '@gridseal/iec61850'
import type { RoutableElement, RoutableSession } from '@gridseal/iec61850'
import { CaptureWalker, readCapture } from '@gridseal/pcap'
import { DecodeError, UsageError, fromHex, toHex } from '@gridseal/wire'
import { mutations } from '../../../../test/support/mutate.ts'
import { SHARED_PCAPS, needFolder } from '../../../../test/support/requirements.ts'
import { gooseFrame, svFrame } from '../support/frames.ts'

/** The APDU of a layer-2 frame with a VLAN tag: what is behind its headers. */
const gooseApdu = (): Uint8Array => encodeGooseFrame(gooseFrame({ simulation: false })).subarray(26)
const svApdu = (): Uint8Array => encodeSvFrame(svFrame(7)).subarray(26)

const element = (kind: 'goose' | 'sv', apdu: Uint8Array): RoutableElement => ({
  kind,
  simulation: false,
  appId: 0x3001,
  apdu,
})

function session(more: Partial<RoutableSession> = {}): RoutableSession {
  return {
    kind: 'goose',
    spduNumber: 38_470,
    timeOfCurrentKey: 0,
    timeToNextKey: 0,
    security: { version: 2, keyId: 0, iv: new Uint8Array(0) },
    elements: [element('goose', gooseApdu())],
    payload: new Uint8Array(0),
    signature: undefined,
    lengths: 'standard',
    ...more,
  }
}

const anySession: fc.Arbitrary<RoutableSession> = fc.record({
  kind: fc.constantFrom('goose' as const, 'sv' as const, 'management' as const),
  spduNumber: fc.nat(0xffff_ffff),
  timeOfCurrentKey: fc.nat(0xffff_ffff),
  timeToNextKey: fc.integer({ min: -0x8000, max: 0x7fff }),
  security: fc.oneof(
    fc.record({
      version: fc.constant(1 as const),
      encryption: fc.constant(0),
      signature: fc.nat(8),
      keyId: fc.nat(0xffff_ffff),
    }),
    fc.record({
      version: fc.constant(2 as const),
      keyId: fc.nat(0xffff_ffff),
      iv: fc.uint8Array({ maxLength: 16 }),
    }),
  ),
  elements: fc.array(
    fc.record({
      kind: fc.constantFrom('goose' as const, 'sv' as const, 'management' as const),
      simulation: fc.boolean(),
      appId: fc.nat(0xffff),
      apdu: fc.uint8Array({ maxLength: 200 }),
    }),
    { maxLength: 4 },
  ),
  payload: fc.constant(new Uint8Array(0)),
  signature: fc.option(fc.uint8Array({ maxLength: 32 }), { nil: undefined }),
  lengths: fc.constantFrom('standard' as const, 'libiec61850' as const),
})

/** Datagrams of a capture, or none where it is not there. */
function datagramsOf(name: string): Uint8Array[] {
  const file = join(SHARED_PCAPS, name)
  if (!existsSync(file)) return []
  const events = new CaptureWalker().pushAll(readCapture(readFileSync(file)).packets)
  return events.flatMap((event) => (event.kind === 'datagram' ? [new Uint8Array(event.bytes)] : []))
}

const CAPTURES = ['r-goose/ge_multilin_ur_rgoose_a', 'iec61850-peers/rgoose-none', 'iec61850-peers/rsv-none'].map(
  (name) => `${name}.pcap`,
)
const ENCRYPTED = ['iec61850-peers/rgoose-gcm', 'iec61850-peers/rsv-gcm'].map((name) => `${name}.pcap`)

describe('R-GOOSE and R-SV (IEC 61850-90-5)', () => {
  it('a session without security, lengths as a relay counts them', () => {
    const apdu = fromHex('6100')
    const bytes = encodeRoutable(session({ elements: [{ kind: 'goose', simulation: true, appId: 5, apdu }] }))
    expect(toHex(bytes)).to.equal(
      '0140' +
        'a117' +
        '8015' +
        '0000001d' +
        '00009646' +
        '0002' +
        '00000000' +
        '0000' +
        '00000000' +
        '00' +
        '00000008' +
        '8101' +
        '0005' +
        '0002' +
        '6100',
    )
  })

  it('reads what it writes, by either way of counting', () => {
    fc.assert(
      fc.property(anySession, (value) => {
        const bytes = encodeRoutable(value)
        const again = decodeRoutable(bytes)
        expect({ ...again, payload: value.payload }).to.deep.equal(value)
        expect(toHex(encodeRoutable(again))).to.equal(toHex(bytes))
      }),
      { numRuns: 500 },
    )
  })

  it('examines the PDU of the first payload of its kind', () => {
    const sv = element('sv', svApdu())
    const both = session({ elements: [sv, element('goose', gooseApdu())] })
    const { pdu, malformed, violation, frame } = examineRoutableGoose(encodeRoutable(both))
    expect([malformed, violation]).to.deep.equal([undefined, undefined])
    expect(pdu).to.include({ gocbRef: 'IED1LD0/LLN0$GO$gcb1', stNum: 1 })
    expect(frame.header?.appId).to.equal(0x3001)
    const { asdus } = examineRoutableSv(encodeRoutable(session({ kind: 'sv', elements: [sv] })))
    expect(asdus[0]).to.include({ svId: 'MU01', smpCnt: 7 })
    expect(examineRoutableSv(encodeRoutable(session())).malformed?.code).to.equal('decode.missing')
  })

  it('what is encrypted is told as such, and carried', () => {
    const security = { version: 2, keyId: 9, iv: new Uint8Array(12) } as const
    const payload = Uint8Array.from({ length: 40 }, (_, i) => 200 - i)
    const sealed = session({ security, elements: undefined, payload, signature: new Uint8Array(16) })
    const bytes = encodeRoutable(sealed)
    expect(decodeRoutable(bytes)).to.deep.equal(sealed)
    const { malformed, summary, fields } = gooseAdapter.describe(bytes, 'to-master', 'routable')
    expect([malformed, summary]).to.deep.equal([null, 'encrypted, key 9'])
    expect(fields['session']).to.include({ encrypted: true, keyId: 9, signature: 16 })
    expect(gooseAdapter.operation(bytes, 'to-master', 'routable')).to.deep.equal({ kind: 'unknown', critical: true })
    const framer = gooseAdapter.framer({ medium: 'datagram', direction: 'to-master', framing: 'routable' })
    expect(framer.push(bytes)).to.deep.equal([bytes])
  })

  it('refuses what does not fit, with its reason', () => {
    const bytes = encodeRoutable(session())
    const changed = (at: number, ...octets: number[]): string => {
      const copy = bytes.slice()
      copy.set(octets, at)
      try {
        decodeRoutable(copy)
      } catch (error) {
        expect(error).to.be.instanceOf(DecodeError)
        return (error as DecodeError).code
      }
      return 'nothing'
    }
    expect(changed(0, 2)).to.equal('decode.routable.cltp')
    expect(changed(2, 0xa4)).to.equal('decode.routable.session')
    expect(changed(3, 0x18)).to.equal('decode.length')
    expect(changed(9, 0xff)).to.equal('decode.length')
    expect(changed(15, 3)).to.equal('decode.routable.version')
    expect(changed(26, 200), 'an IV beyond the datagram').to.equal('decode.truncated')
    expect(changed(27, 0xff, 0xff, 0xff, 0xff)).to.equal('decode.truncated')
    expect(changed(31, 0x99), 'a payload that is none').to.equal('decode.ber.tag')
    expect(() => encodeRoutable(session({ elements: [element('goose', new Uint8Array(70_000))] }))).to.throw(UsageError)
  })

  it('recorded datagrams are encoded again to the same octets', function () {
    needFolder(this, join(SHARED_PCAPS, 'r-goose'))
    for (const name of [...CAPTURES, ...ENCRYPTED]) {
      const datagrams = datagramsOf(name)
      expect(datagrams, name).to.not.be.empty
      for (const bytes of datagrams) {
        const decoded = decodeRoutable(bytes)
        expect(toHex(encodeRoutable(decoded))).to.equal(toHex(bytes))
        expect(decoded.elements === undefined, name).to.equal(ENCRYPTED.includes(name))
      }
    }
  })

  it('survives every mutation', () => {
    const golden = [
      encodeRoutable(session()),
      ...[...CAPTURES, ...ENCRYPTED].flatMap((name) => datagramsOf(name).slice(0, 1)),
    ]
    for (const bytes of golden) {
      for (const mutation of mutations(bytes)) {
        try {
          const again = encodeRoutable(decodeRoutable(mutation))
          if (Buffer.compare(again, mutation) !== 0) expect.fail(toHex(mutation))
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error
        }
        for (const adapter of [gooseAdapter, svAdapter]) {
          void adapter.describe(mutation, 'to-master', 'routable').summary
          adapter.operation(mutation, 'to-master', 'routable')
          adapter.recognition.looksLike(mutation)
          const frame = { link: 'l', connection: 0, direction: 'to-master', time: 0n, bytes: mutation } as const
          adapter.readings('routable').push(frame)
        }
      }
    }
  }).timeout(60_000)
})
