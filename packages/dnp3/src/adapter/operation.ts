import type { Direction, Operation, OperationKind } from '@gridseal/adapter'
import type { Fragment } from '../codec/application.ts'
import { decodeFragment } from '../codec/application.ts'
import { segmentOf } from '../codec/frame-segment.ts'
import { functionOf } from '../codec/functions.ts'
import type { LinkFrame } from '../codec/link-frame.ts'
import { decodeLinkFrame } from '../codec/link-frame.ts'
import { linkFunctionOf } from '../codec/link-functions.ts'
import { targetOf } from './target.ts'

const UNKNOWN: Operation = { kind: 'unknown', critical: true }

/**
 * What a frame does.
 *
 * A fragment's function stands in its first segment. By that the fragment is judged: a device ignores the other segments
 * of a fragment whose first one was dropped. Segments that go on with a fragment do not say what they do; to a device
 * they are `unknown`, so that an allow list lets long requests through only where it lists `unknown`. From a device they
 * are `response`: long answers are the rule, and there is nothing in them that acts. A first segment that is too short to
 * hold the function is `unknown`, too.
 *
 * Frames of the link layer alone (reset, test, status, acknowledgements) go with reading: no link works without them.
 */
export function operationOf(bytes: Uint8Array, direction: Direction): Operation {
  try {
    const frame = decodeLinkFrame(bytes)
    const segment = segmentOf(frame)
    if (segment === undefined) return linkOperation(frame, direction)
    if (!segment.first) return continuation(direction)
    const fragment = decodeFragment(segment.data)
    return fragmentOperation(fragment, segment.final)
  } catch {
    return UNKNOWN
  }
}

function linkOperation(frame: LinkFrame, direction: Direction): Operation {
  const spec = linkFunctionOf(frame.primary, frame.function)
  if (spec === undefined || spec.userData || frame.user.length > 0) return UNKNOWN
  if (spec.obsolete && frame.primary) return { kind: 'manage', critical: true, target: 'link' }
  const answers = !frame.primary && direction === 'to-master'
  return { kind: answers ? 'response' : 'read', critical: false, target: 'link' }
}

function continuation(direction: Direction): Operation {
  return direction === 'to-master' ? { kind: 'response', critical: false } : { ...UNKNOWN, target: 'continuation' }
}

function fragmentOperation(fragment: Fragment, whole: boolean): Operation {
  const spec = functionOf(fragment.function)
  if (spec === undefined) return { ...UNKNOWN, target: `function ${fragment.function}` }
  let { operation: kind, critical } = spec
  if (spec.name === 'READ')
    kind = whole && fragment.stop !== undefined ? 'unknown' : allOf(fragment, 70) ? 'file' : kind
  else if (spec.name === 'WRITE') {
    kind = kindOfWrite(fragment)
    critical = kind !== 'manage'
  }
  const target = spec.response ? '' : targetOf(fragment)
  critical ||= kind === 'unknown'
  return target === '' ? { kind, critical } : { kind, critical, target }
}

/** By its objects where all are of one sort; a mixture is a write, whatever else it is. */
function kindOfWrite(fragment: Fragment): OperationKind {
  if (allOf(fragment, 50)) return 'time'
  if (allOf(fragment, 70)) return 'file'
  // Internal indications: the only one that can be written is DEVICE_RESTART, which every master clears.
  if (allOf(fragment, 80) && fragment.stop === undefined) return 'manage'
  return 'write'
}

function allOf({ headers, stop }: Fragment, group: number): boolean {
  const last = stop === undefined || stop.group === group
  return last && headers.length + (stop === undefined ? 0 : 1) > 0 && headers.every((header) => header.group === group)
}
