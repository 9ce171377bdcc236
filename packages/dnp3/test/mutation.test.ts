import { expect } from 'chai'
import type { Direction, Inspector, ReadingExtractor } from '@gridseal/adapter'
import { OPERATION_KINDS } from '@gridseal/adapter'
import {
  LINK,
  createFramer,
  decodeFragment,
  decodeLinkFrame,
  decodeObjects,
  dnp3Adapter,
  encodeLinkFrame,
} from '@gridseal/dnp3'
import { DecodeError } from '@gridseal/wire'
import { segmentOf } from '#src/codec/frame-segment.ts'
import { mutations } from '../../../test/support/mutate.ts'
import { fixtureFragments, fixtureFrames } from './support/fixtures.ts'
import { goldenFrames } from './support/digest.ts'

/** What a decoder made of bytes: a value, or a DecodeError with offset and field. */
function survives<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    const { code, offset, field } = error
    if (!/^(decode|dnp3)\.[a-z.-]+$/.test(code) || !(offset >= 0) || field === '') expect.fail(error.message)
    return undefined
  }
}

const DIRECTIONS: readonly Direction[] = ['to-device', 'to-master']

/** Everything the bridge calls, none of which may throw; memory is bounded by what the inspector may hold. */
function throughAdapter(bytes: Uint8Array, inspector: Inspector, readings: ReadingExtractor): void {
  dnp3Adapter.recognition.looksLike(bytes)
  void dnp3Adapter.describe(bytes, 'to-device').summary
  void inspector.push(bytes, 'to-device').summary
  for (const direction of DIRECTIONS) {
    const { kind, critical } = dnp3Adapter.operation(bytes, direction)
    if (!OPERATION_KINDS.includes(kind) || (kind === 'unknown' && !critical)) expect.fail(`${kind} ${critical}`)
  }
  readings.push({ link: 'l', connection: 0, direction: 'to-master', time: 0n, bytes })
}

function throughFramer(bytes: Uint8Array): void {
  for (const keepInvalid of [false, true]) {
    const framer = createFramer({ medium: 'serial', direction: 'to-device', keepInvalid })
    const frames = [...framer.push(bytes.subarray(0, 5)), ...framer.push(bytes.subarray(5)), ...framer.quiet()]
    const delivered = frames.reduce((sum, frame) => sum + frame.length, 0)
    if (delivered + framer.discarded !== bytes.length) expect.fail(`${delivered} + ${framer.discarded} octets`)
  }
}

/** A fragment in one frame with right check sums, so that what is wrong inside gets past the link layer. */
function sealed(fragment: Uint8Array): Uint8Array {
  const user = new Uint8Array(Math.min(fragment.length, 249) + 1)
  user[0] = 0xc0
  user.set(fragment.subarray(0, 249), 1)
  const rest = {
    frameCount: false,
    countValidOrBusy: false,
    function: LINK.UNCONFIRMED_USER_DATA,
    destination: 10,
    source: 1,
    user,
  }
  return encodeLinkFrame({ fromMaster: false, primary: true, ...rest })
}

describe('mutated DNP3', () => {
  it('link frames: golden frames of every form are decoded or refused, by the codec and by all that the bridge calls', () => {
    const inspector = dnp3Adapter.inspector()
    const readings = dnp3Adapter.readings()
    let refused = 0
    for (const golden of ofEachForm([...fixtureFrames(), ...goldenFrames()])) {
      for (const bytes of mutations(golden)) {
        const frame = survives(() => decodeLinkFrame(bytes))
        if (frame === undefined) refused++
        else if (frame.user.length > 0) survives(() => segmentOf(frame))
        throughAdapter(bytes, inspector, readings)
        throughFramer(bytes)
      }
    }
    expect(refused).to.be.above(1000)
  }).timeout(60_000)

  it('fragments behind right check sums: every golden fragment', () => {
    const fragments = [...fixtureFragments(), ...goldenFrames().flatMap(fragmentsIn)]
    expect(fragments.length).to.be.above(100)
    const inspector = dnp3Adapter.inspector()
    const readings = dnp3Adapter.readings()
    let stopped = 0
    for (const golden of sample(fragments)) {
      for (const bytes of mutations(golden)) {
        const fragment = survives(() => decodeFragment(bytes))
        if (fragment?.stop !== undefined) stopped++
        for (const header of fragment?.headers ?? []) {
          if (decodeObjects(header).length > 8 * bytes.length) expect.fail('more objects than octets hold')
        }
        throughAdapter(sealed(bytes), inspector, readings)
      }
    }
    expect(stopped).to.be.above(1000)
  }).timeout(60_000)
})

/** Long fragments are thousands of mutations each: of those from 60 octets on, one of each length. */
function sample(list: readonly Uint8Array[]): Uint8Array[] {
  const lengths = new Set<number>()
  return list.filter((bytes) => bytes.length < 60 || (!lengths.has(bytes.length) && lengths.add(bytes.length)))
}

/** A mutation of a frame breaks a check sum, whatever the frame says: one of each length and control octet. */
function ofEachForm(frames: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(frames.map((frame) => [`${frame.length} ${frame[3]}`, frame])).values()]
}

function fragmentsIn(bytes: Uint8Array): Uint8Array[] {
  return createFramer({ medium: 'datagram', direction: 'to-device' })
    .push(bytes)
    .flatMap((frame) => {
      const segment = segmentOf(decodeLinkFrame(frame))
      return segment?.first === true && segment.final ? [segment.data] : []
    })
}
