import { UsageError } from '@gridseal/wire'
import { Observable } from 'rxjs'
import type { Subscriber } from 'rxjs'

/** Items for one subscriber at a time; while there is none they are held, so that none is lost. */
export class HeldQueue<T> {
  readonly items: Observable<T>
  #held: T[] = []
  #subscriber: Subscriber<T> | undefined
  #completed = false

  /** `what` names the items when a second subscriber is refused. */
  constructor(what: string) {
    this.items = new Observable((subscriber) => {
      if (this.#subscriber !== undefined) {
        throw new UsageError('transport.subscribed', `the ${what} have a subscriber already`)
      }
      this.#subscriber = subscriber
      this.#flush()
      return () => {
        this.#subscriber = undefined
      }
    })
  }

  /** Items that wait for a subscriber. */
  get held(): number {
    return this.#held.length
  }

  push(item: T): void {
    if (this.#held.length === 0 && this.#subscriber?.closed === false) this.#subscriber.next(item)
    else this.#held.push(item)
  }

  /** Takes a held item back; false if it was handed out. */
  remove(item: T): boolean {
    const at = this.#held.indexOf(item)
    if (at >= 0) this.#held.splice(at, 1)
    return at >= 0
  }

  /** Takes all held items back. */
  removeAll(): T[] {
    const held = this.#held
    this.#held = []
    return held
  }

  /** No more will come; what is held is still delivered. */
  complete(): void {
    this.#completed = true
    this.#flush()
  }

  #flush(): void {
    // `closed` is looked at each time: a subscriber that unsubscribes while it is served leaves the rest to the next.
    while (this.#held.length > 0 && this.#subscriber?.closed === false) this.#subscriber.next(this.#held.shift() as T)
    if (this.#completed && this.#held.length === 0) this.#subscriber?.complete()
  }
}
