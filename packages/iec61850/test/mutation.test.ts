import { expect } from 'chai'
import { OPERATION_KINDS } from '@gridseal/adapter'
import type { ProtocolAdapter } from '@gridseal/adapter'
import {
  decodeGooseFrame,
  decodeSvFrame,
  encodeGooseFrame,
  encodeSvFrame,
  gooseAdapter,
  svAdapter,
} from '@gridseal/iec61850'
import { DecodeError } from '@gridseal/wire'
import { mutations } from '../../../test/support/mutate.ts'
import type { GoldenFrame } from './support/frames.ts'
import { OWN_CAPTURES, framesOf, gooseFrame, sharedCaptures, svFrame } from './support/frames.ts'

/** Decoders return a value, whose octets are those given, or throw a DecodeError with offset and field. */
function survives(decode: () => Uint8Array, bytes: Uint8Array): void {
  let octets: Uint8Array
  try {
    octets = decode()
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    if (!error.code.startsWith('decode.') || !(error.offset >= 0) || error.field === '') expect.fail(error.message)
    return
  }
  if (Buffer.compare(octets, bytes) !== 0) expect.fail(`not the same octets: ${Buffer.from(bytes).toString('hex')}`)
}

/** Everything the bridge calls, none of which may throw. */
function throughAdapter(adapter: ProtocolAdapter, bytes: Uint8Array): void {
  void adapter.describe(bytes, 'to-master').summary
  JSON.parse(`{${adapter.inspector().push(bytes, 'to-master').members}}`)
  const { kind, critical } = adapter.operation(bytes, 'to-master')
  if (!OPERATION_KINDS.includes(kind) || (kind === 'unknown' && !critical)) expect.fail(`${kind} ${critical}`)
  adapter.readings().push({ link: 'l', connection: 0, direction: 'to-master', time: 0n, bytes })
  for (const keepInvalid of [false, true]) {
    const framer = adapter.framer({ medium: 'datagram', direction: 'to-master', keepInvalid })
    const delivered = framer.push(bytes).reduce((sum, frame) => sum + frame.length, 0)
    if (delivered + framer.discarded !== bytes.length) expect.fail(`${delivered} + ${framer.discarded} octets`)
  }
}

function goldenFrames(): GoldenFrame[] {
  const own = OWN_CAPTURES.flatMap((file) => framesOf(file).filter((_, index) => index % 25 === 0))
  // One of each kind of frame that the shared captures hold.
  const shared = sharedCaptures().flatMap((file) => framesOf(file).slice(0, 1))
  return [
    ...own,
    ...shared,
    { name: 'a GOOSE frame of ours', protocol: 'goose', bytes: encodeGooseFrame(gooseFrame()) },
    { name: 'an SV frame of ours', protocol: 'sv', bytes: encodeSvFrame(svFrame(1)) },
  ]
}

describe('mutations of every golden frame', () => {
  for (const { name, protocol, bytes } of goldenFrames()) {
    it(`${name.slice(name.lastIndexOf('/') + 1)}: decoded to the same octets, or refused`, () => {
      const adapter = protocol === 'goose' ? gooseAdapter : svAdapter
      const decode = (octets: Uint8Array): Uint8Array =>
        protocol === 'goose' ? encodeGooseFrame(decodeGooseFrame(octets)) : encodeSvFrame(decodeSvFrame(octets))
      for (const mutation of mutations(bytes)) {
        survives(() => decode(mutation), mutation)
        throughAdapter(adapter, mutation)
      }
    }).timeout(60_000)
  }
})
