import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BridgeConfig } from '@gridseal/bridge'
import { createBridge, parseConfig } from '@gridseal/bridge'
import { SigningKey, issueCertificate, writeKeyFile, writePublicKeyFile } from '@gridseal/pqc'
import { expect } from 'chai'
import { withFolder } from '../../../test/support/folders.ts'
import { needLinux } from '../../../test/support/requirements.ts'

const keys = Object.fromEntries(
  ['bridge', 'first', 'second'].map((name, i) => [
    name,
    SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(30 + i)),
  ]),
) as Record<'bridge' | 'first' | 'second', SigningKey>

/** A field bridge's and a head-end's configuration; batches are signed with the key of that name. */
function configOf(
  folder: string,
  role: 'field' | 'head-end',
  signer: 'first' | 'second',
  certificate?: string,
): BridgeConfig {
  const file = (name: string): string => join(folder, name)
  const link = { id: 'a', protocol: 'raw' }
  const config = {
    role,
    identity: file('bridge.key'),
    signing: { keys: [{ file: file(`${signer}.key`) }] },
    ...(certificate === undefined ? {} : { certificate: file(certificate) }),
    ...(role === 'field'
      ? {
          site: 's',
          channel: { connect: 'tcp://127.0.0.1:9', peer: file('bridge.pub') },
          links: [{ ...link, device: 'tcp://127.0.0.1:9' }],
        }
      : {
          channel: { listen: 'tcp://127.0.0.1:0' },
          sites: [{ site: 's', peer: file('bridge.pub'), links: [{ ...link, master: 'tcp://127.0.0.1:0' }] }],
        }),
  }
  return parseConfig(JSON.stringify(config), 'test')
}

async function certificateOf(key: SigningKey): Promise<string> {
  const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) }
  const issued = await issueCertificate(
    { subject: { CN: 'bridge' }, spki: key.publicKey.toSpki(), ...validity, extensions: {} },
    { name: { CN: 'bridge' }, signer: key },
  )
  return issued.toPem()
}

describe('a configuration that is read again', () => {
  before(function () {
    // A file that is read slowly is a named pipe.
    needLinux(this)
  })

  for (const role of ['field', 'head-end'] as const) {
    it(`twice in a row by a ${role} bridge is the second in the end, however long the first took to read`, () =>
      withFolder(async (folder) => {
        for (const [name, key] of Object.entries(keys)) {
          await writeKeyFile(join(folder, `${name}.key`), key)
          await writePublicKeyFile(join(folder, `${name}.pub`), key.publicKey)
        }
        const pipe = join(folder, 'slow.pem')
        execFileSync('mkfifo', [pipe])
        const bridge = await createBridge(configOf(folder, role, 'second'), () => undefined)
        const slow = bridge.reload(configOf(folder, role, 'first', 'slow.pem'))
        const quick = bridge.reload(configOf(folder, role, 'second'))
        await new Promise((later) => setTimeout(later, 100))
        await writeFile(pipe, await certificateOf(keys.bridge))
        await Promise.all([slow, quick])
        expect(bridge.stats.signer).to.equal(keys.second.publicKey.fingerprintText)
        await bridge.stop()
      }))
  }
})
