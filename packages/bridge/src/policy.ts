import type { Direction, Framer, OperationKind, ProtocolAdapter } from '@gridseal/adapter'
import type { LinkConfig, PolicyConfig } from './config/model.ts'

export type Verdict = 'pass' | 'drop' | 'close'

/** Whether one frame may pass. Undecodable frames are operations of kind `unknown`. */
export type Policy = (frame: Uint8Array, direction: Direction) => Verdict

/** The policy of a link, or undefined where everything may pass (nothing is decoded then). */
export function policyOf(link: LinkConfig, adapter: ProtocolAdapter): Policy | undefined {
  const rules = link.policy
  if (rules === undefined) return undefined
  const verdict = verdictsOf(rules)
  const finer = rules.rules === undefined ? undefined : adapter.rules?.(rules.rules)
  return (frame, direction) => {
    const first = verdict(adapter.operation(frame, direction, link.framing).kind, direction)
    if (first !== 'pass' || finer === undefined) return first
    return finer.permits(frame, direction, link.framing) ? 'pass' : rules.onDeny
  }
}

/**
 * The policy for what comes from the far side, which need not be the one frame that it says it is: it is cut into
 * frames again, all of them are judged, and bytes that belong to no frame count as an unknown operation.
 */
export function exitPolicyOf(link: LinkConfig, adapter: ProtocolAdapter, direction: Direction): Policy | undefined {
  const rules = link.policy
  const policy = policyOf(link, adapter)
  if (rules === undefined || policy === undefined) return undefined
  const verdict = verdictsOf(rules)
  const framer: Framer = adapter.framer({
    medium: 'datagram',
    direction,
    keepInvalid: link.keepInvalid,
    ...(link.framing === undefined ? {} : { framing: link.framing }),
  })
  return (bytes) => {
    const frames = framer.push(bytes)
    framer.reset()
    const verdicts = frames.map((frame) => policy(frame, direction))
    const covered = frames.reduce((sum, frame) => sum + frame.length, 0)
    // What is no frame is permitted by no rule.
    const ruled = rules.rules !== undefined && direction === 'to-device'
    if (covered !== bytes.length) verdicts.push(ruled ? rules.onDeny : verdict('unknown', direction))
    return verdicts.includes('close') ? 'close' : verdicts.includes('drop') ? 'drop' : 'pass'
  }
}

function verdictsOf(rules: PolicyConfig): (kind: OperationKind, direction: Direction) => Verdict {
  const denied = new Set(rules.deny)
  const allowed = rules.allow === undefined ? undefined : new Set(rules.allow)
  return (kind, direction) => {
    const passes = !denied.has(kind) && (allowed === undefined || allowed.has(kind) || isAnswer(kind, direction))
    return passes ? 'pass' : rules.onDeny
  }
}

/** The answer to what was let through passes, too, without being listed; a master that sends answers is not one. */
function isAnswer(kind: OperationKind, direction: Direction): boolean {
  return kind === 'response' && direction === 'to-master'
}
