import { DecodeError } from '@gridseal/wire'
import type { MutableFrame, OpenedFrame } from '../process-bus/header.ts'
import { APDU_TAG, openApdu } from '../process-bus/header.ts'
import { decodeError } from '../process-bus/sequence.ts'
import { decodeRoutable } from './session.ts'

/**
 * Takes a datagram of R-GOOSE or R-SV apart down to its first APDU. What is wrong goes to `problems`; where it is encrypted there
 * are no contents, and nothing is wrong.
 */
export function openRoutable(bytes: Uint8Array, kind: 'goose' | 'sv', problems: DecodeError[]): OpenedFrame {
  const opened: MutableFrame = { contentsAt: 0 }
  try {
    const session = decodeRoutable(bytes)
    opened.session = session
    if (session.elements === undefined) return opened
    const element = session.elements.find((one) => one.kind === kind)
    if (element === undefined) throw new DecodeError('decode.missing', bytes.length, 'element', `no ${kind} payload`)
    const { appId, simulation, apdu } = element
    opened.header = { appId, simulated: simulation, reserved1: 0, reserved2: 0 }
    const start = apdu.byteOffset - bytes.byteOffset
    openApdu(bytes, start, start + apdu.length, APDU_TAG[kind], opened, problems)
  } catch (error) {
    problems.push(decodeError(error))
  }
  return opened
}
