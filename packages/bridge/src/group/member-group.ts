import type { VerifyingKey } from '@gridseal/pqc'
import { wallClock } from '../clock.ts'
import type { FieldLinkConfig } from '../config/model.ts'
import type { MulticastEnd } from '../link/multicast.ts'
import { exitPolicyOf } from '../policy.ts'
import { adapterFor } from '../protocols.ts'
import type { SiteGroup } from '../site/realtime.ts'
import { RealtimeGroup } from './realtime-group.ts'

/** A field bridge's part in a group of the head-end. */
export function memberGroup(link: FieldLinkConfig, end: MulticastEnd, owner: VerifyingKey): SiteGroup {
  const { id, maxAge, group: name = id } = link
  const policy = exitPolicyOf(link, adapterFor(link.protocol), 'to-device')
  const now = (): number => Number(wallClock() / 1_000_000n)
  return {
    link: id,
    realtime: new RealtimeGroup({ name, owner, maxAge, now }),
    isMember: () => true,
    deliver: ({ bytes }) => {
      const passes = policy === undefined || policy(bytes, 'to-device') === 'pass'
      if (passes) end.send(bytes)
      else end.counters.denied++
    },
    join: undefined,
  }
}
