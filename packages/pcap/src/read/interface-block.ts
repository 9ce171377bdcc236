import type { Clock } from '../packet.ts'
import { interfaceClock } from './clock.ts'
import type { CaptureInterface, RecordProblem } from './format.ts'

/** Options of an Interface Description Block (draft-ietf-opsawg-pcapng section 4.2) that matter to a reader. */
export const IF_OPTION = { END: 0, NAME: 2, TSRESOL: 9, FCSLEN: 13, TSOFFSET: 14 } as const

const FIXED_LENGTH = 16

export interface InterfaceBlock {
  readonly description: CaptureInterface
  readonly clock: Clock
}

/** Reads the Interface Description Block `at`..`end` (at least 20 bytes, trailing length included). */
export function readInterfaceBlock(
  source: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  little: boolean,
): InterfaceBlock | RecordProblem {
  let name: string | undefined
  let resolution: number | undefined
  let offset: bigint | undefined
  let fcsLength: number | undefined
  const last = end - 4
  for (let option = at + FIXED_LENGTH; option + 4 <= last;) {
    const code = view.getUint16(option, little)
    const length = view.getUint16(option + 2, little)
    const value = option + 4
    if (code === IF_OPTION.END) break
    if (value + length > last) {
      return { code: 'pcap.option.length', reason: `option ${code} of ${length} bytes leaves its block` }
    }
    if (code === IF_OPTION.NAME) name = new TextDecoder().decode(source.subarray(value, value + length))
    else if (code === IF_OPTION.TSRESOL && length === 1) resolution = view.getUint8(value)
    else if (code === IF_OPTION.TSOFFSET && length === 8) offset = view.getBigInt64(value, little)
    else if (code === IF_OPTION.FCSLEN && length === 1) fcsLength = view.getUint8(value)
    option = value + ((length + 3) & ~3)
  }
  return {
    description: {
      linkType: view.getUint16(at + 8, little),
      snapLength: view.getUint32(at + 12, little),
      ...(name === undefined ? {} : { name }),
      ...(fcsLength === undefined ? {} : { fcsLength }),
    },
    clock: interfaceClock(resolution, offset),
  }
}
