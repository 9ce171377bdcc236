import { watchFile, unwatchFile } from 'node:fs'
import { readUpdateKeyFile } from '@gridseal/bridge'
import type { UpdateKeyFile } from '@gridseal/bridge'
import type { Association, RemoteOutstation } from '@gridseal/dnp3'
import { MasterAuthenticator } from '@gridseal/dnp3'
import { describeError } from '@gridseal/wire'
import { complain } from '../output.ts'

const LOOK_MS = 1000

/** A master's key from a file, and its successors: whoever writes the file changes the key of the master that runs. */
export class UpdateKey {
  readonly #path: string
  #key: UpdateKeyFile
  #outstation: RemoteOutstation | undefined

  private constructor(path: string, key: UpdateKeyFile) {
    this.#path = path
    this.#key = key
    watchFile(path, { interval: LOOK_MS, persistent: false }, () => void this.#changed())
  }

  /** Throws `UsageError` for a file that is no key file. */
  static async open(path: string): Promise<UpdateKey> {
    return new UpdateKey(path, await readUpdateKeyFile(path))
  }

  authenticator(association: Association): MasterAuthenticator {
    const { number, updateKey } = this.#key
    return new MasterAuthenticator({ user: number, updateKey }, association)
  }

  /** The outstation whose key it is. */
  follow(outstation: RemoteOutstation): void {
    this.#outstation = outstation
  }

  close(): void {
    unwatchFile(this.#path)
  }

  async #changed(): Promise<void> {
    try {
      this.#key = await readUpdateKeyFile(this.#path)
      this.#outstation?.useUpdateKey(this.#key.updateKey)
    } catch (error) {
      complain(`gridseal: ${describeError(error)}`)
    }
  }
}
