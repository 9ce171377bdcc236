import { CreditAccount } from '#src/link/credit.ts'
import { expect } from 'chai'

describe('credit between two ends of a connection', () => {
  it('is told every 16 KiB, whatever the windows', () => {
    const account = new CreditAccount()
    expect(account.take(16_383)).to.equal(false)
    expect(account.take(1)).to.equal(true)
    expect(account.tell()).to.equal(16_384)
    expect(account.take(16_383)).to.equal(false)
  })

  it('loses nothing when messages are lost: the next total makes up for them', () => {
    const sender = new CreditAccount()
    const receiver = new CreditAccount()
    for (let i = 0; i < 10; i++) {
      sender.sent(20_000)
      receiver.take(20_000)
      receiver.tell() // swallowed by a broken channel
    }
    expect(sender.underWay).to.equal(200_000)
    sender.credit(receiver.total)
    expect(sender.underWay).to.equal(0)
    sender.credit(5)
    expect(sender.underWay, 'an old total that came late').to.equal(0)
  })

  it('is forgiven for what was given up', () => {
    const sender = new CreditAccount()
    sender.sent(70_000)
    sender.credit(20_000)
    sender.forgive()
    expect(sender.underWay).to.equal(0)
    sender.sent(10)
    expect(sender.underWay).to.equal(10)
  })

  it('begins anew with a far side that counts what was sent before', () => {
    const sender = new CreditAccount()
    sender.credit(1000)
    expect(sender.underWay).to.equal(0)
    sender.sent(10)
    expect(sender.underWay).to.equal(10)
  })
})
