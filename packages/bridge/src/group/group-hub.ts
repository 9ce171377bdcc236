import type { Delivery, Recipient } from '@gridseal/envelope'
import { GroupOwner, memberId } from '@gridseal/envelope'
import type { SigningKey } from '@gridseal/pqc'
import type { OpenEthernet } from '@gridseal/transport'
import { toHex } from '@gridseal/wire'
import { adapterFor } from '../protocols.ts'
import type { GroupConfig } from '../config/model.ts'
import type { Level, Report } from '../events.ts'
import { failure } from '../events.ts'
import { groupNetwork } from '../link/group-network.ts'
import { MulticastEnd } from '../link/multicast.ts'
import type { SiteGroup } from '../site/realtime.ts'
import { Turns } from '../turns.ts'
import type { EpochMemory } from './epoch-memory.ts'
import type { RealtimeFrame } from './realtime-group.ts'
import { RealtimeGroup, groupId } from './realtime-group.ts'

/** What a hub asks of a member site's session. */
export interface MemberSession {
  forward(link: string, message: Uint8Array | undefined, frame: RealtimeFrame): void
  groupKey(delivery: Uint8Array): void
}

/** What a hub is given besides its configuration. */
export interface GroupHubOptions {
  /** The owner's. */
  readonly identity: SigningKey
  /** ns since 1970-01-01 UTC. */
  readonly now: () => bigint
  readonly report: Report
  readonly openEthernet: OpenEthernet
  /** Where the last epoch is remembered; undefined: nowhere. */
  readonly memory: EpochMemory | undefined
}

interface Member {
  readonly site: string
  readonly link: string
  session: MemberSession | undefined
  /** By which the owner knows it, once it has asked for keys. */
  id: string | undefined
  readonly asking: Asking
}

/** How often a member has asked for one and the same key in a row. Who can use it does not ask again. */
interface Asking {
  epoch: number
  times: number
  at: number
  saidAt: number
}

const NEVER_ASKED = { epoch: 0, times: 0, at: Number.NEGATIVE_INFINITY, saidAt: Number.NEGATIVE_INFINITY }
/** Members that cannot use a key ask every three seconds; those whose channel came back, once. */
const IN_A_ROW_MS = 10_000
const MOST_ASKS = 3
const SAY_EVERY_MS = 60_000
/** A new epoch that could not be begun is tried again after this, ms. */
const RETRY_MS = 1000
/** The clock may be set at any time, ms. */
const CLOCK_CHECK_MS = 10_000

/**
 * A group at the head-end: owns its keys, is a member itself, hears and speaks to its own multicast network where one is
 * configured, and passes what one member sends on to the others as it came, under the sender's MAC.
 */
export class GroupHub {
  readonly realtime: RealtimeGroup
  readonly end: MulticastEnd | undefined
  readonly #config: GroupConfig
  readonly #memory: EpochMemory | undefined
  readonly #owner: GroupOwner
  readonly #now: () => number
  readonly #report: Report
  /** By site. */
  #members: Map<string, Member>
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  /** One change of the group after the other. */
  readonly #changes = new Turns()

  constructor(config: GroupConfig, { identity, now, report, openEthernet, memory }: GroupHubOptions) {
    this.#config = config
    this.#memory = memory
    this.#report = report
    this.#now = () => Number(now() / 1_000_000n)
    const { name, maxAge, lifetime, overlap } = config
    this.realtime = new RealtimeGroup({ name, owner: identity.publicKey, maxAge, now: this.#now })
    // Epochs never come twice: they go on from the seconds of the clock, or from the last that is remembered.
    const least = (time: number): number => Math.floor(time / 1000)
    this.#owner = new GroupOwner({
      key: identity,
      group: groupId(name),
      lifetime,
      overlap,
      epoch: Math.max(least(this.#now()), memory?.last ?? 0),
      least,
    })
    this.#members = new Map(config.members.map(({ site, link }) => [site, newMember(site, link)]))
    if (config.address === undefined) return
    const adapter = adapterFor(config.protocol)
    const { protocol, framing } = config
    const link = { id: name, protocol, framing, keepInvalid: false, window: 0, silence: 0 }
    this.end = new MulticastEnd(
      { config: link, adapter, inbound: 'to-device', policy: undefined, now, report },
      groupNetwork({ ...config, group: config.address }, adapter, openEthernet),
    )
    this.end.entries.subscribe((entries) => {
      for (const entry of entries) if (entry.kind === 'frame') this.#toAll(entry, this.realtime.protect(entry))
    })
  }

  /** This group as a member site has it. */
  siteGroup(site: string, link: string): SiteGroup {
    return {
      link,
      realtime: this.realtime,
      isMember: () => this.#members.has(site),
      deliver: (frame, message) => {
        this.end?.send(frame.bytes)
        this.#toAll(frame, Uint8Array.from(message), site)
      },
      join: (recipient) => this.#changes.next(() => this.#join(site, recipient)),
    }
  }

  attach(site: string, session: MemberSession): void {
    const member = this.#members.get(site)
    if (member !== undefined) member.session = session
  }

  /** Begins the first epoch and opens the own network. */
  async start(): Promise<void> {
    await this.#changes.next(async () => {
      await this.#owner.add(this.realtime.recipient)
      await this.#deliver(await this.#owner.rotate(this.#now()))
    })
    this.#await()
    await this.end?.start()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.end?.stop()
    await this.#changes.idle()
  }

  /** Members that a configuration has and this group has not yet. */
  newMembers({ members }: GroupConfig): GroupConfig['members'] {
    return members.filter(({ site }) => !this.#members.has(site))
  }

  get name(): string {
    return this.realtime.name
  }

  /** Other members: a site that is none any more is put out at once, by a new epoch that it gets no key of. */
  async reload({ members }: GroupConfig): Promise<void> {
    await this.#changes.next(async () => {
      const before = this.#members
      this.#members = new Map(
        members.map(({ site, link }) => {
          const known = before.get(site)
          return [site, known ?? newMember(site, link)]
        }),
      )
      for (const [site, { id }] of before) {
        if (this.#members.has(site)) continue
        this.#say('group.removed', `${site} is no member of ${this.realtime.name} any more`, { site })
        if (id !== undefined) await this.#deliver(await this.#owner.remove(id, this.#now()))
      }
    })
    this.#await()
  }

  async #join(site: string, recipient: Recipient): Promise<Uint8Array | undefined> {
    const member = this.#members.get(site)
    if (member === undefined) return undefined
    await this.#renew()
    const id = toHex(memberId(recipient.publicKey))
    const before = member.id
    let delivery: Delivery | undefined
    if (before === id) delivery = await this.#owner.deliver(id)
    else if (before === undefined) delivery = await this.#owner.add(recipient)
    else delivery = await this.#owner.replace(before, recipient)
    member.id = id
    this.#watch(member)
    if (before !== id) this.#say('group.joined', `${site} has joined ${this.realtime.name}`, { site })
    return delivery?.bytes
  }

  async #deliver(deliveries: readonly Delivery[]): Promise<void> {
    const own = toHex(memberId(this.realtime.recipient.publicKey))
    for (const { member, bytes } of deliveries) {
      if (member === own) this.realtime.accept(bytes)
      for (const { id, session } of this.#members.values()) if (id === member) session?.groupKey(bytes)
    }
    this.#say('group.epoch', `epoch ${this.#owner.epoch} of group ${this.realtime.name} has begun`, {})
    try {
      await this.#memory?.keep(this.#owner.epoch)
    } catch (error) {
      // It is for a restart with another clock only: a full disk does not keep keys from their members.
      this.#report(failure('error', `the epoch of group ${this.realtime.name}`, error))
    }
  }

  /** Epochs follow each other before they end; and where the clock was set, nobody could use the running one. */
  async #renew(): Promise<void> {
    if (this.#owner.isDue(this.#now())) await this.#deliver(await this.#owner.rotate(this.#now()))
  }

  /** All that an owner sees of members that refuse its keys is that they ask for them again. */
  #watch({ site, asking }: Member): void {
    const [now, { epoch }] = [this.#now(), this.#owner]
    const again = epoch === asking.epoch && Math.abs(now - asking.at) < IN_A_ROW_MS
    Object.assign(asking, { epoch, at: now, times: again ? asking.times + 1 : 1 })
    if (asking.times < MOST_ASKS || Math.abs(now - asking.saidAt) < SAY_EVERY_MS) return
    asking.saidAt = now
    const what = `${site} asks for epoch ${epoch} of ${this.realtime.name} again and again, so it cannot use it`
    const message = `${what}: here it is ${new Date(now).toISOString()}; compare the clocks and see what ${site} says`
    this.#say('group.unused', message, { site, from: this.realtime.begins, now }, 'error')
  }

  /** Looks again when the next epoch is due, in `least` ms at the earliest. */
  #await(least = 1): void {
    clearTimeout(this.#timer)
    if (this.#stopped) return
    const due = Math.min(Math.max(this.#owner.due - this.#now(), least), CLOCK_CHECK_MS)
    this.#timer = setTimeout(() => {
      this.#changes
        .next(() => this.#renew())
        .then(
          () => this.#await(),
          (error: unknown) => {
            // A key in a token may be back in a moment; the epoch that runs has some time left.
            this.#report(failure('error', `group ${this.realtime.name}`, error))
            this.#await(RETRY_MS)
          },
        )
    }, due)
    this.#timer.unref()
  }

  #toAll(frame: RealtimeFrame, message: Uint8Array | undefined, except?: string): void {
    for (const { site, link, session } of this.#members.values()) {
      if (site !== except) session?.forward(link, message, frame)
    }
  }

  #say(code: string, message: string, details: Record<string, unknown>, level: Level = 'info'): void {
    const { name } = this.#config
    this.#report({ level, code, message, details: { group: name, epoch: this.#owner.epoch, ...details } })
  }
}

function newMember(site: string, link: string): Member {
  return { site, link, session: undefined, id: undefined, asking: { ...NEVER_ASKED } }
}
