/** Most time between questions for the peer's time, which also show that the path is alive. */
const ASK_MS = 5_000
const LEAST_ASK_MS = 250
/** Questions without any word from the peer after which the path is dead. */
const SILENT_ASKS = 3

/** Asks while a channel is up; a peer that answers nothing at all is not there any more, whatever TCP believes. */
export class KeepAsking {
  #timer: NodeJS.Timeout | undefined
  /** Questions since the peer's last word. */
  #unanswered = 0

  /** From now on; what stands on the answers may last `holdConnections` ms without a path. */
  begin(holdConnections: number, ask: () => void, silent: () => void): void {
    this.end()
    const period = Math.max(LEAST_ASK_MS, Math.min(ASK_MS, holdConnections / 2))
    this.#timer = setInterval(() => (++this.#unanswered > SILENT_ASKS ? silent() : ask()), period)
    this.#timer.unref()
  }

  /** The peer has said something. */
  heard(): void {
    this.#unanswered = 0
  }

  end(): void {
    clearInterval(this.#timer)
  }
}
