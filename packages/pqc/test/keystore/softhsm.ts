import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { TokenOptions } from '@gridseal/pqc'
import { cannotTest, needPeer } from '../../../../test/support/requirements.ts'

/** Names another library of SoftHSM than the system's, for example a newer one that has ML-DSA. */
const LIBRARY = [
  process.env['GRIDSEAL_SOFTHSM'] ?? '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
].find((path) => existsSync(path))
export const PIN = '1234'

/** Skips without SoftHSM or without the native binding, which the install script of pkcs11js builds. */
export function needSoftHsm(context: Mocha.Context): string {
  needPeer(context, 'softhsm2-util')
  try {
    createRequire(import.meta.url)('pkcs11js')
  } catch {
    cannotTest(context, 'needs the native package pkcs11js, built (npm rebuild pkcs11js)')
  }
  return LIBRARY!
}

/** A fresh token of SoftHSM in `folder`, which this process then uses. */
export async function makeToken(library: string, folder: string, token: string): Promise<TokenOptions> {
  const tokens = join(folder, 'tokens')
  await mkdir(tokens, { recursive: true })
  const configuration = join(folder, 'softhsm2.conf')
  await writeFile(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`)
  process.env['SOFTHSM2_CONF'] = configuration
  const init = ['--module', library, '--init-token', '--free', '--label', token, '--so-pin', PIN, '--pin', PIN]
  execFileSync('softhsm2-util', init, { stdio: ['ignore', 'pipe', 'pipe'] })
  return { library, token, pin: PIN }
}
