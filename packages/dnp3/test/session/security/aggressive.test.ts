import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'
import { expect } from 'chai'
import { Association } from '#src/session/master/association.ts'
import { MasterChannel } from '#src/session/master/master-channel.ts'
import { plainRequest } from '#src/session/master/procedures.ts'
import { Outbox } from '#src/session/outbox.ts'
import { DeviceClock } from '#src/session/outstation/clock.ts'
import { Database } from '#src/session/outstation/database.ts'
import { OutstationSession } from '#src/session/outstation/outstation-session.ts'
import { MasterAuthenticator } from '#src/session/security/master-authenticator.ts'
import { OutstationAuthenticator } from '#src/session/security/outstation-authenticator.ts'

// The other side of each exchange is written here by hand, octet by octet from the layouts of IEEE 1815-2012 clause 7, with
// node:crypto and nothing of ours: what both sides of ours could get wrong alike would show.

const UPDATE_KEY = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
const CONTROL_KEY = Buffer.from('101112131415161718191a1b1c1d1e1f', 'hex')
const MONITOR_KEY = Buffer.from('202122232425262728292a2b2c2d2e2f', 'hex')
/** g12v1, qualifier 17, count 1, index 0: LATCH_ON once, 100 ms on, 100 ms off, status 0. */
const CROB = '0c 01 17 01 00 03 01 64000000 64000000 00'
const KEY_WRAP_IV = Buffer.alloc(8, 0xa6)

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const u16 = (value: number): Buffer => Buffer.from([value & 0xff, value >> 8])
const u32 = (value: number): Buffer => Buffer.concat([u16(value & 0xffff), u16(value >>> 16)])
/** HMAC-SHA-256, cut to 16 octets. */
const mac = (key: Uint8Array, ...inputs: readonly Uint8Array[]): Buffer =>
  createHmac('sha256', key).update(Buffer.concat(inputs)).digest().subarray(0, 16)

function wrap(plain: Buffer): Buffer {
  const padded = Buffer.concat([plain, Buffer.alloc((8 - (plain.length % 8)) % 8)])
  const cipher = createCipheriv('aes128-wrap', UPDATE_KEY, KEY_WRAP_IV)
  return Buffer.concat([cipher.update(padded), cipher.final()])
}

function unwrap(wrapped: Buffer): Buffer {
  const decipher = createDecipheriv('aes128-wrap', UPDATE_KEY, KEY_WRAP_IV)
  return Buffer.concat([decipher.update(wrapped), decipher.final()])
}

/** A request: header, g120v3 (qualifier 07, count 1), the objects, g120v9 (qualifier 5B, count 1, size). */
function aggressive(sequence: number, code: number, csq: number, user: number, objects: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from([0xc0 | sequence, code]),
    hex('78 03 07 01'),
    u32(csq),
    u16(user),
    objects,
    hex('78 09 5b 01 1000'),
  ])
}

describe('SAv5 aggressive mode against the other side by hand', () => {
  it('our outstation takes a request whose MAC is over the last challenge and the request, and nothing else', () => {
    const sent: Buffer[] = []
    let operated = 0
    let drawn = 0
    const session = new OutstationSession(
      { local: 10, remote: 1, keepAlive: 0 },
      {
        database: new Database([{ kind: 'binary-output', index: 0, value: 0 }], new DeviceClock(0, 0)),
        outbox: new Outbox(),
        handler: { command: () => (operated++, 0) },
        security: (owner) =>
          new OutstationAuthenticator(
            {
              users: [{ number: 1, name: 'bob', role: 32_768, updateKey: UPDATE_KEY }],
              random: (length) => new Uint8Array(length).fill(++drawn),
              challengeLength: 4,
              statisticsClass: 0,
            },
            owner,
          ),
      },
    )
    session.clearRestart()
    session.setTime(0, 0)
    session.link.send = (fragment) => void sent.push(Buffer.from(fragment))
    session.opened(0)
    const ask = (fragment: Buffer): Buffer => {
      session.fragmentReceived(Uint8Array.from(fragment), { source: 1, broadcast: undefined }, 0)
      return sent.splice(0).at(-1) ?? Buffer.alloc(0)
    }

    // Session keys: key status request (v4), status (v5), change (v6), status with the MAC of the change under the monitor key.
    const status = ask(hex('c0 20 78 04 07 01 0100'))
    const body = status.subarray(10)
    expect(body.toString('hex')).to.equal('01000000' + '0100' + '01' + '02' + '00' + '0400' + '01010101')
    const wrapped = wrap(Buffer.concat([u16(16), CONTROL_KEY, MONITOR_KEY, body]))
    const object = Buffer.concat([body.subarray(0, 4), u16(1), wrapped])
    const change = Buffer.concat([hex('c1 20 78 06 5b 01'), u16(object.length), object])
    const changed = ask(change)
    expect(changed.subarray(-16).equals(mac(MONITOR_KEY, change))).to.equal(true)

    // A challenge, for the next requests to go by; its reply lets the first one through.
    const request = Buffer.concat([hex('c2 05'), hex(CROB)])
    const challenge = ask(request)
    expect(challenge.subarray(0, 10).toString('hex')).to.equal('c2830000' + '78015b01' + '0c00')
    expect(challenge.subarray(10).toString('hex')).to.equal('01000000' + '0000' + '04' + '01' + '03030303')
    const reply = Buffer.concat([u32(1), u16(1), mac(CONTROL_KEY, challenge, request)])
    expect(
      ask(Buffer.concat([hex('c2 20 78 02 5b 01'), u16(reply.length), reply]))
        .subarray(0, 4)
        .toString('hex'),
    ).to.equal('c2810000')
    expect(operated).to.equal(1)

    const second = aggressive(3, 5, 2, 1, hex(CROB))
    const whole = Buffer.concat([second, mac(CONTROL_KEY, challenge, second)])
    expect(whole.toString('hex')).to.equal(GOLDEN)
    const answer = ask(whole)
    expect(answer.subarray(0, 4).toString('hex')).to.equal('c3810000')
    expect(answer.subarray(4).equals(hex(CROB))).to.equal(true)
    expect(operated).to.equal(2)

    // CSQ as before, the monitor key, the request alone, the request without the header of the MAC: refused with error 1.
    const third = aggressive(4, 5, 3, 1, hex(CROB))
    for (const wrong of [
      Buffer.concat([
        aggressive(4, 5, 2, 1, hex(CROB)),
        mac(CONTROL_KEY, challenge, aggressive(4, 5, 2, 1, hex(CROB))),
      ]),
      Buffer.concat([third, mac(MONITOR_KEY, challenge, third)]),
      Buffer.concat([third, mac(CONTROL_KEY, third)]),
      Buffer.concat([third, mac(CONTROL_KEY, challenge, third.subarray(0, -6))]),
    ]) {
      const error = ask(wrong)
      expect(error.subarray(0, 8).toString('hex')).to.equal('c4830000' + '78075b01')
      expect(error[18]).to.equal(1)
    }
    expect(operated).to.equal(2)
    expect(
      ask(Buffer.concat([third, mac(CONTROL_KEY, challenge, third)]))
        .subarray(0, 2)
        .toString('hex'),
    ).to.equal('c481')
    expect(operated).to.equal(3)
  })

  it('our master sends what an outstation by hand expects, from the second critical request on', () => {
    const sent: Buffer[] = []
    let drawn = 0x50
    const channel = new MasterChannel('stream', new Outbox())
    const quiet = { integrity: [], unsolicited: [], disableUnsolicited: false, keepAlive: 0 } as const
    const association = new Association(
      { local: 1, remote: 10, ...quiet },
      {
        outbox: new Outbox(),
        utc: (now) => now,
        security: (owner) =>
          new MasterAuthenticator(
            { updateKey: UPDATE_KEY, aggressive: true, random: (length) => new Uint8Array(length).fill(++drawn) },
            owner,
          ),
      },
    )
    association.link.send = (fragment) => void sent.push(Buffer.from(fragment))
    channel.add(association, 0)
    channel.opened(0)
    const answer = (fragment: Buffer): void =>
      association.fragmentReceived(Uint8Array.from(fragment), { source: 10, broadcast: undefined }, 0)
    const next = (): Buffer => sent.shift() ?? Buffer.alloc(0)

    const asked = next()
    expect(asked.subarray(1).toString('hex')).to.equal('20' + '78040701' + '0100')
    const status = hex('07000000 0100 01 02 00 0400 aabbccdd')
    const header = (sequence: number): Buffer => Buffer.from([0xc0 | sequence, 131, 0, 0])
    answer(Buffer.concat([header(asked[0]! & 15), hex('78 05 5b 01'), u16(status.length), status]))
    const change = next()
    const plain = unwrap(change.subarray(14))
    expect(plain.subarray(0, 2).toString('hex')).to.equal('1000')
    const [control, monitor] = [plain.subarray(2, 18), plain.subarray(18, 34)]
    expect(plain.subarray(34, 34 + status.length).equals(status)).to.equal(true)
    const proof = Buffer.concat([hex('08000000 0100 01 01 04 0400 aabbccde'), mac(monitor, change)])
    answer(Buffer.concat([header(change[0]! & 15), hex('78 05 5b 01'), u16(proof.length), proof]))

    const operate = (): void => {
      association.submit(
        'operate',
        () => plainRequest(5, hex(CROB)),
        () => undefined,
        0,
      )
      channel.choose(0)
    }
    operate()
    const first = next()
    expect(first.subarray(1).equals(Buffer.concat([hex('05'), hex(CROB)]))).to.equal(true)
    const sequence = first[0]! & 15
    const challenge = Buffer.concat([header(sequence), hex('78 01 5b 01 0c00'), hex('29000000 0000 04 01 deadbeef')])
    answer(challenge)
    const reply = next()
    expect(reply.subarray(-16).equals(mac(control, challenge, first))).to.equal(true)
    answer(Buffer.concat([Buffer.from([0xc0 | sequence, 129, 0, 0]), hex(CROB)]))

    operate()
    const second = next()
    const expected = aggressive((sequence + 1) & 15, 5, 0x2a, 1, hex(CROB))
    expect(second.subarray(0, -16).toString('hex')).to.equal(expected.toString('hex'))
    expect(second.subarray(-16).equals(mac(control, challenge, expected))).to.equal(true)
  })
})

/** DIRECT_OPERATE, sequence 3, CSQ 2, user 1, under the keys above, after the challenge of 03030303. */
const GOLDEN = [
  'c305',
  '78030701' + '02000000' + '0100',
  '0c011701' + '00' + '0301' + '64000000' + '64000000' + '00',
  '78095b01' + '1000' + '778fd7bc8a79f04a1b1c0f1e7236f94e',
].join('')
