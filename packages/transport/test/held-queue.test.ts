import { HeldQueue } from '#src/held-queue.ts'
import { expect } from 'chai'
import { take } from 'rxjs'

describe('a held queue', () => {
  it('keeps items until somebody subscribes, then passes them on', () => {
    const queue = new HeldQueue<number>('numbers')
    queue.push(1)
    queue.push(2)
    const seen: number[] = []
    queue.items.subscribe((n) => seen.push(n))
    queue.push(3)
    expect(seen).to.deep.equal([1, 2, 3])
    expect(queue.held).to.equal(0)
  })

  it('leaves the rest to the next when a subscriber goes while it is served', () => {
    const queue = new HeldQueue<number>('numbers')
    for (const n of [1, 2, 3]) queue.push(n)
    const seen: number[] = []
    queue.items.pipe(take(1)).subscribe((n) => seen.push(n))
    expect(queue.held).to.equal(2)
    queue.items.subscribe((n) => seen.push(n * 10))
    expect(seen).to.deep.equal([1, 20, 30])
  })

  it('keeps the order when serving an item brings another', () => {
    const queue = new HeldQueue<number>('numbers')
    for (const n of [1, 2]) queue.push(n)
    const seen: number[] = []
    queue.items.subscribe((n) => {
      seen.push(n)
      if (n === 1) queue.push(3)
    })
    expect(seen).to.deep.equal([1, 2, 3])
  })

  it('refuses a second subscriber', () => {
    const queue = new HeldQueue<number>('numbers')
    queue.items.subscribe()
    let refused: unknown
    queue.items.subscribe({ error: (error: unknown) => (refused = error) })
    expect(refused).to.have.property('code', 'transport.subscribed')
  })

  it('takes back what was not handed out, and completes behind what was', () => {
    const queue = new HeldQueue<number>('numbers')
    for (const n of [1, 2]) queue.push(n)
    expect(queue.remove(1)).to.equal(true)
    expect(queue.remove(1)).to.equal(false)
    queue.complete()
    const seen: (number | string)[] = []
    queue.items.subscribe({ next: (n) => seen.push(n), complete: () => seen.push('end') })
    expect(seen).to.deep.equal([2, 'end'])
  })
})
