import { GroupOwner, memberId } from '@gridseal/envelope'
import { SigningKey } from '@gridseal/pqc'
import { toHex } from '@gridseal/wire'
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
  /** What was said of errors. */
  alarms: { readonly message: string; readonly details: Record<string, unknown> | undefined }[]
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
      const mine = toHex(memberId(group.recipient.publicKey))
      for (const { member, bytes } of deliveries) if (member === mine) group.accept(bytes)
    }
  }
  await rotate([from, to])
  const said: string[] = []
  const alarms: { readonly message: string; readonly details: Record<string, unknown> | undefined }[] = []
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
    {
      tell: () => undefined,
      seal: () => true,
      say: (level, code, message, details) => {
        said.push(code)
        if (level === 'error') alarms.push({ message, details })
      },
      inbound: 'to-device',
    },
  )
  traffic.stop()
  return { from, to, traffic, said, alarms, clock, owner, rotate }
}
