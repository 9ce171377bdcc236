import type { Frame, PointNames, Reading, ReadingExtractor } from '@gridseal/adapter'
import type { Fragment } from '../codec/application.ts'
import { decodeFragment } from '../codec/application.ts'
import { segmentOf, senderOf } from '../codec/frame-segment.ts'
import { functionOf } from '../codec/functions.ts'
import { decodeLinkFrame } from '../codec/link-frame.ts'
import type { Measurement } from '../codec/measurements.ts'
import { forEachMeasurement } from '../codec/measurements.ts'
import { Reassembler } from '../session/reassembly.ts'

const NS_PER_MS = 1_000_000n

/**
 * Turns responses and unsolicited responses into readings. A point is named by the group of its present value and its
 * index, so that `g30/12` is the same point whether it was polled (g30) or reported as an event (g32); `names` may call it
 * something else. Binary points are
 * booleans; double-bit points 0 intermediate, 1 off, 2 on, 3 indeterminate; counters and analogs numbers; octet strings
 * text where they are printable ASCII, else hex after `0x`.
 *
 * Readings of fragments whose objects cannot be told to the end stop there. Memory is bounded by the reassembly's
 * defaults, whatever number of links and stations there is.
 */
export function createReadings(names?: PointNames): ReadingExtractor {
  const reassembler = new Reassembler<string>()
  return {
    push: (frame) => {
      const fragment = responseOf(frame, reassembler)
      return fragment === undefined ? [] : readingsOf(frame, fragment, names)
    },
  }
}

/** The response that a frame completes. */
function responseOf(frame: Frame, reassembler: Reassembler<string>): Fragment | undefined {
  try {
    const link = decodeLinkFrame(frame.bytes)
    const segment = segmentOf(link)
    if (segment === undefined || link.fromMaster) return undefined
    const key = `${frame.connection} ${senderOf(link)} ${frame.link}`
    const { fragment } = reassembler.push(key, segment)
    if (fragment === undefined || functionOf(fragment[1] ?? 0)?.response !== true) return undefined
    return decodeFragment(fragment)
  } catch {
    return undefined
  }
}

function readingsOf({ link, time: arrival }: Frame, fragment: Fragment, names: PointNames | undefined): Reading[] {
  const readings: Reading[] = []
  forEachMeasurement(fragment, ({ point, index, value, quality, time }) => {
    const place = `g${point}/${index}`
    readings.push({
      link,
      // A device that does not know the time sends 0.
      time: time === undefined ? arrival : BigInt(time) * NS_PER_MS,
      point: names?.get(place) ?? place,
      value: plain(value),
      quality,
    })
  })
  return readings
}

function plain(value: Measurement['value']): Reading['value'] {
  return value instanceof Uint8Array ? textOf(value) : value
}

function textOf(octets: Uint8Array): string {
  const printable = octets.every((octet) => octet >= 0x20 && octet < 0x7f)
  const buffer = Buffer.from(octets.buffer, octets.byteOffset, octets.length)
  return printable ? buffer.toString('latin1') : `0x${buffer.toString('hex')}`
}
