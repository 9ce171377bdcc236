import { readFile } from 'node:fs/promises'
import { SigningKey, algorithmInfo, readPublicKeyFile, writeKeyFile, writePublicKeyFile } from '@gridseal/pqc'
import { UsageError } from '@gridseal/wire'
import { complain, print, toJson } from '../output.ts'
import { signatureAlgorithm } from './algorithm.ts'
import { PASSPHRASE_VARIABLE, passphraseOption } from './passphrase.ts'

export interface KeygenOptions {
  readonly algorithm: string
  readonly json: boolean
  readonly force: boolean
  readonly encrypt: boolean
}

/** Makes an identity: the private key in `path` (mode 0600), the public one in `path.pub`. */
export async function keygen(path: string, options: KeygenOptions): Promise<void> {
  const { passphrase } = passphraseOption()
  if (options.encrypt && passphrase === undefined) {
    throw new UsageError('keygen.passphrase', `--encrypt takes the passphrase from ${PASSPHRASE_VARIABLE}`)
  }
  const key = SigningKey.generate(signatureAlgorithm(options.algorithm))
  const { status, category } = algorithmInfo(key.algorithm)
  if (status === 'experimental') complain(`gridseal: ${key.algorithm} is experimental: its standard will differ`)
  if (category === 0) complain(`gridseal: ${key.algorithm} does not withstand quantum computers`)
  const secrecy = options.encrypt && passphrase !== undefined ? { passphrase } : {}
  await writeKeyFile(path, key, { overwrite: options.force, ...secrecy })
  const publicPath = `${path.replace(/\.key$/, '')}.pub`
  await writePublicKeyFile(publicPath, key.publicKey, { overwrite: options.force })
  const fingerprint = key.publicKey.fingerprintText
  if (options.json) print(toJson({ path, publicPath, algorithm: key.algorithm, fingerprint }))
  else print(`private key  ${path}\npublic key   ${publicPath}\nfingerprint  ${fingerprint}`)
}

export interface KeysOptions {
  readonly json: boolean
  /** Another form of the key: to be read by other software. */
  readonly form?: 'jwk' | 'cose' | 'pem'
}

/** Shows algorithm and fingerprint of public key files, or the keys in another form. */
export async function keys(paths: readonly string[], options: KeysOptions): Promise<void> {
  for (const path of paths) {
    const key = await readPublicKeyFile(path)
    switch (options.form) {
      case 'jwk':
        print(JSON.stringify({ ...key.toJwk(), kid: key.jwkThumbprint }))
        break
      case 'cose':
        print(Buffer.from(key.toCoseKey({ kid: true })).toString('hex'))
        break
      case 'pem':
        print((await readFile(path, 'utf8')).trimEnd())
        break
      default:
        if (options.json) print(toJson({ path, algorithm: key.algorithm, fingerprint: key.fingerprintText }))
        else print(`${key.fingerprintText}  ${path}`)
    }
  }
}
