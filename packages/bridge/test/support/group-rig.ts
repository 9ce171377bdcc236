import { GroupOwner } from '@gridseal/envelope'
import { SigningKey } from '@gridseal/pqc'
import type { RealtimeFrame } from '#src/group/realtime-group.ts'
import { RealtimeGroup, groupId } from '#src/group/realtime-group.ts'
import { RealtimeTraffic } from '#src/site/realtime.ts'

export const KEY: SigningKey = SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(3))
/** When a rig begins, ms since 1970-01-01 UTC. */
export const START = 1_700_000_000_000

/** Two members of a group, the receiving one behind a session's traffic. */
export async function groupRig(deliver: (frame: RealtimeFrame) => void): Promise<{
  from: RealtimeGroup
  to: RealtimeGroup
  traffic: RealtimeTraffic
  said: string[]
  clock: { now: number }
  owner: GroupOwner
  rotate: (who: readonly RealtimeGroup[]) => Promise<void>
}> {
  const clock = { now: START }
  const now = (): number => clock.now
  const owner = new GroupOwner({ key: KEY, group: groupId('protection'), lifetime: 60_000, overlap: 5000 })
  const options = { name: 'protection', owner: KEY.publicKey, maxAge: 1000, now }
  const [from, to] = [new RealtimeGroup(options), new RealtimeGroup(options)]
  await owner.add(from.recipient)
  await owner.add(to.recipient)
  const rotate = async (who: readonly RealtimeGroup[]): Promise<void> => {
    const deliveries = await owner.rotate(clock.now)
    for (const group of who) {
      for (const { bytes } of deliveries) {
        try {
          group.accept(bytes)
        } catch {
          // Sealed for the other.
        }
      }
    }
  }
  await rotate([from, to])
  const said: string[] = []
  const traffic = new RealtimeTraffic(
    [
      {
        link: 'relays',
        realtime: to,
        isMember: () => true,
        deliver,
        join: undefined,
      },
    ],
    { tell: () => undefined, seal: () => true, say: (_, code) => said.push(code), inbound: 'to-device' },
  )
  traffic.stop()
  return { from, to, traffic, said, clock, owner, rotate }
}
