import type { Delivery } from '@gridseal/envelope'
import { FrameTagKey, GroupMember, GroupOwner, GroupReceiver, GroupSender } from '@gridseal/envelope'
import { SigningKey, generateKemKeyPair } from '@gridseal/pqc'
import { AuthError, DecodeError, GridsealError, toHex } from '@gridseal/wire'
import { expect } from 'chai'
import { memberId, openDelivery } from '#src/group/delivery.ts'
import { mutations } from '../../../../test/support/mutate.ts'
import { KEY, OTHER_KEY } from '../support/logs.ts'

const group = new Uint8Array(16).fill(1)
const START = 1_700_000_000_000
const LIFETIME = 3_600_000
const OVERLAP = 60_000
const sender = Buffer.from('ied-0001')
const goose = Buffer.from('a GOOSE message')

interface Rig {
  readonly owner: GroupOwner
  readonly members: readonly GroupMember[]
  deliver(deliveries: readonly Delivery[], now: number): void
}

async function rig(count = 3): Promise<Rig> {
  const owner = new GroupOwner({ key: KEY, group, lifetime: LIFETIME, overlap: OVERLAP })
  const members: GroupMember[] = []
  for (let i = 0; i < count; i++) {
    const keyPair = generateKemKeyPair(i % 2 === 0 ? 'ML-KEM-768' : 'ML-KEM-1024')
    members.push(new GroupMember({ group, owner: KEY.publicKey, keyPair }))
    expect(await owner.add({ kem: keyPair.algorithm, publicKey: keyPair.publicKey })).to.equal(undefined)
  }
  return {
    owner,
    members,
    deliver(deliveries, now) {
      for (const { member, bytes } of deliveries) members.find(({ id }) => id === member)?.accept(bytes, now)
    },
  }
}

const code = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return error instanceof GridsealError ? error.code : String(error)
  }
  return 'accepted'
}

function member(r: Rig, i: number): GroupMember {
  const found = r.members[i]
  if (found === undefined) expect.fail('a member')
  return found
}

describe('a group with a shared key', () => {
  it('every member hears every other, and nobody before the key has come', async () => {
    const r = await rig()
    const send = new GroupSender(member(r, 0), sender)
    expect(code(() => send.protect(goose, START))).to.equal('group.no-key')
    r.deliver(await r.owner.rotate(START), START)
    const message = send.protect(goose, START)
    for (const i of [1, 2]) {
      const opened = new GroupReceiver(member(r, i)).open(message, START + 5)
      expect(Buffer.from(opened.payload).toString()).to.equal('a GOOSE message')
      expect(opened).to.include({ epoch: 1, sequence: 0, time: START })
    }
  })

  it('changes its key with an overlap: what is under way still counts, later it does not', async () => {
    const r = await rig()
    r.deliver(await r.owner.rotate(START), START)
    const [send, receive] = [new GroupSender(member(r, 0), sender), new GroupReceiver(member(r, 1))]
    expect(r.owner.due).to.equal(START + LIFETIME - OVERLAP)
    const change = START + LIFETIME - OVERLAP
    const late = send.protect(goose, change)
    const deliveries = await r.owner.rotate(change)
    // The receiver has the new key already, the sender not yet.
    member(r, 1).accept(deliveries.find((d) => d.member === member(r, 1).id)?.bytes ?? goose, change)
    expect(receive.open(late, change + 10).epoch).to.equal(1)
    const old = send.protect(goose, change + OVERLAP - 1)
    expect(code(() => send.protect(goose, change + OVERLAP))).to.equal('group.no-key')
    expect(code(() => receive.open(old, change + OVERLAP + 2000))).to.equal('group.epoch')
    member(r, 0).accept(deliveries.find((d) => d.member === member(r, 0).id)?.bytes ?? goose, change)
    expect(receive.open(send.protect(goose, change + 20), change + 25)).to.include({ epoch: 2, sequence: 0 })
  })

  it('a member that is put out hears and says nothing any more, at once', async () => {
    const r = await rig()
    r.deliver(await r.owner.rotate(START), START)
    const out = member(r, 2)
    const deliveries = await r.owner.remove(out.id, START + 1000)
    expect(deliveries.map((d) => d.member).sort()).to.deep.equal([member(r, 0).id, member(r, 1).id].sort())
    r.deliver(deliveries, START + 1000)
    const receive = new GroupReceiver(member(r, 1))
    const after = START + 1000 + 1000
    expect(code(() => receive.open(new GroupSender(out, sender).protect(goose, after), after))).to.equal('group.epoch')
    const secret = new GroupSender(member(r, 0), sender).protect(goose, after)
    expect(code(() => new GroupReceiver(out).open(secret, after))).to.equal('group.epoch')
    for (const { bytes } of deliveries) expect(code(() => out.accept(bytes, after))).to.equal('group.recipient')
  })

  it('a member that comes later gets the key of the running epoch', async () => {
    const r = await rig(2)
    r.deliver(await r.owner.rotate(START), START)
    const keyPair = generateKemKeyPair('ML-KEM-768')
    const late = new GroupMember({ group, owner: KEY.publicKey, keyPair })
    const delivery = await r.owner.add({ kem: keyPair.algorithm, publicKey: keyPair.publicKey })
    late.accept(delivery?.bytes ?? goose, START + 5000)
    const message = new GroupSender(member(r, 0), sender).protect(goose, START + 5000)
    expect(new GroupReceiver(late).open(message, START + 5000).epoch).to.equal(1)
  })

  it('takes deliveries of its owner only, once, for itself, in time; also after a restart', async () => {
    const r = await rig(1)
    const only = member(r, 0)
    const [first] = await r.owner.rotate(START)
    const [second] = await r.owner.rotate(START + 1)
    if (first === undefined || second === undefined) expect.fail('two deliveries')
    only.accept(second.bytes, START + 1)
    expect(code(() => only.accept(second.bytes, START + 1))).to.equal('group.epoch')
    expect(code(() => only.accept(first.bytes, START + 1))).to.equal('group.epoch')
    const keyPair = generateKemKeyPair('ML-KEM-768')
    const stranger = new GroupOwner({ key: OTHER_KEY, group })
    await stranger.add({ kem: 'ML-KEM-768', publicKey: keyPair.publicKey })
    const [forged] = await stranger.rotate(START)
    const mine = (newest = 0): GroupMember => new GroupMember({ group, owner: KEY.publicKey, keyPair }, newest)
    expect(code(() => mine().accept(forged?.bytes ?? goose, START))).to.equal('envelope.key.unknown')
    await r.owner.add({ kem: 'ML-KEM-768', publicKey: keyPair.publicKey })
    const own = (await r.owner.rotate(START + 2)).find((d) => d.member === mine().id)
    expect(code(() => mine(3).accept(own?.bytes ?? goose, START))).to.equal('group.epoch')
    expect(code(() => mine().accept(own?.bytes ?? goose, START + 2 * LIFETIME))).to.equal('group.expired')
    expect(code(() => mine(2).accept(own?.bytes ?? goose, START + 2))).to.equal('accepted')
  })

  it('an epoch is due when it is about to end, and when the clock was set back; its number may follow the clock', async () => {
    const seconds = (now: number): number => Math.floor(now / 1000)
    const owner = new GroupOwner({ key: KEY, group, lifetime: LIFETIME, overlap: OVERLAP, least: seconds })
    expect([owner.isDue(0), owner.isDue(START)], 'none has begun').to.deep.equal([false, false])
    await owner.rotate(5000)
    expect(owner.epoch).to.equal(5)
    const due = 5000 + LIFETIME - OVERLAP
    expect([4999, 5000, due - 1, due, START].map((now) => owner.isDue(now))).to.deep.equal([
      true,
      false,
      false,
      true,
      true,
    ])
    await owner.rotate(START)
    expect(owner.epoch, 'the clock was right now').to.equal(START / 1000)
    await owner.rotate(6000)
    expect(owner.epoch, 'never less than before').to.equal(START / 1000 + 1)
  })

  it('a member whose new key cannot be used stays one with its old key, and can be put out', async () => {
    const r = await rig(2)
    r.deliver(await r.owner.rotate(START), START)
    const [id] = r.owner.members as readonly [string]
    const wrong = { kem: 'ML-KEM-768' as const, publicKey: new Uint8Array(1184).fill(255) }
    expect(await r.owner.replace(id, wrong).then(String, () => 'refused')).to.equal('refused')
    expect(r.owner.members).to.include(id)
    expect((await r.owner.deliver(id))?.epoch).to.equal(1)
    expect((await r.owner.remove(id, START + 1)).map(({ epoch }) => epoch)).to.deep.equal([2])
  })

  describe('whose owner cannot sign for a while', () => {
    async function owned(): Promise<{ owner: GroupOwner; id: string; sign: { works: boolean } }> {
      const sign = { works: true }
      const key = SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(8))
      const real = key.sign.bind(key)
      const signs: SigningKey['sign'] = (...args) =>
        sign.works ? real(...args) : Promise.reject(new Error('no token'))
      Object.defineProperty(key, 'sign', { value: signs })
      const owner = new GroupOwner({ key, group, lifetime: LIFETIME, overlap: OVERLAP })
      const [one, other] = [generateKemKeyPair('ML-KEM-768'), generateKemKeyPair('ML-KEM-768')]
      await owner.add({ kem: 'ML-KEM-768', publicKey: one.publicKey })
      await owner.add({ kem: 'ML-KEM-768', publicKey: other.publicKey })
      await owner.rotate(START)
      sign.works = false
      return { owner, id: toHex(memberId(one.publicKey)), sign }
    }
    const failed = (work: Promise<unknown>): Promise<boolean> =>
      work.then(
        () => false,
        () => true,
      )

    it('goes on with the running epoch, and the next is still due', async () => {
      const { owner, id, sign } = await owned()
      const due = START + LIFETIME - OVERLAP
      expect(await failed(owner.rotate(due))).to.equal(true)
      expect([owner.epoch, owner.isDue(due)]).to.deep.equal([1, true])
      sign.works = true
      expect((await owner.deliver(id))?.epoch).to.equal(1)
      await owner.rotate(due)
      expect([owner.epoch, owner.isDue(due)]).to.deep.equal([2, false])
    })

    it('takes nobody in, who then comes again', async () => {
      const { owner, sign } = await owned()
      sign.works = false
      const { publicKey } = generateKemKeyPair('ML-KEM-768')
      const recipient = { kem: 'ML-KEM-768' as const, publicKey }
      expect(await failed(owner.add(recipient))).to.equal(true)
      expect(owner.members.length).to.equal(2)
      sign.works = true
      expect((await owner.add(recipient))?.epoch).to.equal(1)
    })

    it('owes a new epoch when a member was put out, and no older key is accepted in it', async () => {
      const { owner, id, sign } = await owned()
      expect(await failed(owner.remove(id, START + 1))).to.equal(true)
      expect([owner.members.includes(id), owner.epoch, owner.isDue(START + 2)]).to.deep.equal([false, 1, true])
      sign.works = true
      const [delivery] = await owner.rotate(START + 2)
      expect(
        openDelivery(delivery!.bytes, SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(8)).publicKey)
          .olderUntil,
      ).to.equal(START + 2)
      expect(owner.isDue(START + 2)).to.equal(false)
    })
  })

  it('refuses every mutation of a delivery and of a message', async () => {
    const r = await rig(1)
    const only = member(r, 0)
    const [delivery] = await r.owner.rotate(START)
    if (delivery === undefined) expect.fail('a delivery')
    const accepted: string[] = []
    let n = 0
    for (const bytes of mutations(delivery.bytes)) {
      // Every fiftieth: each costs a signature check.
      if (n++ % 50 !== 0 || Buffer.compare(bytes, delivery.bytes) === 0) continue
      try {
        only.accept(bytes, START)
        accepted.push(Buffer.from(bytes).toString('hex'))
      } catch (error) {
        if (!(error instanceof DecodeError)) expect(error).to.be.instanceOf(AuthError)
      }
    }
    expect(accepted).to.deep.equal([])
    only.accept(delivery.bytes, START)
    const message = new GroupSender(only, sender).protect(goose, START)
    const receiver = new GroupReceiver(only)
    for (const bytes of mutations(message)) {
      if (Buffer.compare(bytes, message) === 0) continue
      expect(
        code(() => receiver.open(bytes, START)),
        Buffer.from(bytes).toString('hex'),
      ).to.not.equal('accepted')
    }
    expect(receiver.open(message, START).sequence).to.equal(0)
  })

  it('refuses what is old, was here before, or has a shorter tag than is allowed', async () => {
    const r = await rig(2)
    r.deliver(await r.owner.rotate(START), START)
    const send = new GroupSender(member(r, 0), sender)
    const receive = new GroupReceiver(member(r, 1))
    const messages = Array.from({ length: 1100 }, () => send.protect(goose, START))
    receive.open(messages[3] ?? goose, START)
    receive.open(messages[1] ?? goose, START)
    for (const i of [1, 3]) expect(code(() => receive.open(messages[i] ?? goose, START))).to.equal('group.replay')
    receive.open(messages[1099] ?? goose, START)
    expect(
      code(() => receive.open(messages[2] ?? goose, START)),
      'behind the window',
    ).to.equal('group.replay')
    expect(receive.open(messages[500] ?? goose, START).sequence).to.equal(500)
    expect(code(() => receive.open(messages[7] ?? goose, START + 10_001))).to.equal('group.stale')
    const short = new GroupSender(member(r, 0), Buffer.from('ied-0002'), 'HMAC-256/64').protect(goose, START)
    expect(code(() => receive.open(short, START))).to.equal('envelope.algorithm')
    const both = new GroupReceiver(member(r, 1), { algorithms: ['HMAC-256/64', 'HMAC-256/256'] })
    expect(both.open(short, START).payload).to.have.length(goose.length)
  })

  it('takes no short tag of an epoch after too many wrong ones; a whole tag cannot be guessed, and is always taken', async () => {
    const r = await rig(2)
    r.deliver(await r.owner.rotate(START), START)
    const long = new GroupSender(member(r, 0), sender)
    const short = new GroupSender(member(r, 0), Buffer.from('ied-0002'), 'HMAC-256/64')
    const algorithms = ['HMAC-256/64', 'HMAC-256/256'] as const
    const receive = new GroupReceiver(member(r, 1), { algorithms, mostFailures: 10 })
    const said = (message: Uint8Array): string => code(() => receive.open(message, START + 1))
    const forged = (by: GroupSender, now: number): Uint8Array => {
      const message = by.protect(goose, now)
      return message.with(-1, message.at(-1)! ^ 1)
    }
    for (let i = 0; i < 20; i++) expect(said(forged(long, START))).to.equal('envelope.mac')
    for (let i = 0; i < 9; i++) expect(said(forged(short, START))).to.equal('envelope.mac')
    const [fine, tenth, late] = [short.protect(goose, START), forged(short, START), short.protect(goose, START)]
    expect(said(fine)).to.equal('accepted')
    // A try in the next epoch does not make those in this one forgotten.
    r.deliver(await r.owner.rotate(START + 1), START + 1)
    expect(said(forged(short, START + 1))).to.equal('envelope.mac')
    expect(said(tenth)).to.equal('envelope.mac')
    expect(said(late)).to.equal('group.forgery')
    expect(said(short.protect(goose, START + 1))).to.equal('accepted')
    expect(said(long.protect(goose, START + 1))).to.equal('accepted')
  })

  it('gives protocols a key for the tags in their own frames', async () => {
    const r = await rig(2)
    r.deliver(await r.owner.rotate(START), START)
    const [a, b] = [0, 1].map((i) => member(r, i).frameKey(1, 'goose gocb1', START))
    expect(a).to.deep.equal(b)
    expect(member(r, 0).frameKey(1, 'sv', START)).to.not.deep.equal(a)
    expect(() => member(r, 0).frameKey(1, 'sv', START + LIFETIME + 1000)).to.throw(AuthError)
    const nonce = new Uint8Array(12).fill(3)
    const lengths = {
      'HMAC-SHA256-80': 10,
      'HMAC-SHA256-256': 32,
      'AES-256-GMAC-64': 8,
      'AES-256-GMAC-128': 16,
    } as const
    for (const [name, length] of Object.entries(lengths)) {
      const tags = new FrameTagKey(name as keyof typeof lengths, a ?? goose)
      const tag = tags.tag(goose, nonce)
      expect(tag).to.have.length(length)
      expect(tags.verify(goose, tag, nonce)).to.equal(true)
      expect(tags.verify(goose, tag.subarray(1), nonce)).to.equal(false)
      expect(tags.verify(Buffer.from('another frame'), tag, nonce)).to.equal(false)
    }
    const gmac = new FrameTagKey('AES-256-GMAC-128', a ?? goose)
    expect(code(() => gmac.tag(goose))).to.equal('group.nonce')
  })
})
