import { isMulticast, openMulticast } from '@gridseal/transport'
import type { DatagramSocket } from '@gridseal/transport'
import { UsageError } from '@gridseal/wire'
import { expect } from 'chai'
import { needLinux } from '../../../../test/support/requirements.ts'

const LOOPBACK = '127.0.0.1'

/** A group of this run, on a port that is free. */
async function groupOf(): Promise<{ first: DatagramSocket; group: string }> {
  const address = `239.255.${Math.floor(Math.random() * 256)}.${1 + Math.floor(Math.random() * 254)}`
  const first = await openMulticast({ group: `udp://${address}:0`, interface: LOOPBACK })
  return { first, group: first.url }
}

function heard(socket: DatagramSocket): string[] {
  const texts: string[] = []
  socket.datagrams.subscribe(({ bytes }) => texts.push(Buffer.from(bytes).toString()))
  return texts
}

async function until(check: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !check(); i++) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(check()).to.equal(true)
}

describe('UDP multicast', () => {
  const open: DatagramSocket[] = []
  before(function () {
    needLinux(this)
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((socket) => socket.close()))
  })

  it('reaches everybody in the group on this machine, and not the sender itself', async () => {
    const { first, group } = await groupOf()
    const second = await openMulticast({ group, interface: LOOPBACK })
    open.push(first, second)
    const [one, two] = [heard(first), heard(second)]
    expect(first.send(Buffer.from('from the first'))).to.equal(true)
    expect(second.send(Buffer.from('from the second'))).to.equal(true)
    await until(() => one.length > 0 && two.length > 0)
    expect([one, two]).to.deep.equal([['from the second'], ['from the first']])
    expect(first.counters).to.include({ datagramsOut: 1, datagramsIn: 1, errors: 0 })
  })

  it('hears nothing of another group on the same port', async () => {
    const { first, group } = await groupOf()
    const port = group.slice(group.lastIndexOf(':'))
    const other = await openMulticast({ group: `udp://239.254.1.1${port}`, interface: LOOPBACK })
    const third = await openMulticast({ group, interface: LOOPBACK })
    open.push(first, other, third)
    const texts = heard(first)
    other.send(Buffer.from('elsewhere'))
    third.send(Buffer.from('here'))
    await until(() => texts.length > 0)
    expect(texts).to.deep.equal(['here'])
  })

  it('refuses what is no group, no interface, no time to live', async () => {
    const bad = [
      { group: 'udp://10.0.0.1:5000' },
      { group: 'udp://[ff02::1]:5000' },
      { group: 'tcp://239.1.1.1:5000' },
      { group: 'udp://239.1.1.1:5000', interface: 'eth0' },
      { group: 'udp://239.1.1.1:5000', ttl: 256 },
      { group: 'udp://239.1.1.1:5000', interface: '192.0.2.77' },
    ]
    for (const options of bad) {
      const error: unknown = await openMulticast(options).catch((thrown: unknown) => thrown)
      expect(error, JSON.stringify(options)).to.be.instanceOf(UsageError)
    }
    expect(['239.0.0.1', '224.0.0.1', '240.0.0.1', '223.255.255.255', 'host'].map(isMulticast)).to.deep.equal([
      true,
      true,
      false,
      false,
      false,
    ])
  })

  it('says so after it was closed', async () => {
    const { first } = await groupOf()
    await first.close()
    expect(first.send(Buffer.from('late'))).to.equal(false)
    expect(first.counters.dropped).to.equal(1)
  })
})
