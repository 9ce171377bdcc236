import { equalBytes } from '@gridseal/pqc'
import { CHALLENGE_LENGTH } from './content.ts'

/*
 * The ways to the peer: each is one of this end's links and an address there. A path that the peer appears on is
 * answered, up to three times of what it sent, but not used before a challenge has come back from it.
 */

/** One way to the peer. */
export interface PathAddress {
  /** Index of this end's link. */
  readonly link: number
  /** The peer's address there. */
  readonly address: string
}

/**
 * How several paths are used.
 * - `failover`: one at a time, the first that works in the order in which they were given.
 * - `redundant`: all at once; what comes twice is taken once.
 */
export type PathUse = 'failover' | 'redundant'

export interface PathOptions {
  readonly use: PathUse
  /** The first is the one of the handshake. */
  readonly paths: readonly PathAddress[]
  /** Whether paths are probed all the time: the initiator does, the responder only those that it does not know. */
  readonly drives: boolean
  /** Milliseconds between two probes of a path. */
  readonly interval: number
  /** Milliseconds to wait for the answer to the first probe of an unknown path. */
  readonly patience: number
  readonly random: (count: number) => Uint8Array
}

interface Path extends PathAddress {
  /** May be used without limit: by the handshake, by configuration, or by an answer to a challenge. */
  validated: boolean
  received: number
  sent: number
  heard: number
  challenge: Uint8Array | undefined
  challengedAt: number
  /** Challenges in a row without an answer. */
  failures: number
  /** Challenges in a row with an answer. */
  answers: number
}

/** Nothing is sent to an address that is not validated beyond so many times of what came from it. */
export const AMPLIFICATION = 3
const MAX_PATHS = 8
/** A path is dead after so many challenges without an answer, and good again after so many with. */
const DEAD_AFTER = 3
const BACK_AFTER = 2

/** The paths of a session; `now` is an argument. */
export class Paths {
  readonly #options: PathOptions
  #paths: Path[]
  #active: Path
  /** Where the newest record came from that was more than a probe. */
  #latest: Path
  /** Times that the active path changed. */
  changes = 0

  constructor(options: PathOptions, now: number) {
    this.#options = options
    this.#paths = options.paths.map((path) => newPath(path, true, now))
    this.#active = this.#paths[0]!
    this.#latest = this.#active
  }

  get active(): PathAddress {
    return this.#active
  }

  /** When {@link due} wants to be called. */
  get wake(): number {
    return Math.min(...this.#paths.map((path) => this.#nextProbe(path)))
  }

  /** An authentic record of `length` bytes came; `leading` if it is the newest and more than a probe. */
  heard(from: PathAddress, length: number, leading: boolean, now: number): void {
    const path = this.#find(from) ?? this.#add(from, now)
    path.heard = now
    path.received += length
    if (!leading) return
    this.#latest = path
    if (path.validated && this.#options.use === 'failover') this.#use(path)
  }

  /** Where to send what is no probe. */
  targets(now: number): readonly PathAddress[] {
    if (this.#options.use === 'failover') return [this.#active]
    // Who was told of paths uses them all, dead or not: the first record after an outage is not to be lost.
    if (this.#options.drives) return this.#paths.filter(({ validated }) => validated)
    const live = this.#paths.filter((path) => path.validated && this.#alive(path, now))
    return live.length > 0 ? live : [this.#active]
  }

  /** Whether `length` bytes may go to that path; counts them if so. */
  spend(to: PathAddress, length: number): boolean {
    const path = this.#find(to)
    if (path === undefined) return false
    if (!path.validated && path.sent + length > AMPLIFICATION * path.received) return false
    path.sent += length
    return true
  }

  /** Paths that are to be challenged now, with the values. */
  due(now: number): { readonly path: PathAddress; readonly value: Uint8Array }[] {
    const due: { readonly path: PathAddress; readonly value: Uint8Array }[] = []
    for (const path of this.#paths.filter((each) => now >= this.#nextProbe(each))) {
      if (path.challenge !== undefined) {
        path.failures++
        path.answers = 0
      }
      if (!path.validated && path.failures >= DEAD_AFTER) {
        this.#paths = this.#paths.filter((each) => each !== path)
        continue
      }
      path.challenge = this.#options.random(CHALLENGE_LENGTH)
      path.challengedAt = now
      due.push({ path, value: path.challenge })
    }
    if (this.#active.failures >= DEAD_AFTER - 1) this.failover(now)
    return due
  }

  /** A challenge came back, on whatever path: what counts is where it was sent. */
  answered(value: Uint8Array): void {
    const path = this.#paths.find(({ challenge }) => challenge !== undefined && equalBytes(challenge, value))
    if (path === undefined) return
    path.challenge = undefined
    path.failures = 0
    path.answers++
    const first = !path.validated
    path.validated = true
    if (this.#options.use === 'redundant') return
    if (first && path === this.#latest) this.#use(path)
    // Back to a path that stands before the one in use, once it has proven itself.
    const preferred = this.#paths.indexOf(path) < this.#paths.indexOf(this.#active)
    if (this.#options.drives && preferred && path.answers >= BACK_AFTER) this.#use(path)
  }

  /** The active path does not answer: the best of the others is used, if there is one. */
  failover(now: number): void {
    const others = this.#paths.filter((path) => path !== this.#active && path.validated && this.#alive(path, now))
    const best = others.toSorted((a, b) => a.failures - b.failures || b.heard - a.heard)[0]
    if (best === undefined) return
    this.#active.answers = 0
    this.#use(best)
  }

  #use(path: Path): void {
    if (path === this.#active) return
    this.#active = path
    this.changes++
  }

  #alive(path: Path, now: number): boolean {
    if (this.#options.drives) return path.failures < DEAD_AFTER
    return now - path.heard < DEAD_AFTER * this.#options.interval
  }

  #nextProbe(path: Path): number {
    const { drives, interval, patience } = this.#options
    if (!path.validated) return path.challengedAt + patience * 2 ** path.failures
    if (!drives || this.#paths.length === 1) return Number.POSITIVE_INFINITY
    return path.challengedAt + interval
  }

  #find({ link, address }: PathAddress): Path | undefined {
    return this.#paths.find((path) => path.link === link && path.address === address)
  }

  /** The oldest of those that nobody needs makes room. */
  #add(from: PathAddress, now: number): Path {
    if (this.#paths.length >= MAX_PATHS) {
      const spare = this.#paths
        .filter((path) => path !== this.#active && path !== this.#latest)
        .toSorted((a, b) => Number(a.validated) - Number(b.validated) || a.heard - b.heard)[0]
      this.#paths = this.#paths.filter((path) => path !== spare)
    }
    const path = newPath(from, false, now)
    this.#paths.push(path)
    return path
  }
}

function newPath({ link, address }: PathAddress, validated: boolean, now: number): Path {
  return {
    link,
    address,
    validated,
    received: 0,
    sent: 0,
    heard: now,
    challenge: undefined,
    challengedAt: Number.NEGATIVE_INFINITY,
    failures: 0,
    answers: 0,
  }
}
