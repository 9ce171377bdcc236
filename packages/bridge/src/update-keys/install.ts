import { randomBytes } from 'node:crypto'
import { Master, changeUpdateKey, encryptUpdateKey } from '@gridseal/dnp3'
import { ProtocolError } from '@gridseal/wire'
import { readHexKey } from './key-file.ts'
import type { OutstationKeyChange } from './config.ts'

/** SAv5's symmetric method: AES-256 key wrap and HMAC-SHA-256 under the authority's key. */
const METHOD = 4
const AUTHORITY_OCTETS = 32
const CHALLENGE_OCTETS = 16

/**
 * Changes a user's update key at an outstation (g120v11 to v15) over a connection of its own; resolves with the user's number
 * when the outstation has proved that it has the key. Rejects with `UsageError` for the authority's key file, `ProtocolError`
 * `dnp3.…` for what the outstation answers, or does not.
 */
export async function changeKeyAtOutstation(
  device: string,
  user: string,
  change: OutstationKeyChange,
  updateKey: Uint8Array,
): Promise<number> {
  const { outstation, authority, local, remote, timeout } = change
  const authorityKey = await readHexKey(authority, AUTHORITY_OCTETS)
  const userName = new TextEncoder().encode(user)
  const master = await Master.open(device)
  try {
    await within(timeout, master.whenConnected(), 'the outstation cannot be reached')
    const station = master.add({
      local,
      remote,
      responseTimeout: timeout,
      startTimeout: timeout,
      // Everything else is the real master's to do, and events are its to have.
      guest: true,
      disableUnsolicited: false,
      integrity: [],
      unsolicited: [],
    })
    const source = {
      method: METHOD,
      userName,
      outstationName: new TextEncoder().encode(outstation),
      seal: ({ outstationChallenge }: { readonly outstationChallenge: Uint8Array }) => ({
        updateKey,
        encrypted: encryptUpdateKey(authorityKey, userName, updateKey, outstationChallenge),
      }),
    }
    const { user: number } = await within(
      timeout,
      station.run('update key', () => changeUpdateKey(source, randomBytes(CHALLENGE_OCTETS))),
      'the outstation does not answer',
    )
    return number
  } finally {
    await master.close()
  }
}

async function within<T>(limit: number, work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  try {
    return await Promise.race([
      work,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new ProtocolError('bridge.update-key.timeout', what)), limit)
      }),
    ])
  } finally {
    clearTimeout(timer)
  }
}
