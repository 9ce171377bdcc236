import { appendFileSync, chmodSync, statSync } from 'node:fs'
import { UsageError, toHex } from '@gridseal/wire'
import type { SessionSecrets } from '../handshake/key-schedule.ts'

/*
 * Traffic secrets in a file, for the analysis of captures. Who reads it reads the sessions, so two must agree to it: the
 * configuration and whoever starts the process. Lines are like those of SSLKEYLOGFILE:
 *
 *   label initiator's random (64 hex digits) secret (64 hex digits)
 *
 * with label GRIDSEAL_INITIATOR_TRAFFIC_n or GRIDSEAL_RESPONDER_TRAFFIC_n, n counting fresh key agreements from 0. The
 * epochs between two of them follow from the secret.
 */

/** The environment variable that names the file; without it nothing is ever written. */
export const KEY_LOG_VARIABLE = 'GRIDSEAL_KEYLOGFILE'

/** Writes lines to the end of a file that only its owner may read. */
export class KeyLog {
  readonly #file: string

  /**
   * The file named by the environment, if the configuration allows it: both, or undefined. Throws {@link UsageError}
   * `channel.key-log` where it cannot be written.
   */
  static from(allowed: boolean, environment: Readonly<Record<string, string | undefined>>): KeyLog | undefined {
    const file = allowed ? environment[KEY_LOG_VARIABLE] : undefined
    return file === undefined || file === '' ? undefined : new KeyLog(file)
  }

  private constructor(file: string) {
    this.#file = file
    this.#append('')
    this.#close()
  }

  /** Throws {@link UsageError} `channel.key-log`: better no session than a silent gap. */
  write(random: Uint8Array, agreement: number, { initiator, responder }: Omit<SessionSecrets, 'ratchet'>): void {
    const line = (role: string, secret: Uint8Array): string =>
      `GRIDSEAL_${role}_TRAFFIC_${agreement} ${toHex(random)} ${toHex(secret)}\n`
    this.#append(line('INITIATOR', initiator) + line('RESPONDER', responder))
  }

  #append(text: string): void {
    this.#attempt(() => appendFileSync(this.#file, text, { mode: 0o600 }))
  }

  /** A file that was there already may have been open to others. */
  #close(): void {
    this.#attempt(() => {
      if (statSync(this.#file).isFile()) chmodSync(this.#file, 0o600)
    })
  }

  #attempt(action: () => void): void {
    try {
      action()
    } catch (error) {
      const details = { file: this.#file }
      throw new UsageError('channel.key-log', `the key log ${this.#file} cannot be written`, details, error)
    }
  }
}
