import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GroupMember } from '@gridseal/envelope'
import { SigningKey, generateKemKeyPair } from '@gridseal/pqc'
import { expect } from 'chai'
import type { BridgeEvent } from '@gridseal/bridge'
import type { GroupConfig } from '#src/config/model.ts'
import { EpochMemory } from '#src/group/epoch-memory.ts'
import { GroupHub } from '#src/group/group-hub.ts'
import { groupId } from '#src/group/realtime-group.ts'
import { withFolder } from '../../../../test/support/folders.ts'
import { KEY, START } from '../support/group-rig.ts'
import { until } from '../support/pair.ts'

const CONFIG: GroupConfig = {
  name: 'protection',
  protocol: 'raw',
  members: [{ site: 'a', link: 'relays' }],
  lifetime: 3_600_000,
  overlap: 5000,
  maxAge: 1000,
}

/** A hub whose clock says `now`, and a member whose clock is right. */
async function hubAt(
  now: number,
  config: Partial<GroupConfig> = {},
  identity: SigningKey = KEY,
  memory?: EpochMemory,
): Promise<{
  clock: { now: number }
  member: GroupMember
  events: BridgeEvent[]
  ask: () => Promise<Uint8Array | undefined>
  stop: () => Promise<void>
}> {
  const clock = { now }
  const events: BridgeEvent[] = []
  const hub = new GroupHub(
    { ...CONFIG, ...config },
    {
      identity,
      now: () => BigInt(clock.now) * 1_000_000n,
      report: (event) => events.push(event),
      openEthernet: () => expect.fail('no Ethernet'),
      memory,
    },
  )
  const keyPair = generateKemKeyPair('ML-KEM-1024')
  const member = new GroupMember({ group: groupId(CONFIG.name), owner: KEY.publicKey, keyPair })
  const { join } = hub.siteGroup('a', 'relays')
  const ask = (): Promise<Uint8Array | undefined> => join!({ kem: keyPair.algorithm, publicKey: keyPair.publicKey })
  await hub.start()
  return { clock, member, events, ask, stop: () => hub.stop() }
}

describe('the owner of a group whose key cannot sign for a while', () => {
  it('says so, and begins the next epoch when it can again; not after it was stopped', async () => {
    const key = SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(3))
    const real = key.sign.bind(key)
    let works = true
    const sign: SigningKey['sign'] = (...args) =>
      works ? real(...args) : Promise.reject(new Error('the token is gone'))
    Object.defineProperty(key, 'sign', { value: sign })
    const { clock, events, stop } = await hubAt(START, { lifetime: 200, overlap: 100 }, key)
    const said = (code: string): number => events.filter((event) => event.code === code).length
    works = false
    clock.now += 100
    await until('it is said', () => said('internal.unexpected') > 0)
    expect(said('group.epoch')).to.equal(1)
    works = true
    await until('the next epoch', () => said('group.epoch') === 2)
    clock.now += 100
    await stop()
    const count = events.length
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(events.length).to.equal(count)
  })
})

describe('the owner of a group whose clock is set', () => {
  it('forward, having been far behind: who asks gets an epoch of now, with a number of now', async () => {
    const { clock, member, ask, stop, events } = await hubAt(5000)
    await ask()
    clock.now = START
    member.accept((await ask())!, START)
    expect(member.newest).to.equal(START / 1000)
    expect(member.sending(START)).to.equal(START / 1000)
    expect(events.filter(({ code }) => code === 'group.epoch').length).to.equal(2)
    await stop()
  })

  it('back, having been ahead: who asks gets an epoch of now, and takes it', async () => {
    const { clock, member, ask, stop } = await hubAt(START + 3_600_000)
    member.accept((await ask())!, START)
    expect(member.sending(START)).to.equal(undefined)
    clock.now = START
    member.accept((await ask())!, START)
    expect(member.sending(START)).to.equal(START / 1000 + 3602)
    await stop()
  })

  it('back and restarted, having been ahead: goes on from the epoch that is kept beside the journal', () =>
    withFolder(async (folder) => {
      const said: string[] = []
      const memory = (): Promise<EpochMemory> => EpochMemory.open(folder, CONFIG.name, ({ code }) => said.push(code))
      const ahead = await hubAt(START + 3_600_000, {}, KEY, await memory())
      await ahead.stop()
      const [name] = await readdir(folder)
      expect(await readFile(join(folder, name!), 'utf8')).to.equal(`gridseal-group-epoch ${START / 1000 + 3601}\n`)

      const right = await hubAt(START, {}, KEY, await memory())
      right.member.accept((await right.ask())!, START)
      expect(right.member.newest, 'higher than all that members know').to.equal(START / 1000 + 3602)
      await right.stop()
      expect((await memory()).last).to.equal(START / 1000 + 3602)

      for (const text of ['', 'gridseal-group-epoch 5', 'gridseal-group-epoch 9007199254740992\n', 'x'.repeat(300)]) {
        await writeFile(join(folder, name!), text)
        expect((await memory()).last).to.equal(0)
      }
      expect(said).to.deep.equal(Array(4).fill('group.epoch-file'))
    }))

  it('without room for the epoch: members get their keys, and it is said', async () => {
    const memory = await EpochMemory.open('/nonexistent/journal', CONFIG.name, () => expect.fail('no file yet'))
    const { member, ask, stop, events } = await hubAt(START, {}, KEY, memory)
    member.accept((await ask())!, START)
    expect(events.map(({ code, level }) => [code, level])).to.deep.include(['journal.open', 'error'])
    await stop()
  })

  it('says who asks for the same epoch again and again: that member cannot use it', async () => {
    const { clock, ask, stop, events } = await hubAt(START)
    const said = (): BridgeEvent[] => events.filter(({ code }) => code === 'group.unused')
    for (let n = 0; n < 5; n++) {
      await ask()
      clock.now += 30_000
    }
    expect(said().length, 'a channel that comes back now and then').to.equal(0)
    const asks = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) {
        await ask()
        clock.now += 3000
      }
    }
    await asks(3)
    expect(said().length).to.equal(1)
    expect(said()[0]?.message).to.match(/^a .* epoch .*2023-11-14T22:15:56.000Z.*clock/)
    expect(said()[0]?.details).to.include({ group: 'protection', site: 'a', from: START, now: START + 156_000 })
    await asks(20)
    expect(said().length, 'once a minute').to.equal(2)
    await stop()
  })
})
